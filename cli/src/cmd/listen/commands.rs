//! `--exec`: a command for each connection, many at the same time.

use super::{Server, count, deadline, tell_accepted};
use crate::args::Listen;
use crate::cmd::why::failed;
use crate::exit::Exit;
use crate::out::Stop;
use crate::talk::command::{self, Running};
use crate::talk::setup::Console;
use crate::talk::tell::{Teller, Weight};
use crate::talk::wait::{Wake, wait};
use crate::talk::who;
use serde_json::json;
use std::ffi::OsStr;
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitCode, ExitStatus};
use sunpath::Address;

/// What is to be run, and where.
pub struct Task<'a> {
    pub args: &'a Listen,
    pub shell: &'a OsStr,
    pub address: &'a Address,
}

impl Task<'_> {
    /// Serves as many connections as are wanted, and waits for their commands.
    pub fn run(
        &self,
        console: &Console,
        server: &Server,
        teller: &Teller,
    ) -> Result<ExitCode, Stop> {
        let wanted = count(self.args);
        let mut running: Vec<Running> = Vec::new();
        let (mut number, mut until, mut last) = (0, deadline(self.args), Exit::Success.into());
        loop {
            let more = wanted.is_none_or(|wanted| number < wanted);
            if !more && running.is_empty() {
                return Ok(if wanted == Some(1) { last } else { Exit::Success.into() });
            }
            let accepts = more && running.len() < usize::from(self.args.max);
            let mut fds: Vec<_> = running.iter().map(AsFd::as_fd).collect();
            fds.extend(accepts.then(|| server.as_fd()));
            match wait(&console.stopping, &fds, until.filter(|_| running.is_empty()))? {
                Wake::Stopped => {
                    command::stop(&mut running);
                    return Ok(Exit::Interrupted.into());
                }
                Wake::Late if number > 0 => return Ok(Exit::Success.into()),
                Wake::Late => {
                    teller.note("nobody connected in time");
                    return Ok(Exit::Fails.into());
                }
                Wake::Ready => {}
            }
            running.retain_mut(|command| match command.ended() {
                None => true,
                Some(status) => {
                    tell_ended(&teller.about(command.connection), status);
                    (last, until) = (command::code(status), deadline(self.args));
                    false
                }
            });
            if accepts && let Some(command) = self.start(server, teller, number + 1)? {
                number += 1;
                running.push(command);
            }
        }
    }

    /// Takes a connection, if one waits, and starts its command.
    fn start(
        &self,
        server: &Server,
        teller: &Teller,
        number: u64,
    ) -> Result<Option<Running>, Stop> {
        let wire = match server.accept() {
            Ok(Some(wire)) => wire,
            Ok(None) => return Ok(None),
            Err(error) => {
                failed::tell(teller, &error, self.address, Some(server.as_fd()));
                return Err(Stop::Failed(Exit::Fails, "no more connections are taken".into()));
            }
        };
        let teller = teller.about(number);
        tell_accepted(&teller, &wire);
        if self.args.talk.peer {
            who::peer(&teller, wire.peer());
        }
        let peer = wire.peer().credentials().ok();
        let command = command::start(self.shell, wire.into(), peer, number)?;
        let pid = command.pid();
        let sentence = format!("its command is process {pid}");
        teller.tell(Weight::Detail, "started", json!({ "pid": pid }), &sentence);
        Ok(Some(command))
    }
}

/// Tells how a command ended.
pub fn tell_ended(teller: &Teller, status: ExitStatus) {
    let sentence = match (status.code(), status.signal()) {
        (Some(code), _) => format!("the command ended with status {code}"),
        (None, signal) => format!("the command was killed by signal {}", signal.unwrap_or(0)),
    };
    let fields = json!({"status": status.code(), "signal": status.signal()});
    teller.tell(Weight::Detail, "ended", fields, &sentence);
}
