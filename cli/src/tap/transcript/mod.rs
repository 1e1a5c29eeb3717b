//! What the transcript says, and in which form.
//!
//! ```text
//!   relay ──► Scribe ── filter ── text | hex | json | pcapng ──► Sink ──► file or standard output
//!   (its own thread, its own memory)                           (one thread that writes)
//! ```
//! A relay formats what it tells by itself, and takes the [`sink`]'s lock only to hand the bytes
//! over. Writing is done elsewhere, a hundredth of a second later, so that no message waits for
//! it; only if much more comes than can be written, relays wait.

mod descriptor;
mod hex;
mod json;
mod pcapng;
mod sink;
mod text;

pub use descriptor::Descriptor;
pub use sink::{Sink, Written};

use super::filter::Filter;
use clap::ValueEnum;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use sunpath::{Credentials, Peer, SocketType};

/// The form of a transcript.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A line for each message, with the beginning of it.
    Text,
    /// All bytes, as hexadecimal digits and characters.
    Hex,
    /// An object in each line.
    Json,
    /// For Wireshark.
    Pcapng,
}

/// Who sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Who connected.
    Client,
    /// Who was connected to.
    Server,
}

impl Side {
    /// 0 or 1.
    pub fn index(self) -> usize {
        match self {
            Side::Client => 0,
            Side::Server => 1,
        }
    }

    /// In one word.
    pub fn name(self) -> &'static str {
        match self {
            Side::Client => "client",
            Side::Server => "server",
        }
    }
}

/// Something that happened on a connection.
#[derive(Debug, Clone, Copy)]
pub enum What<'a> {
    /// A client connected, and so did the tap to the server.
    Open,
    /// A client connected, and the server could not be reached.
    Refused {
        /// The error.
        why: &'a str,
    },
    /// Bytes or a message.
    Data {
        /// Who sent it.
        from: Side,
        /// All of it, or as much of its beginning as is [wanted](Scribe::wants).
        bytes: &'a [u8],
        /// How long it is.
        length: usize,
        /// An urgent byte.
        urgent: bool,
        /// What came with it.
        descriptors: &'a [Descriptor],
    },
    /// A side sends nothing more.
    End {
        /// Which.
        from: Side,
    },
    /// A side closed without having read everything.
    Reset {
        /// Which.
        from: Side,
    },
    /// What a side sent could not be delivered any more.
    Lost {
        /// Which.
        from: Side,
        /// How much of it.
        bytes: usize,
    },
    /// All is over.
    Close,
}

impl What<'_> {
    /// In one word.
    pub fn name(&self) -> &'static str {
        match self {
            What::Open => "open",
            What::Refused { .. } => "refused",
            What::Data { .. } => "data",
            What::End { .. } => "end",
            What::Reset { .. } => "reset",
            What::Lost { .. } => "lost",
            What::Close => "close",
        }
    }

    /// Whose doing it is.
    pub fn from(&self) -> Option<Side> {
        match self {
            What::Data { from, .. }
            | What::End { from }
            | What::Reset { from }
            | What::Lost { from, .. } => Some(*from),
            What::Open | What::Refused { .. } | What::Close => None,
        }
    }
}

/// A process at one end.
#[derive(Debug, Clone, Default)]
pub struct Who {
    /// Its id; 0 if it is not known.
    pub pid: i32,
    /// Its user.
    pub uid: Option<u32>,
    /// Its name.
    pub name: Option<String>,
}

impl Who {
    /// Who is at the other end of a socket.
    pub fn of(peer: Peer<'_>) -> Who {
        let Ok(credentials) = peer.credentials() else { return Who::default() };
        let process = peer.process().ok().flatten();
        let name = process.as_ref().and_then(|process| process.name());
        let name = name.map(|name| name.to_string_lossy().into_owned());
        Who { pid: credentials.pid, uid: credentials.user(), name }
    }

    /// Who sent a message.
    pub fn sender(credentials: Credentials) -> Who {
        let comm = std::fs::read(format!("/proc/{}/comm", credentials.pid));
        let name = comm.ok().map(|name| String::from_utf8_lossy(name.trim_ascii()).into_owned());
        Who { pid: credentials.pid, uid: credentials.user(), name }
    }
}

/// What is known of a connection from its beginning.
#[derive(Debug, Clone)]
pub struct Connection {
    /// Its number, from 1.
    pub number: u64,
    /// Its type.
    pub kind: SocketType,
    /// The client.
    pub client: Who,
    /// The server.
    pub server: Who,
}

/// What the user wants to read.
#[derive(Debug)]
pub struct Wishes {
    /// In which form.
    pub format: Format,
    /// All of these must hold.
    pub filters: Vec<Filter>,
    /// The most bytes of a message that are shown.
    pub most: usize,
    /// The server's port in a capture, by which Wireshark guesses the protocol.
    pub port: u16,
}

/// Something that happened, as forms write it.
struct Event<'a> {
    time: Duration,
    connection: &'a Connection,
    what: What<'a>,
    /// The bytes of each side until now.
    totals: [u64; 2],
    most: usize,
}

impl Event<'_> {
    /// The bytes that are shown.
    fn shown<'b>(&self, bytes: &'b [u8]) -> &'b [u8] {
        &bytes[..bytes.len().min(self.most)]
    }
}

/// Writes down what happens on one connection.
#[derive(Debug)]
pub struct Scribe {
    sink: Arc<Sink>,
    wishes: Arc<Wishes>,
    connection: Connection,
    totals: [u64; 2],
    flow: pcapng::Flow,
    line: Vec<u8>,
}

impl Scribe {
    /// For a new connection.
    pub fn new(sink: Arc<Sink>, wishes: Arc<Wishes>, connection: Connection) -> Scribe {
        let flow = pcapng::Flow::new(&connection, wishes.port);
        Scribe { sink, wishes, connection, totals: [0; 2], flow, line: Vec::new() }
    }

    /// What descriptors are, if anybody will read it.
    pub fn describe(&self, descriptors: &[OwnedFd]) -> Vec<Descriptor> {
        if self.sink.is_closed() { Vec::new() } else { descriptor::all(descriptors) }
    }

    /// How many bytes of each message it must see.
    pub fn wants(&self) -> usize {
        if self.sink.is_closed() {
            0
        } else if self.wishes.filters.iter().any(Filter::reads_bytes) {
            usize::MAX
        } else {
            self.wishes.most
        }
    }

    /// Writes it down, if it is wanted.
    pub fn tell(&mut self, what: What<'_>) {
        if let What::Data { from, length, .. } = what {
            self.totals[from.index()] += length as u64;
        }
        if self.sink.is_closed() {
            return;
        }
        let wanted = self.wishes.filters.iter().all(|f| f.admits(&self.connection, &what));
        let event = Event {
            time: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
            connection: &self.connection,
            what,
            totals: self.totals,
            most: self.wishes.most,
        };
        self.line.clear();
        match self.wishes.format {
            // What is left out has its place in the stream all the same.
            Format::Pcapng => self.flow.write(&event, wanted, &mut self.line),
            _ if !wanted => return,
            Format::Text => text::write(&event, &mut self.line),
            Format::Hex => hex::write(&event, &mut self.line),
            Format::Json => json::write(&event, &mut self.line),
        }
        self.sink.append(&self.line);
    }
}

impl Format {
    /// What stands at the beginning.
    pub fn head(self) -> Vec<u8> {
        match self {
            Format::Pcapng => pcapng::head(),
            Format::Text | Format::Hex | Format::Json => Vec::new(),
        }
    }

    /// How many of these bytes, of which so many were written, are whole lines or blocks.
    fn whole(self, bytes: &[u8], written: usize) -> usize {
        match self {
            Format::Pcapng => pcapng::whole(bytes, written),
            _ => bytes[..written].iter().rposition(|b| *b == b'\n').map_or(0, |last| last + 1),
        }
    }

    /// How much of a message is shown unless the user says.
    pub fn usual_most(self) -> usize {
        match self {
            Format::Text => 120,
            Format::Hex | Format::Json | Format::Pcapng => usize::MAX,
        }
    }
}
