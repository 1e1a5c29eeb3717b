//! Round trips and one-way traffic, for everything that sends and receives bytes by blocking
//! calls.

use super::harness::{Round, Sides, Subject, Work};
use std::io;
use sunpath::SocketType;

macro_rules! copies {
    ($part:ident) => {
        [
            $part::<E, 0>,
            $part::<E, 1>,
            $part::<E, 2>,
            $part::<E, 3>,
            $part::<E, 4>,
            $part::<E, 5>,
            $part::<E, 6>,
            $part::<E, 7>,
        ]
    };
}

/// One end of a pair. Each crate's own calls are used for both directions, and nothing else.
pub trait End: Sized + 'static {
    /// Two connected ends.
    fn pair(kind: SocketType) -> io::Result<(Self, Self)>;
    /// Sends a message, or the first part of it.
    fn send(&mut self, message: &[u8]) -> io::Result<usize>;
    /// Receives a message, or bytes of a stream.
    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<usize>;
    /// Gets ready, in the process and on the processor that it will work on.
    fn settle(self) -> Self {
        self
    }
    /// Sends what was held back.
    #[inline(always)]
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What is done with the ends.
#[derive(Debug, Clone, Copy)]
pub enum Traffic {
    /// Each message is answered before the next one is sent.
    RoundTrip,
    /// All messages are sent, then one answer comes.
    OneWay,
}

/// An end of type `E` as a subject. `size` is the bytes of a message, and of every buffer.
pub fn subject<E: End>(
    name: &'static str,
    kind: SocketType,
    traffic: Traffic,
    size: usize,
) -> Subject {
    let sides = move || {
        let (a, b) = E::pair(kind)?;
        let (first, second): (Parts<E>, Parts<E>) = match traffic {
            Traffic::RoundTrip => (copies!(ask), copies!(answer)),
            Traffic::OneWay => (copies!(send), copies!(receive)),
        };
        Ok(Sides {
            first: Box::new(move || Ok(work(Seat::new(a.settle(), size), first))),
            second: Box::new(move || Ok(work(Seat::new(b.settle(), size), second))),
        })
    };
    Subject { kind: kind.name(), name, sides: Box::new(sides) }
}

/// An end with its buffers.
struct Seat<E> {
    end: E,
    message: Vec<u8>,
    buffer: Vec<u8>,
}

impl<E> Seat<E> {
    fn new(end: E, size: usize) -> Seat<E> {
        Seat { end, message: message(size), buffer: vec![0; size] }
    }
}

/// How many copies of each loop there are.
///
/// The same instructions at another address take up to a tenth more or less time here, because
/// what the processor predicts in the kernel and in the program collides in other places. Every
/// subject goes through all of its copies, one a round, so that luck is not taken for merit.
const COPIES: usize = 8;

type Parts<E> = [fn(&mut Seat<E>, Round) -> io::Result<()>; COPIES];

fn work<E: End>(mut seat: Seat<E>, parts: Parts<E>) -> Work {
    Box::new(move |round| parts[round.turn % COPIES](&mut seat, round))
}

/// Keeps the copies from being merged into one.
#[inline(always)]
fn differ<const COPY: usize>() {
    std::hint::black_box(COPY);
}

fn ask<E: End, const COPY: usize>(seat: &mut Seat<E>, round: Round) -> io::Result<()> {
    differ::<COPY>();
    for _ in 0..round.count {
        send_all(&mut seat.end, &seat.message)?;
        seat.end.flush()?;
        receive_all(&mut seat.end, &mut seat.buffer, 1, round.check)?;
    }
    Ok(())
}

fn answer<E: End, const COPY: usize>(seat: &mut Seat<E>, round: Round) -> io::Result<()> {
    differ::<COPY>();
    for _ in 0..round.count {
        receive_all(&mut seat.end, &mut seat.buffer, 1, round.check)?;
        send_all(&mut seat.end, &seat.message)?;
        seat.end.flush()?;
    }
    Ok(())
}

fn send<E: End, const COPY: usize>(seat: &mut Seat<E>, round: Round) -> io::Result<()> {
    differ::<COPY>();
    for _ in 0..round.count {
        send_all(&mut seat.end, &seat.message)?;
    }
    seat.end.flush()?;
    receive_all(&mut seat.end, &mut seat.buffer, 1, round.check)
}

fn receive<E: End, const COPY: usize>(seat: &mut Seat<E>, round: Round) -> io::Result<()> {
    differ::<COPY>();
    receive_all(&mut seat.end, &mut seat.buffer, round.count, round.check)?;
    send_all(&mut seat.end, &seat.message)?;
    seat.end.flush()
}

#[inline(always)]
fn send_all<E: End>(end: &mut E, message: &[u8]) -> io::Result<()> {
    let mut sent = end.send(message)?;
    while sent < message.len() {
        sent += end.send(&message[sent..])?;
    }
    Ok(())
}

#[inline(always)]
fn receive_all<E: End>(
    end: &mut E,
    buffer: &mut [u8],
    count: usize,
    check: bool,
) -> io::Result<()> {
    let total = buffer.len() * count;
    let mut received = 0;
    while received < total {
        let bytes = end.recv(buffer)?;
        received = account(received, &buffer[..bytes], check)?;
    }
    if received == total { Ok(()) } else { Err(io::Error::other("more came than was sent")) }
}

/// Counts what came, and compares it with what was sent if it is to be checked.
#[inline(always)]
pub fn account(received: usize, bytes: &[u8], check: bool) -> io::Result<usize> {
    if bytes.is_empty() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    if check && !bytes.iter().zip(received..).all(|(byte, at)| *byte == at as u8 % PERIOD) {
        return Err(io::Error::other("what came is not what was sent"));
    }
    Ok(received + bytes.len())
}

/// The contents repeat with this period, which divides the size of every message.
const PERIOD: u8 = 64;

/// The contents of every message.
pub fn message(size: usize) -> Vec<u8> {
    (0..size).map(|at| at as u8 % PERIOD).collect()
}
