//! `--activate`: a program that gets the socket itself, as from a service manager.

use super::commands::tell_ended;
use super::{Server, deadline};
use crate::args::Listen;
use crate::exit::Exit;
use crate::out::Stop;
use crate::talk::command::{self, Running};
use crate::talk::setup::Console;
use crate::talk::tell::{Teller, Weight};
use crate::talk::wait::{Wake, wait};
use serde_json::json;
use std::ffi::{OsStr, OsString};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use sunpath::Address;
use sunpath::activation::Launcher;

/// A program that ended sooner, and left its client waiting, is started again only after this time.
const SOON: Duration = Duration::from_secs(1);

/// What is to be started.
pub struct Task<'a> {
    pub args: &'a Listen,
    pub program: &'a OsStr,
    pub address: &'a Address,
}

impl Task<'_> {
    /// Starts the program when somebody comes; with `--keep-open` again and again.
    pub fn run(
        &self,
        console: &Console,
        server: &Server,
        teller: &Teller,
    ) -> Result<ExitCode, Stop> {
        let (mut number, stopping) = (0, &console.stopping);
        loop {
            match wait(stopping, &[server.as_fd()], deadline(self.args))? {
                Wake::Stopped => return Ok(Exit::Interrupted.into()),
                Wake::Late if number > 0 => return Ok(Exit::Success.into()),
                Wake::Late => {
                    teller.note(&format!("nobody came to {} in time", self.address));
                    return Ok(Exit::Fails.into());
                }
                Wake::Ready => {}
            }
            let started = Instant::now();
            number += 1;
            let program = self.start(server, number)?;
            let pid = program.pid();
            let sentence = format!("the program is process {pid}");
            teller.tell(Weight::Detail, "started", json!({ "pid": pid }), &sentence);
            let Some(status) = program.finish(stopping)? else {
                return Ok(Exit::Interrupted.into());
            };
            tell_ended(teller, status);
            if !self.args.keep_open {
                return Ok(command::code(status));
            }
            if started.elapsed() < SOON
                && let Wake::Stopped = wait(stopping, &[], started.checked_add(SOON))?
            {
                return Ok(Exit::Interrupted.into());
            }
        }
    }

    fn start(&self, server: &Server, number: u64) -> Result<Running, Stop> {
        let failed = |e: std::io::Error| command::cannot(self.program, &e);
        let line: OsString = [OsStr::new(front(self.program)), self.program].into_iter().collect();
        let mut launcher = Launcher::new("sh");
        launcher.pass(&self.args.fd_name, server).map_err(failed)?;
        launcher.command().arg("-c").arg(line);
        Running::of(launcher.spawn().map_err(failed)?, number).map_err(failed)
    }
}

/// What makes the shell become the program, whose process the environment names. It cannot be told
/// where the program begins in more than a simple command, which is left as it is.
fn front(command: &OsStr) -> &'static str {
    let command = command.as_bytes().trim_ascii_start();
    let first = command.split(u8::is_ascii_whitespace).next().unwrap_or_default();
    if first == b"exec" || command.iter().any(|b| b";&|(){}\n".contains(b)) {
        ""
    } else if first.contains(&b'=') {
        "exec env "
    } else {
        "exec "
    }
}

#[cfg(test)]
mod tests {
    use super::front;
    use std::ffi::OsStr;

    #[test]
    fn the_shell_becomes_what_a_simple_command_starts() {
        let fronts = [
            ("./appd --foreground", "exec "),
            ("DEBUG='a b' ./appd", "exec env "),
            ("exec ./appd", ""),
            ("cd /srv && exec ./appd", ""),
            ("ulimit -n 64; ./appd", ""),
        ];
        for (command, expected) in fronts {
            assert_eq!(front(OsStr::new(command)), expected, "{command}");
        }
    }
}
