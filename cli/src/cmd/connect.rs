//! `sunpath connect`: the standard streams, or a command, connected to a socket.

use super::why::failed;
use crate::args::Connect;
use crate::exit::Exit;
use crate::json;
use crate::out::Stop;
use crate::talk::pump::{self, End, Task};
use crate::talk::setup::{self, Console};
use crate::talk::tell::{Teller, Weight};
use crate::talk::wire::Wire;
use crate::talk::{command, who};
use serde_json::Map;
use std::os::fd::OwnedFd;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use sunpath::sys::stopping::Stopping;
use sunpath::{Address, ConnectOptions, Datagram, Error, SeqPacket, SocketType, Stream, ToAddress};

/// Where a file has to be removed at the end, a wait for a full backlog looks so often whether it
/// is to stop.
const LOOK: Duration = Duration::from_millis(250);

/// Connects and talks.
pub fn run(args: &Connect) -> Result<ExitCode, Stop> {
    let mut console = Console::new(&args.talk)?;
    let teller = Teller::new(&args.talk);
    let address = setup::address(&args.address)?;
    let local = match &args.local {
        None => None,
        Some(None) => Some(Address::Unnamed),
        Some(Some(text)) => Some(setup::address(text)?),
    };
    let makes_file = matches!(local, Some(Address::Path(_)));
    if makes_file {
        console.catch_signals()?;
    }
    let dial = Dial { args, to: &address, local: local.as_ref(), stopping: &console.stopping };
    let mut wire = match dial.connect() {
        Ok(Some(wire)) => wire,
        Ok(None) => return Ok(Exit::Interrupted.into()),
        Err(error) => {
            failed::tell(&teller, &error, &address, None);
            return Ok(Exit::Fails.into());
        }
    };
    if !makes_file {
        console.catch_signals()?;
    }
    tell_connected(&teller, &wire, &address);
    if args.talk.peer && wire.is_connection() {
        who::peer(&teller, wire.peer());
    }
    if let Some(shell) = &args.talk.exec {
        let peer = wire.peer().credentials().ok();
        let running = command::start(shell, OwnedFd::from(wire), peer, 1)?;
        let status = running.finish(&console.stopping)?;
        return Ok(status.map_or(Exit::Interrupted.into(), command::code));
    }
    let task = Task {
        address: &address,
        patience: args.talk.timeout,
        answers: local.is_some(),
        count: None,
    };
    let end = pump::run(&mut console, &mut wire, &teller, &task)?;
    Ok(exit(end).into())
}

/// The status of a conversation.
pub fn exit(end: End) -> Exit {
    match end {
        End::Finished => Exit::Success,
        End::Failed => Exit::Fails,
        End::Stopped => Exit::Interrupted,
    }
}

fn tell_connected(teller: &Teller, wire: &Wire, address: &Address) {
    let mut fields = Map::new();
    json::put_bytes(&mut fields, "address", &json::spelled(address));
    let local = wire.local_addr().unwrap_or(Address::Unnamed);
    json::put_bytes(&mut fields, "local", &json::spelled(&local));
    let from = match &local {
        Address::Unnamed => String::new(),
        local => format!(" from {local}"),
    };
    let sentence = format!("connected to {address}{from}");
    teller.tell(Weight::Detail, "connected", fields.into(), &sentence);
}

/// How to connect.
struct Dial<'a> {
    args: &'a Connect,
    to: &'a Address,
    local: Option<&'a Address>,
    stopping: &'a Stopping,
}

impl Dial<'_> {
    /// `None` if it was stopped before.
    fn connect(&self) -> Result<Option<Wire>, Error> {
        Ok(match self.args.talk.socket {
            SocketType::SeqPacket => self.stay(SeqPacket::options())?.map(Wire::SeqPacket),
            SocketType::Datagram => Some(Wire::Datagram(self.datagram()?)),
            _ => self.stay(Stream::options())?.map(Wire::Stream),
        })
    }

    /// Waits while the backlog is full. A signal ends this program then, unless there is a file to
    /// be removed: signals interrupt no call of the library, so that wait is made of short ones.
    fn stay<T>(&self, options: ConnectOptions<T>) -> Result<Option<T>, Error> {
        let options = options.pass_rights(true);
        let timeout = self.args.talk.timeout;
        let Some(local) = self.local else {
            let options = match timeout {
                Some(timeout) => options.timeout(timeout),
                None => options,
            };
            return options.connect(self.to).map(Some);
        };
        let mut options = options.local(local);
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        while self.stopping.signal().is_none() {
            let left = deadline.map(|at| at.saturating_duration_since(Instant::now()));
            let last = left.filter(|left| *left <= LOOK);
            options = options.timeout(last.unwrap_or(LOOK));
            match options.connect(self.to) {
                Err(error) if error.cause() == Some("connect/backlog-full") && last.is_none() => {}
                done => return done.map(Some),
            }
        }
        Ok(None)
    }

    /// Answers can only be sent to a socket that has a name.
    fn datagram(&self) -> Result<Datagram, Error> {
        let socket = match self.local {
            None => Datagram::unbound()?,
            Some(local) => {
                let peer = self.args.talk.peer;
                let options = Datagram::options().pass_rights(true).pass_credentials(peer);
                options.bind(local.to_address())?
            }
        };
        socket.connect(self.to)?;
        Ok(socket)
    }
}
