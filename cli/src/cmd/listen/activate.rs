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
        // The shell becomes the program, whose process the environment names.
        let line: OsString = [OsStr::new("exec "), self.program].into_iter().collect();
        let mut launcher = Launcher::new("sh");
        launcher.pass(&self.args.fd_name, server).map_err(failed)?;
        launcher.command().arg("-c").arg(line);
        Running::of(launcher.spawn().map_err(failed)?, number).map_err(failed)
    }
}
