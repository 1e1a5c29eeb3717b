//! `sunpath listen`: a socket served by the standard streams, or by commands.

mod activate;
mod commands;
mod serve;

use super::why::failed;
use crate::args::Listen;
use crate::exit::Exit;
use crate::json;
use crate::out::Stop;
use crate::talk::pump::{self, Task};
use crate::talk::setup::{self, Console};
use crate::talk::tell::{Teller, Weight};
use crate::talk::wire::Wire;
use serde_json::Map;
use std::os::fd::{AsFd, BorrowedFd};
use std::process::ExitCode;
use std::time::Instant;
use sunpath::{
    Address, BindOptions, Bound, Datagram, Error, Listener, SeqPacketListener, SocketType,
};

/// Binds, serves, and removes the file.
pub fn run(args: &Listen) -> Result<ExitCode, Stop> {
    let mut console = Console::new(&args.talk)?;
    if args.backlog.is_some() && args.talk.socket == SocketType::Datagram {
        return Err(Stop::usage("--backlog is for connections, and a datagram socket has none"));
    }
    let teller = Teller::new(&args.talk);
    let wanted = match &args.address {
        Some(text) => setup::address(text)?,
        None => Address::Unnamed,
    };
    // Before there is a file: it is removed whatever comes.
    console.catch_signals()?;
    let made = Server::bind(args, &wanted).and_then(|server| {
        let address = server.local_addr()?;
        Ok((server, address))
    });
    let (server, address) = match made {
        Ok(made) => made,
        Err(error) => {
            let diagnosis = failed::tell(&teller, &error, &wanted, None);
            let stale = diagnosis.causes.first().is_some_and(|c| c.cause.id == "bind/stale-socket");
            if stale && !args.replace_dead && !args.talk.json {
                teller.note("with --replace-dead it is replaced, if it is still nobody's then");
            }
            return Ok(Exit::Fails.into());
        }
    };
    tell_listening(&teller, args, &address);
    if let Some(program) = &args.activate {
        let task = activate::Task { args, program, address: &address };
        return task.run(&console, &server, &teller);
    }
    match server {
        Server::Datagram(socket) => messages(args, &mut console, socket, &teller, &address),
        listener => match &args.talk.exec {
            Some(shell) => {
                let task = commands::Task { args, shell, address: &address };
                task.run(&console, &listener, &teller)
            }
            None => serve::run(args, &mut console, &listener, &teller, &address),
        },
    }
}

/// A socket that others send or connect to.
pub enum Server {
    Stream(Listener),
    SeqPacket(SeqPacketListener),
    Datagram(Datagram),
}

impl Server {
    fn bind(args: &Listen, address: &Address) -> Result<Server, Error> {
        let backlog = args.backlog.unwrap_or(u32::MAX);
        Ok(match args.talk.socket {
            SocketType::SeqPacket => {
                let options = options(SeqPacketListener::options(), args).backlog(backlog);
                Server::SeqPacket(options.bind(address)?)
            }
            SocketType::Datagram => {
                let options = options(Datagram::options(), args).pass_credentials(args.talk.peer);
                let socket = options.bind(address)?;
                if args.talk.peer {
                    // Older kernels have no descriptors of senders; their ids are told all the same.
                    let _ = socket.sockopt().set_pass_pidfd(true);
                }
                Server::Datagram(socket)
            }
            _ => {
                let options = options(Listener::options(), args).backlog(backlog);
                Server::Stream(options.bind(address)?)
            }
        })
    }

    fn local_addr(&self) -> Result<Address, Error> {
        match self {
            Server::Stream(listener) => listener.local_addr(),
            Server::SeqPacket(listener) => listener.local_addr(),
            Server::Datagram(socket) => socket.local_addr(),
        }
    }

    /// Takes a connection that waits; `None` if there is none.
    fn accept(&self) -> Result<Option<Wire>, Error> {
        let now = Instant::now();
        Ok(match self {
            Server::Stream(listener) => listener.accept_until(now)?.map(Wire::Stream),
            Server::SeqPacket(listener) => listener.accept_until(now)?.map(Wire::SeqPacket),
            Server::Datagram(_) => None,
        })
    }
}

impl AsFd for Server {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Server::Stream(listener) => listener.as_fd(),
            Server::SeqPacket(listener) => listener.as_fd(),
            Server::Datagram(socket) => socket.as_fd(),
        }
    }
}

/// What the command line says of the file, and descriptors let in.
fn options<T: Bound>(options: BindOptions<T>, args: &Listen) -> BindOptions<T> {
    let options = options.pass_rights(true);
    let options = if args.replace_dead { options.replace_dead() } else { options };
    match args.mode {
        Some(mode) => options.mode(mode),
        None => options,
    }
}

/// A name that the kernel picked is known from here alone.
fn tell_listening(teller: &Teller, args: &Listen, address: &Address) {
    let weight = if args.address.is_none() { Weight::News } else { Weight::Detail };
    let mut fields = Map::new();
    json::put_bytes(&mut fields, "address", &json::spelled(address));
    fields.insert("type".into(), args.talk.socket.name().into());
    let sentence = format!("listening on {address} ({})", args.talk.socket);
    teller.tell(weight, "listening", fields.into(), &sentence);
}

/// Tells of a connection that was taken.
fn tell_accepted(teller: &Teller, wire: &Wire) {
    let mut fields = Map::new();
    let peer = wire.peer_addr().unwrap_or(Address::Unnamed);
    json::put_bytes(&mut fields, "address", &json::spelled(&peer));
    let from = match &peer {
        Address::Unnamed => String::new(),
        peer => format!(" from {peer}"),
    };
    teller.tell(Weight::Detail, "accepted", fields.into(), &format!("connection{from}"));
}

fn messages(
    args: &Listen,
    console: &mut Console,
    socket: Datagram,
    teller: &Teller,
    address: &Address,
) -> Result<ExitCode, Stop> {
    let mut wire = Wire::Server { socket, last: None };
    let task = Task { address, patience: args.talk.timeout, answers: true, count: args.count };
    let end = pump::run(console, &mut wire, teller, &task)?;
    Ok(super::connect::exit(end).into())
}

/// When a wait that begins now is given up.
fn deadline(args: &Listen) -> Option<Instant> {
    Instant::now().checked_add(args.talk.timeout?)
}

/// How many connections are taken: `None` is without end.
fn count(args: &Listen) -> Option<u64> {
    if args.keep_open { None } else { Some(args.count.unwrap_or(1)) }
}
