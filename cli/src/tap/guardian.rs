//! A process that restores the server's file if the tap is killed.
//!
//! It is started before the files change places, in a session of its own, and holds the reading end
//! of a pipe whose writing end nobody but the tap has. When that is closed, for whatever reason, it
//! looks whether there is anything to be restored, and ends.

use super::place::{Place, Restored, directory_of};
use crate::exit::Exit;
use crate::failure::Told;
use crate::out;
use std::ffi::{OsStr, OsString};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// The hidden subcommand.
pub const GUARD: &str = "__tap-guard";

/// What the guardian says when it is ready.
const READY: &str = "ready\n";

/// What the tap says when there is nothing to be restored any more.
const DONE: &[u8] = b"done\n";

/// The guardian, as the tap has it. It ends when this is dropped.
#[derive(Debug)]
pub struct Guardian(Child);

impl Guardian {
    /// Starts it, and waits until it watches.
    pub fn start(path: &Path, beside: &OsStr) -> io::Result<Guardian> {
        let mut child = Command::new("/proc/self/exe")
            .arg(GUARD)
            .arg(path)
            .arg(beside)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        let guardian = Guardian(child);
        match line == READY {
            true => Ok(guardian),
            false => Err(io::Error::other("it did not start")),
        }
    }
}

impl Guardian {
    /// Lets it end without doing or saying anything: the tap has.
    pub fn dismiss(mut self) {
        if let Some(stdin) = &mut self.0.stdin {
            // If it has gone, that is as well.
            let _ = stdin.write_all(DONE);
        }
    }
}

impl Drop for Guardian {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        // It ends by itself now.
        let _ = self.0.wait();
    }
}

/// The guardian's side, before the files have changed places.
pub fn run(path: &Path, beside: OsString) -> Exit {
    // Without a session of its own, it would be interrupted together with the tap.
    let _ = sunpath::sys::process::own_session();
    let held = directory_of(path).and_then(|directory| {
        let (ours, theirs) = (beside.clone(), directory.1.clone());
        Place::hold(directory, beside, (&ours, &theirs))
    });
    let Ok(place) = held else { return Exit::Trouble };
    // The end of the tap is noticed below, whether or not it read this.
    let said = io::stdout().write_all(READY.as_bytes()).and_then(|()| io::stdout().flush());
    let mut rest = Vec::new();
    let _ = said.and_then(|()| io::stdin().read_to_end(&mut rest).map(drop));
    place.forget();
    if rest == DONE {
        return Exit::Success;
    }
    match place.restore() {
        Ok(Restored::Nothing) => Exit::Success,
        Ok(restored) => {
            out::complain(&format!("the tap was killed: {}", place.told(restored)));
            Exit::Success
        }
        Err(errno) => {
            let why = errno.told();
            out::complain(&format!("the tap was killed, and {place} cannot be restored: {why}"));
            Exit::Trouble
        }
    }
}
