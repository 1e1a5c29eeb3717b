//! One conversation: bytes and messages in both directions, until both have come to their end.
//!
//! ```text
//! Sending:   Open -- the input has ended, all is sent: the other end is told --> Done
//!              \---- a send failed -------------------------------------------> Failed
//! Receiving: Open -- the end of file came ------------------------------------> Ended
//!              \---- a receive failed -----------------------------------------> Failed
//! ```
//!
//! A failure of one direction does not end the other: a server that reads no more may still answer.
//! A connection is over when nothing more comes, and nothing more can or need be sent.

use super::framing::LONGEST;
use super::setup::Console;
use super::tell::{Teller, Weight};
use super::wait::poll;
use super::wire::Wire;
use crate::cmd::why::failed;
use crate::json;
use crate::out::Stop;
use crate::render::text::count;
use serde_json::json;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};
use sunpath::sys::socket::{PollFd, PollFlags};
use sunpath::{Address, Errno, Error, SockAddr, SocketType, ToAddress};

/// Bytes that are received at once, unless a message is longer.
const CHUNK: usize = 64 << 10;

/// The pause before a message is sent again to a receiver whose queue was full: the kernel does not
/// always tell when there is room.
const PAUSE: Duration = Duration::from_millis(5);

/// What a conversation is about.
pub struct Task<'a> {
    /// With whom it is.
    pub address: &'a Address,
    /// How long nothing may happen.
    pub patience: Option<Duration>,
    /// Of datagrams: whether answers are awaited after the end of the input.
    pub answers: bool,
    /// Of datagrams: after how many that were received it ends.
    pub count: Option<u64>,
}

/// How a conversation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Well.
    Finished,
    /// A call failed, which was told, or nothing happened in time.
    Failed,
    /// By a signal.
    Stopped,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sending {
    Open,
    Done,
    Failed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Receiving {
    Open,
    Ended,
    Failed,
}

/// Talks until the end.
///
/// # Errors
/// Standard input or output failed, or the input makes no sense.
pub fn run(
    console: &mut Console,
    wire: &mut Wire,
    teller: &Teller,
    task: &Task<'_>,
) -> Result<End, Stop> {
    let mut pump = Pump {
        console,
        wire,
        teller,
        task,
        sending: Sending::Open,
        receiving: Receiving::Open,
        outgoing: None,
        sent: 0,
        carried: false,
        hung_up: false,
        paused: None,
        active: Instant::now(),
        buffer: vec![0; CHUNK],
        sender: None,
        figures: Figures::default(),
    };
    pump.carried = pump.console.descriptors.is_empty();
    let end = pump.run()?;
    let Figures { sent, received } = pump.figures;
    let sentence = format!(
        "closed: {} in {} sent, {} in {} received",
        count(sent.1, "byte"),
        count(sent.0, pump.noun()),
        count(received.1, "byte"),
        count(received.0, pump.noun()),
    );
    let figures = |(number, bytes): (usize, usize)| json!({"messages": number, "bytes": bytes});
    let fields = json!({"sent": figures(sent), "received": figures(received)});
    teller.tell(Weight::Detail, "closed", fields, &sentence);
    Ok(end)
}

/// Messages and bytes.
#[derive(Default, Clone, Copy)]
struct Figures {
    sent: (usize, usize),
    received: (usize, usize),
}

struct Pump<'a> {
    console: &'a mut Console,
    wire: &'a mut Wire,
    teller: &'a Teller,
    task: &'a Task<'a>,
    sending: Sending,
    receiving: Receiving,
    /// The message that is being sent, and how many bytes of it were.
    outgoing: Option<Vec<u8>>,
    sent: usize,
    /// Whether the descriptors were sent, or there are none.
    carried: bool,
    /// Whether the other end has closed, and nothing is left to be sent.
    hung_up: bool,
    paused: Option<Instant>,
    /// When something happened last.
    active: Instant,
    buffer: Vec<u8>,
    /// The last sender of a datagram that was told.
    sender: Option<SockAddr>,
    figures: Figures,
}

/// What can go on.
#[derive(Default)]
struct Ready {
    input: bool,
    output: bool,
    receive: bool,
    send: bool,
    hung_up: bool,
    reader_gone: bool,
}

impl Pump<'_> {
    fn run(&mut self) -> Result<End, Stop> {
        loop {
            self.prepare()?;
            if self.is_over() {
                let failed = self.sending == Sending::Failed || self.receiving == Receiving::Failed;
                return Ok(if failed { End::Failed } else { End::Finished });
            }
            let ready = self.wait()?;
            if self.console.stopping.signal().is_some() {
                return Ok(End::Stopped);
            }
            if self.deadline().is_some_and(|at| Instant::now() >= at) && ready.is_nothing() {
                return Ok(self.late());
            }
            self.go_on(&ready)?;
        }
    }

    fn go_on(&mut self, ready: &Ready) -> Result<(), Stop> {
        if ready.reader_gone {
            return Err(Stop::ReaderGone);
        }
        if ready.output {
            self.console.output.write()?;
        }
        if ready.receive {
            self.receive();
        }
        if ready.send {
            self.send();
        }
        if ready.input {
            self.console.input.read()?;
        }
        self.hung_up = ready.hung_up && !ready.input;
        if !ready.is_nothing() {
            self.active = Instant::now();
        }
        Ok(())
    }

    /// Takes the next message from the input, or tells the other end that there is none.
    fn prepare(&mut self) -> Result<(), Stop> {
        while self.takes_input() {
            match self.console.input.next()? {
                // Nothing can be said on a stream by an empty line.
                Some(message) if message.is_empty() && !self.wire.has_messages() => {}
                Some(message) => (self.outgoing, self.sent) = (Some(message), 0),
                None if !self.console.input.has_ended() => break,
                // A stream refuses: then it is told why.
                None if !self.carried => (self.outgoing, self.sent) = (Some(Vec::new()), 0),
                None => {
                    self.sending = Sending::Done;
                    if let Err(error) = self.wire.finish() {
                        self.fail(&error);
                        self.sending = Sending::Failed;
                    }
                }
            }
        }
        Ok(())
    }

    fn takes_input(&self) -> bool {
        self.sending == Sending::Open && self.outgoing.is_none() && self.wire.has_receiver()
    }

    fn is_over(&self) -> bool {
        let cannot_send = self.sending != Sending::Open;
        let is_over = match self.wire {
            Wire::Stream(_) | Wire::SeqPacket(_) => match self.receiving {
                Receiving::Open => false,
                Receiving::Ended => cannot_send || self.hung_up,
                Receiving::Failed => true,
            },
            Wire::Datagram(_) => {
                self.sending == Sending::Failed
                    || self.receiving != Receiving::Open
                    || (cannot_send && !self.task.answers)
            }
            Wire::Server { .. } => {
                self.receiving != Receiving::Open && (cannot_send || !self.wire.has_receiver())
            }
        };
        is_over && self.console.output.is_empty()
    }

    /// Waits until something can go on.
    fn wait(&mut self) -> Result<Ready, Stop> {
        let Console { input, output, stopping, .. } = &*self.console;
        let now = Instant::now();
        self.paused = self.paused.filter(|until| *until > now);
        let wants_input = self.takes_input();
        let receives = self.receiving == Receiving::Open && output.is_empty();
        let sends = self.sending == Sending::Open
            && self.outgoing.is_some()
            && self.paused.is_none()
            && self.wire.has_receiver();
        let watches = self.wire.is_connection()
            && self.receiving == Receiving::Ended
            && self.sending == Sending::Open;
        let mut polled = Vec::with_capacity(4);
        add(&mut polled, stopping.as_fd(), true, PollFlags::IN);
        let input = add(&mut polled, input.as_fd(), wants_input, PollFlags::IN);
        let mut events = PollFlags::empty();
        events.set(PollFlags::IN, receives);
        events.set(PollFlags::OUT, sends);
        let socket = add(&mut polled, self.wire.as_fd(), receives || sends || watches, events);
        // A reader that has gone shows while nothing is written, too.
        let writes = !output.is_empty();
        let idle = !writes && self.sending != Sending::Open;
        let flags = if writes { PollFlags::OUT } else { PollFlags::empty() };
        let output = add(&mut polled, output.as_fd(), writes || idle, flags);
        let until = [self.deadline(), self.paused].into_iter().flatten().min();
        poll(&mut polled, until.map(|at| at.saturating_duration_since(now)))?;
        let came = |place: Option<usize>| {
            place.map_or(PollFlags::empty(), |place| polled[place].revents())
        };
        let gone = PollFlags::ERR | PollFlags::HUP;
        let of_socket = came(socket);
        Ok(Ready {
            input: !came(input).is_empty(),
            output: writes && !came(output).is_empty(),
            receive: receives && of_socket.intersects(PollFlags::IN | gone),
            send: sends && of_socket.intersects(PollFlags::OUT | gone),
            hung_up: watches && self.outgoing.is_none() && of_socket.contains(PollFlags::HUP),
            reader_gone: idle && came(output).intersects(gone),
        })
    }
    /// When this gives up. A reader of the output may take its time.
    fn deadline(&self) -> Option<Instant> {
        let patience = self.task.patience.filter(|_| self.console.output.is_empty());
        self.active.checked_add(patience?)
    }

    /// Nothing happened in time. Where there is no end of file, that is how a conversation ends.
    fn late(&self) -> End {
        match self.wire {
            Wire::Stream(_) => self.tell_late(SocketType::Stream),
            Wire::SeqPacket(_) => self.tell_late(SocketType::SeqPacket),
            Wire::Datagram(_) if self.sending == Sending::Done => return End::Finished,
            Wire::Server { .. } if self.figures.received.0 > 0 => return End::Finished,
            Wire::Datagram(_) | Wire::Server { .. } => {
                self.teller.note("no message came in time");
            }
        }
        End::Failed
    }

    fn tell_late(&self, kind: SocketType) {
        failed::tell_late(self.teller, kind, self.task.address, &*self.wire);
    }

    fn send(&mut self) {
        let Some(message) = &self.outgoing else { return };
        let descriptors = if self.carried { &[] } else { self.console.descriptors.as_slice() };
        let descriptors: Vec<_> = descriptors.iter().map(AsFd::as_fd).collect();
        match self.wire.send(&message[self.sent..], &descriptors) {
            Ok(count) => {
                self.carried = true;
                self.sent += count;
                self.figures.sent.1 += count;
                if self.sent == message.len() {
                    self.figures.sent.0 += 1;
                    self.outgoing = None;
                }
            }
            Err(error) if error.errno() == Some(Errno::EAGAIN) => {
                if self.wire.has_messages() {
                    self.paused = Instant::now().checked_add(PAUSE);
                }
            }
            Err(error) => self.not_sent(&error),
        }
    }

    fn not_sent(&mut self, error: &Error) {
        self.outgoing = None;
        self.fail(error);
        match self.wire {
            // It was one of many; the next message goes to another.
            Wire::Server { last, .. } => *last = None,
            _ => self.sending = Sending::Failed,
        }
    }

    fn receive(&mut self) {
        if self.wire.has_messages() {
            let needed = self.wire.waiting().min(LONGEST);
            self.buffer.resize(needed.max(self.buffer.len()), 0);
        }
        let beside = &mut self.console.beside;
        let (received, from) = match self.wire.receive(&mut self.buffer, &mut beside.buffer) {
            Ok(received) => received,
            Err(error) if error.errno() == Some(Errno::EAGAIN) => return,
            Err(error) => {
                self.receiving = Receiving::Failed;
                return self.fail(&error);
            }
        };
        beside.told(self.teller);
        if received.end_of_file {
            self.receiving = Receiving::Ended;
            let sentence = "the other end will send no more";
            return self.teller.tell(Weight::Detail, "end_of_file", json!({}), sentence);
        }
        self.tell_sender(from);
        if received.is_truncated() {
            let (kept, length) = (received.bytes, received.length);
            self.teller.note(&format!("a message of {length} bytes was cut off after {kept}"));
        }
        self.console.output.put(&self.buffer[..received.bytes]);
        self.figures.received.0 += 1;
        self.figures.received.1 += received.bytes;
        if self.task.count.is_some_and(|count| self.figures.received.0 as u64 >= count) {
            self.receiving = Receiving::Ended;
        }
    }

    /// Tells who sends datagrams, when it is another than before.
    fn tell_sender(&mut self, from: Option<SockAddr>) {
        let Some(from) = from.filter(|from| self.sender != Some(*from)) else { return };
        self.sender = Some(from);
        let address = from.to_address().into_owned();
        let mut fields = serde_json::Map::new();
        json::put_bytes(&mut fields, "address", &json::spelled(&address));
        let sentence = format!("messages from {address}");
        self.teller.tell(Weight::Detail, "from", fields.into(), &sentence);
    }

    fn fail(&self, error: &Error) {
        failed::tell(self.teller, error, self.task.address, Some(self.wire.as_fd()));
    }

    /// What is counted.
    fn noun(&self) -> &'static str {
        if self.wire.has_messages() { "message" } else { "piece" }
    }
}

impl Ready {
    fn is_nothing(&self) -> bool {
        !(self.input || self.output || self.receive || self.send || self.hung_up)
    }
}

/// Adds a descriptor to those that are waited for, if it is wanted; where it stands.
fn add<'fd>(
    polled: &mut Vec<PollFd<'fd>>,
    fd: BorrowedFd<'fd>,
    wanted: bool,
    events: PollFlags,
) -> Option<usize> {
    wanted.then(|| {
        polled.push(PollFd::from_borrowed_fd(fd, events));
        polled.len() - 1
    })
}
