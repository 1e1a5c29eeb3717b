//! A terminal: a pseudo-terminal with `sunpath top` on it, and its screen.

use crate::common::spawn;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{Termios, Winsize, tcgetattr, tcsetwinsize};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};
use vt100::{Parser, Screen};

/// A busy machine may take long.
const PATIENCE: Duration = Duration::from_secs(60);

/// `sunpath top` on a terminal of its own.
pub struct Tty {
    /// Gone once it was hung up.
    master: Option<File>,
    slave: OwnedFd,
    child: Child,
    parser: Parser,
    /// Everything that was written.
    pub written: Vec<u8>,
    /// The mode of the terminal before.
    before: Termios,
}

impl Tty {
    /// Starts it on a screen of 24 lines and 80 columns. `None`, and the reason on standard error,
    /// where this system cannot.
    pub fn start(args: &[&OsStr]) -> Option<Tty> {
        Tty::with(args, &[], (24, 80))
    }

    /// Starts it with these variables, lines and columns.
    pub fn with(args: &[&OsStr], variables: &[(&str, &str)], size: (u16, u16)) -> Option<Tty> {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let opened = openpt(flags).and_then(|master| {
            grantpt(&master)?;
            unlockpt(&master)?;
            let slave = ioctl_tiocgptpeer(&master, flags)?;
            Ok((master, slave))
        });
        let (master, slave) = match opened {
            Ok(both) => both,
            Err(why) => {
                eprintln!("skipped: no pseudo-terminal: {why}");
                return None;
            }
        };
        tcsetwinsize(&master, winsize(size)).unwrap();
        let before = tcgetattr(&slave).unwrap();
        let mut command = Command::new("setsid");
        command.args(["--ctty", env!("CARGO_BIN_EXE_sunpath"), "top"]).args(args);
        for name in ["NO_COLOR", "CLICOLOR_FORCE", "CLICOLOR", "COLUMNS"] {
            command.env_remove(name);
        }
        command.env("TERM", "xterm-256color").envs(variables.iter().copied());
        let end = || slave.try_clone().unwrap();
        let child = match spawn(command.stdin(end()).stdout(end()).stderr(end())) {
            Ok(child) => child,
            Err(why) => {
                eprintln!("skipped: no setsid to give it the terminal: {why}");
                return None;
            }
        };
        let master = Some(File::from(master));
        let [rows, columns] = [size.0, size.1].map(|n| NonZeroU16::new(n).unwrap());
        let parser = Parser::new(rows, columns, 0);
        Some(Tty { master, slave, child, parser, written: Vec::new(), before })
    }

    /// Waits until the screen is as wanted.
    #[track_caller]
    pub fn until(&mut self, what: &str, wanted: impl Fn(&Screen) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !wanted(self.parser.screen()) {
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero() && self.read(left), "never {what}:\n{}", self.text());
        }
    }

    /// Waits for a text on the screen.
    #[track_caller]
    pub fn until_shown(&mut self, text: &str) {
        self.until(text, |screen| screen.contents().contains(text));
    }

    /// Waits until a text is no longer on the screen.
    #[track_caller]
    pub fn until_gone(&mut self, text: &str) {
        self.until(&format!("without {text}"), |screen| !screen.contents().contains(text));
    }

    /// Reads what is written within this time; `false` if nothing is.
    fn read(&mut self, time: Duration) -> bool {
        let Some(master) = &mut self.master else { return false };
        let mut polled = [PollFd::new(master, PollFlags::IN)];
        let time = Timespec::try_from(time).unwrap();
        if !poll(&mut polled, Some(&time)).is_ok_and(|ready| ready > 0) {
            return false;
        }
        let mut buffer = [0; 4096];
        let Ok(length @ 1..) = master.read(&mut buffer) else { return false };
        self.parser.process(&buffer[..length]);
        self.written.extend_from_slice(&buffer[..length]);
        true
    }

    /// What is on the screen.
    pub fn text(&self) -> String {
        self.parser.screen().contents()
    }

    /// The screen.
    pub fn screen(&self) -> &Screen {
        self.parser.screen()
    }

    /// The lines of the screen.
    pub fn lines(&self) -> Vec<String> {
        let (_, columns) = self.parser.screen().size();
        self.parser.screen().rows(0, columns.get()).collect()
    }

    /// Presses keys.
    pub fn press(&mut self, keys: &str) {
        self.master.as_mut().unwrap().write_all(keys.as_bytes()).unwrap();
    }

    /// Gives the terminal another size.
    pub fn resize(&mut self, size: (u16, u16)) {
        let [rows, columns] = [size.0, size.1].map(|n| NonZeroU16::new(n).unwrap());
        self.parser.set_size(rows, columns);
        tcsetwinsize(self.master.as_ref().unwrap(), winsize(size)).unwrap();
    }

    /// The process id of `sunpath top`.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_raw(self.child.id().cast_signed()).unwrap(), signal).unwrap();
    }

    /// The letter of its state in `/proc`.
    pub fn state(&self) -> char {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        stat.rsplit(')').next().unwrap().trim().chars().next().unwrap()
    }

    /// Whether the mode of the terminal is what it was.
    pub fn is_cooked(&self) -> bool {
        let now = tcgetattr(&self.slave).unwrap();
        let modes = |t: &Termios| (t.input_modes, t.output_modes, t.control_modes, t.local_modes);
        modes(&now) == modes(&self.before)
    }

    /// Waits for the end, and for all that was written.
    pub fn wait(&mut self) -> ExitStatus {
        let end = Instant::now() + PATIENCE;
        loop {
            // It may wait for somebody to read.
            while self.read(Duration::from_millis(20)) {}
            if let Some(status) = self.child.try_wait().unwrap() {
                while self.read(Duration::from_millis(20)) {}
                return status;
            }
            assert!(Instant::now() < end, "it never ended:\n{}", self.text());
        }
    }

    /// Waits for a state, as [`state`](Tty::state) tells it.
    pub fn until_state(&self, state: char) {
        let end = Instant::now() + PATIENCE;
        while self.state() != state {
            assert!(Instant::now() < end, "it is {}, not {state}", self.state());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Takes the terminal away.
    pub fn hang_up(&mut self) {
        self.master = None;
    }

    /// The terminal is as it was: mode, screen and cursor.
    #[track_caller]
    pub fn assert_restored(&self) {
        assert!(self.is_cooked(), "the mode");
        assert!(!self.screen().alternate_screen() && !self.screen().hide_cursor());
    }
}

fn winsize((rows, columns): (u16, u16)) -> Winsize {
    Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }
}

impl Drop for Tty {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
