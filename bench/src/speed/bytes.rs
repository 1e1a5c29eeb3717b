//! Round trips and one-way traffic, for everything that sends and receives bytes by blocking
//! calls.

use super::harness::{Round, Sides, Subject, Work};
use std::io;
use sunpath::SocketType;

/// One end of a pair. Each crate's own calls are used for both directions, and nothing else.
pub trait End: Sized + 'static {
    /// Two connected ends.
    fn pair(kind: SocketType) -> io::Result<(Self, Self)>;
    /// Sends a message, or the first part of it.
    fn send(&mut self, message: &[u8]) -> io::Result<usize>;
    /// Receives a message, or bytes of a stream.
    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<usize>;
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
        let (first, second): (Part<E>, Part<E>) = match traffic {
            Traffic::RoundTrip => (ask, answer),
            Traffic::OneWay => (send, receive),
        };
        Ok(Sides {
            first: Box::new(move || Ok(first(a, size))),
            second: Box::new(move || Ok(second(b, size))),
        })
    };
    Subject { kind: kind.name(), name, sides: Box::new(sides) }
}

/// Makes one side's work of an end and the size of messages.
type Part<E> = fn(E, usize) -> Work;

fn ask<E: End>(mut end: E, size: usize) -> Work {
    let (message, mut buffer) = (message(size), vec![0; size]);
    Box::new(move |round| {
        for _ in 0..round.count {
            send_all(&mut end, &message)?;
            end.flush()?;
            receive_all(&mut end, &mut buffer, 1, round.check)?;
        }
        Ok(())
    })
}

fn answer<E: End>(mut end: E, size: usize) -> Work {
    let (message, mut buffer) = (message(size), vec![0; size]);
    Box::new(move |round| {
        for _ in 0..round.count {
            receive_all(&mut end, &mut buffer, 1, round.check)?;
            send_all(&mut end, &message)?;
            end.flush()?;
        }
        Ok(())
    })
}

fn send<E: End>(mut end: E, size: usize) -> Work {
    let (message, mut buffer) = (message(size), vec![0; size]);
    Box::new(move |round: Round| {
        for _ in 0..round.count {
            send_all(&mut end, &message)?;
        }
        end.flush()?;
        receive_all(&mut end, &mut buffer, 1, round.check)
    })
}

fn receive<E: End>(mut end: E, size: usize) -> Work {
    let (message, mut buffer) = (message(size), vec![0; size]);
    Box::new(move |round: Round| {
        receive_all(&mut end, &mut buffer, round.count, round.check)?;
        send_all(&mut end, &message)?;
        end.flush()
    })
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
