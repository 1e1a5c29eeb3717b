//! Whether a received descriptor is close-on-exec from the first moment, or only a little later:
//! a child that is started in between inherits it. Another process looks.

use super::receivers::{self, Receives, Room};
use super::tools;
use super::{Outcome, trap};
use std::io::{self, BufRead, BufReader, Read, Seek};
use std::os::fd::AsFd;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

trap! {
    CLOSE_ON_EXEC, "close-on-exec-window", "close-on-exec from the first moment";
    run {
        Nix: look::<receivers::Nix>,
        Rustix: look::<receivers::Rustix>,
        Uds: look::<receivers::Uds>,
        TokioSeqpacket: look::<receivers::TokioSeqpacket>,
        Sendfd: look::<receivers::Sendfd>,
        Passfd: look::<receivers::Passfd>,
        UnixAncillary: look::<receivers::UnixAncillary>,
        Sunpath: look::<receivers::Sunpath>,
    }
    absent {
        "receives descriptors in nightly Rust only": Std;
        "leaves control messages as bytes": Socket2;
        "receives no descriptors": Tokio Interprocess;
        "hides the descriptors that it receives": IpcChannel;
    }
}

/// For how long a window is looked for; one of a microsecond is seen within a few milliseconds.
const LOOK: Duration = Duration::from_secs(1);

/// `O_CLOEXEC` as `fdinfo` shows it.
const CLOEXEC: u32 = 0o2_000_000;

/// Whether a descriptor is close-on-exec by its `fdinfo`; `None` if that tells nothing.
pub fn close_on_exec(fdinfo: &str) -> Option<bool> {
    let flags = fdinfo.lines().find_map(|line| line.strip_prefix("flags:"))?;
    let flags = u32::from_str_radix(flags.trim(), 8).ok()?;
    Some(flags & CLOEXEC != 0)
}

/// Receives a descriptor again and again, always with the same number, while a child looks at it.
fn look<R: Receives>() -> io::Result<Outcome> {
    let (sender, mut receiver) = R::pair()?;
    let file = tools::file()?;
    let mut receive = || -> io::Result<receivers::Got> {
        tools::send(&sender, b"fds!", &[file.as_fd()])?;
        receiver.receive(&mut [0; 64], Room::One)
    };
    let first = receive()?;
    let number = *first.numbers().first().ok_or_else(|| io::Error::other("no descriptor"))?;
    let mut watcher = Command::new(std::env::current_exe()?)
        .args(["trap-watch", &std::process::id().to_string(), &number.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut lines = BufReader::new(watcher.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?);
    lines.read_line(&mut String::new())?;
    // From here on the number is free, and the next descriptor gets it.
    first.close()?;
    let deadline = Instant::now() + LOOK;
    let mut seen = None;
    while Instant::now() < deadline && seen.is_none() {
        for _ in 0..100 {
            let got = receive()?;
            if got.numbers() != [number] {
                return Err(io::Error::other("the number has changed"));
            }
            got.close()?;
        }
        seen = watcher.try_wait()?;
    }
    watcher.kill()?;
    watcher.wait()?;
    Ok(match seen {
        Some(_) => Outcome::fails("open without it, for a moment or for ever"),
        None => Outcome::ok("never open without it"),
    })
}

/// Looks at a descriptor of another process until it is open and not close-on-exec.
pub fn watch(process: &str, number: &str) -> io::Result<()> {
    let mut file = std::fs::File::open(format!("/proc/{process}/fdinfo/{number}"))?;
    println!("ready");
    let mut text = String::new();
    // The one who started this ends it, and its whole group after the limit of a cell.
    loop {
        text.clear();
        file.rewind()?;
        // While the number is free there is nothing to read.
        if file.read_to_string(&mut text).is_err() {
            continue;
        }
        if close_on_exec(&text) == Some(false) {
            return Ok(());
        }
    }
}
