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
use crate::talk::wire::Wire;
use serde_json::json;
use std::ffi::OsStr;
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitCode, ExitStatus};
use std::time::{Duration, Instant};
use sunpath::Address;

/// The pause after a connection could not be taken: it stays in the queue, and the listener readable.
const PAUSE: Duration = Duration::from_millis(500);

/// Descriptors that are free before a connection is taken: one that was taken without the means to
/// start its command would be lost.
const ROOM: usize = 8;

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
        let mut paused: Option<Instant> = None;
        loop {
            let more = wanted.is_none_or(|wanted| number < wanted);
            if !more && running.is_empty() {
                return Ok(if wanted == Some(1) { last } else { Exit::Success.into() });
            }
            paused = paused.filter(|until| Instant::now() < *until);
            let accepts = more && paused.is_none() && running.len() < usize::from(self.args.max);
            let mut fds: Vec<_> = running.iter().map(AsFd::as_fd).collect();
            fds.extend(accepts.then(|| server.as_fd()));
            let deadline = paused.or(until.filter(|_| running.is_empty()));
            match wait(&console.stopping, &fds, deadline)? {
                Wake::Stopped => {
                    command::stop(&mut running);
                    return Ok(Exit::Interrupted.into());
                }
                Wake::Late if paused.is_some() => {}
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
                    (last, until) = (command::code(status), super::deadline(self.args));
                    false
                }
            });
            if accepts {
                if !running.is_empty() && !has_room(server) {
                    teller.note("no descriptors are left: clients wait until a command has ended");
                    paused = Instant::now().checked_add(PAUSE);
                    continue;
                }
                match server.accept() {
                    Ok(None) => {}
                    Ok(Some(wire)) => {
                        number += 1;
                        running.extend(self.start(wire, &teller.about(number), number)?);
                    }
                    Err(error) => {
                        failed::tell(teller, &error, self.address, Some(server.as_fd()));
                        paused = Instant::now().checked_add(PAUSE);
                    }
                }
            }
        }
    }

    /// Starts the command of a connection. If it cannot be started, this is the end only if there is
    /// to be no other.
    fn start(&self, wire: Wire, teller: &Teller, number: u64) -> Result<Option<Running>, Stop> {
        tell_accepted(teller, &wire);
        if self.args.talk.peer {
            who::peer(teller, wire.peer());
        }
        let peer = wire.peer().credentials().ok();
        match command::start(self.shell, wire.into(), peer, number) {
            Ok(command) => {
                let pid = command.pid();
                let sentence = format!("its command is process {pid}");
                teller.tell(Weight::Detail, "started", json!({ "pid": pid }), &sentence);
                Ok(Some(command))
            }
            Err(Stop::Failed(_, message)) if count(self.args) != Some(1) => {
                teller.note(&message);
                Ok(None)
            }
            Err(stop) => Err(stop),
        }
    }
}

/// Whether there are descriptors for another command.
fn has_room(server: &Server) -> bool {
    let copies = (0..ROOM).map(|_| server.as_fd().try_clone_to_owned());
    copies.collect::<std::io::Result<Vec<_>>>().is_ok()
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
