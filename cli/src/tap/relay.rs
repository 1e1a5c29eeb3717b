//! One connection: a thread, two ends, two ways.
//!
//! ```text
//!             ┌────── looked at, sent on, taken ──────┐
//!             ▼                                       │
//!   Flowing ──┴── end of file ──► Ended    (the other end is told: SHUT_WR)
//!      │
//!      └── nobody reads it any more ──► Broken  (the writer is told: SHUT_RD)
//! ```
//! The connection is over when neither way flows. Then a side is reset if the other was, or if
//! something that it wrote reached nobody; otherwise it sees the end of file.
//!
//! One thread for both ways keeps the transcript in order, and lets a socket be closed while nobody
//! waits in a call on it. Nothing blocks but the wait for both ends together; events come once
//! (`EPOLLET`), because what is held back would make an end readable all the time.

use super::end::{Chunk, End};
use super::look::Look;
use super::spin::Spin;
use super::transcript::{Scribe, Side, What};
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::io::Errno as Host;
use std::io;
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use sunpath::sys::libc;
use sunpath::{AncillaryBuffer, MOST_DESCRIPTORS, raw_os_error};

/// What one way does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Flowing,
    Ended,
    Broken,
}

/// What goes from one end to the other.
#[derive(Debug)]
struct Way {
    state: State,
    buffer: Vec<u8>,
    chunk: Option<Chunk>,
    /// It is in the transcript.
    told: bool,
    /// Something was written that nobody read.
    lost: bool,
}

/// A connection.
#[derive(Debug)]
pub struct Relay {
    /// The client's, then the server's.
    ends: [End; 2],
    /// From the client, then from the server.
    ways: [Way; 2],
    /// Whether the wait is for room at each end, too.
    wants_room: [bool; 2],
    room: AncillaryBuffer,
    poller: OwnedFd,
    spin: Spin,
    scribe: Scribe,
}

const NEWS: EventFlags =
    EventFlags::IN.union(EventFlags::PRI).union(EventFlags::RDHUP).union(EventFlags::ET);

impl Relay {
    /// Connects two ends, the client's first.
    pub fn new(client: End, server: End, scribe: Scribe) -> Result<Relay, Host> {
        let poller = epoll::create(CreateFlags::CLOEXEC)?;
        epoll::add(&poller, &client, EventData::new_u64(0), NEWS)?;
        epoll::add(&poller, &server, EventData::new_u64(1), NEWS)?;
        let way = || Way {
            state: State::Flowing,
            buffer: End::buffer(),
            chunk: None,
            told: false,
            lost: false,
        };
        Ok(Relay {
            ends: [client, server],
            ways: [way(), way()],
            wants_room: [false; 2],
            room: AncillaryBuffer::new(MOST_DESCRIPTORS),
            poller,
            spin: Spin::new(),
            scribe,
        })
    }

    /// Relays until the connection is over, and closes both ends.
    ///
    /// # Errors
    /// What cannot be relayed: descriptors that the other side refuses, for example. Both ends are
    /// closed then as well.
    pub fn run(mut self) -> io::Result<()> {
        let ran = self.go();
        if ran.is_err() {
            self.ways.iter_mut().for_each(|way| way.lost = true);
        }
        self.finish();
        ran
    }

    fn go(&mut self) -> io::Result<()> {
        loop {
            let moved = [self.step(0)?, self.step(1)?];
            for side in 0..2 {
                if self.ends[side].gone && self.ways[1 - side].state == State::Flowing {
                    self.break_off(1 - side);
                }
            }
            if self.ways.iter().all(|way| way.state != State::Flowing) {
                return Ok(());
            }
            if !moved.contains(&true) {
                self.wait()?;
            }
        }
    }

    /// One step of what the side with this number sends; whether anything moved.
    fn step(&mut self, from: usize) -> io::Result<bool> {
        if self.ways[from].state != State::Flowing {
            return Ok(false);
        }
        if self.ways[from].chunk.is_some() {
            return self.push(from);
        }
        if !self.ends[from].readable {
            return Ok(false);
        }
        let wanted = self.scribe.wants();
        match self.ends[from].look(&mut self.ways[from].buffer, wanted, &mut self.room)? {
            Look::Nothing => {
                self.ends[from].readable = false;
                Ok(false)
            }
            Look::Reset => {
                self.reset(from);
                Ok(true)
            }
            Look::End => {
                self.ways[from].state = State::Ended;
                self.scribe.tell(What::End { from: side(from) });
                // If both directions end, the other side learns it at once, when it is closed.
                if !self.ends[from].gone && self.ends[from].is_gone() {
                    self.ends[from].gone = true;
                    if self.ends[from].take_reset() {
                        self.reset(from);
                    }
                }
                if !self.ends[from].gone {
                    self.ends[1 - from].shutdown(Shutdown::Write);
                }
                Ok(true)
            }
            Look::Chunk(chunk, more) => {
                self.ends[from].readable = more || self.ends[from].closing;
                self.ways[from].chunk = Some(chunk);
                self.ways[from].told = false;
                self.push(from)
            }
        }
    }

    /// Sends on what was looked at.
    fn push(&mut self, from: usize) -> io::Result<bool> {
        let to = 1 - from;
        if !self.ends[to].writable {
            return Ok(false);
        }
        let way = &mut self.ways[from];
        let Some(chunk) = &mut way.chunk else { return Ok(false) };
        let descriptors =
            if way.told { Vec::new() } else { self.scribe.describe(&chunk.descriptors) };
        let sent = match chunk.bulk {
            true => {
                let [client, server] = &mut self.ends;
                let (source, target) = if from == 0 { (client, server) } else { (server, client) };
                source.pass(chunk, target)
            }
            false => self.ends[to].send(chunk, &way.buffer).map_err(io::Error::from),
        };
        if !way.told {
            way.told = true;
            self.scribe.tell(What::Data {
                from: side(from),
                bytes: chunk.shown(&way.buffer),
                length: chunk.length,
                urgent: chunk.urgent,
                descriptors: &descriptors,
            });
        }
        match sent {
            Ok(Some(true)) => {
                if let Some(chunk) = way.chunk.take() {
                    self.ends[from].taken(&chunk, &mut way.buffer)?;
                }
                Ok(true)
            }
            Ok(Some(false)) => Ok(true),
            Ok(None) => {
                self.ends[to].writable = false;
                Ok(false)
            }
            Err(error) => match raw_os_error(&error) {
                Some(libc::ECONNRESET) => {
                    self.reset(to);
                    self.break_off(from);
                    Ok(true)
                }
                Some(libc::EPIPE) => {
                    self.break_off(from);
                    Ok(true)
                }
                _ => Err(error),
            },
        }
    }

    /// A side has closed without reading everything.
    fn reset(&mut self, at: usize) {
        if !std::mem::replace(&mut self.ends[at].reset, true) {
            self.scribe.tell(What::Reset { from: side(at) });
        }
    }

    /// Nobody reads any more what comes from this side: its writer shall get `EPIPE`.
    fn break_off(&mut self, from: usize) {
        let way = &mut self.ways[from];
        way.state = State::Broken;
        if let Some(chunk) = way.chunk.take() {
            way.lost = true;
            let bytes = chunk.length - chunk.sent;
            self.scribe.tell(What::Lost { from: side(from), bytes });
        }
        self.ends[from].shutdown(Shutdown::Read);
    }

    /// Waits until anything is new.
    fn wait(&mut self) -> Result<(), Host> {
        for to in 0..2 {
            let wants = self.ways[1 - to].chunk.is_some() && !self.ends[to].writable;
            if wants != self.wants_room[to] {
                self.wants_room[to] = wants;
                let flags = if wants { NEWS | EventFlags::OUT } else { NEWS };
                let data = EventData::new_u64(to as u64);
                epoll::modify(&self.poller, &self.ends[to], data, flags)?;
            }
        }
        let nothing = Event { flags: EventFlags::empty(), data: EventData::new_u64(0) };
        let mut events = [nothing; 2];
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        let looked = self.spin.look(|| {
            epoll::wait(&self.poller, &mut events, Some(&now)).ok().filter(|count| *count > 0)
        });
        let count = match looked.map_or_else(|| epoll::wait(&self.poller, &mut events, None), Ok) {
            Err(Host::INTR) => 0,
            count => count?,
        };
        for event in events.into_iter().take(count) {
            self.notice(event);
        }
        Ok(())
    }

    fn notice(&mut self, event: Event) {
        let (flags, data) = (event.flags, event.data);
        let at = usize::from(data.u64() != 0);
        let end = &mut self.ends[at];
        end.writable |= flags.intersects(EventFlags::OUT | EventFlags::HUP | EventFlags::ERR);
        end.readable |= flags.intersects(!EventFlags::OUT);
        // A look that brings bytes does not show that the end comes after them.
        let ends = EventFlags::RDHUP | EventFlags::HUP | EventFlags::ERR;
        end.closing |= flags.intersects(ends);
        end.urgent |= flags.contains(EventFlags::PRI);
        end.gone |= flags.contains(EventFlags::HUP);
        if flags.contains(EventFlags::ERR) && end.take_reset() {
            self.reset(at);
        }
    }

    /// Closes both ends, each as if the other side had done it.
    fn finish(mut self) {
        for side in 0..2 {
            let unread = self.ways[side].lost || self.ends[1 - side].reset;
            if !unread {
                self.ends[side].release();
            }
        }
        drop(self.ends);
        self.scribe.tell(What::Close);
    }
}

fn side(number: usize) -> Side {
    if number == 0 { Side::Client } else { Side::Server }
}
