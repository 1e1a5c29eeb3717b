//! The asking side: sends batches, and notes those that were acknowledged.

use crate::WORKERS;
use crate::message::{Header, Id, Random};
use crate::worker::{Service, Worker};
use std::io::{self, IoSlice, Read, Write};
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};
use sunpath::{Address, Ancillary, Datagram, SendFlags, SeqPacket, Stream};

/// Batches in one conversation, at most.
const BATCHES: u64 = 12;
/// Messages in one batch, at most. A datagram socket's queue takes eleven.
const MESSAGES: u64 = 24;
/// How long a client waits for a server that may have been killed.
const PATIENCE: Duration = Duration::from_secs(2);

/// One conversation after the other, until the run is over. An error ends a conversation: the
/// other process may be killed at any moment.
pub fn converse(worker: &Worker, random: &mut Random) {
    while !worker.is_over() {
        let mut talk = Talk { worker, random, bytes: Vec::new(), ids: Vec::new() };
        let peer = talk.random.below(WORKERS.into()) as u8;
        let result = match talk.random.below(3) {
            0 => talk.stream(peer),
            1 => talk.packets(peer),
            _ => talk.datagrams(peer),
        };
        if result.is_err() {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

struct Talk<'a> {
    worker: &'a Worker,
    random: &'a mut Random,
    bytes: Vec<u8>,
    ids: Vec<Id>,
}

impl<'a> Talk<'a> {
    /// Sends batches of at most `most` messages by one function, and waits for the answer to each
    /// by the other.
    fn batches(
        &mut self,
        most: u64,
        mut send: impl FnMut(&[u8], &[BorrowedFd<'a>]) -> io::Result<()>,
        mut answer: impl FnMut() -> io::Result<Id>,
    ) -> io::Result<()> {
        let mut descriptors = Vec::new();
        for _ in 0..1 + self.random.below(BATCHES) {
            let count = 1 + self.random.below(most);
            let first = self.worker.numbers(count);
            self.ids.clear();
            for number in first..first + count {
                let id = Id::new(self.worker.index, self.worker.generation, number);
                let last = number + 1 == first + count;
                let header = Header::invent(id, last, self.random, &mut self.bytes);
                self.worker.tokens.for_message(&header, &mut descriptors);
                send(&self.bytes, &descriptors)?;
                self.ids.push(id);
            }
            let answered = answer()?;
            assert_eq!(Some(&answered), self.ids.last(), "an answer to something else");
            self.worker.acknowledged.note(&self.ids);
        }
        Ok(())
    }

    fn stream(&mut self, peer: u8) -> io::Result<()> {
        let path = self.worker.path(peer, Service::Stream);
        let stream = Stream::connect_until(path, Instant::now() + PATIENCE)?;
        let send = |bytes: &[u8], descriptors: &[BorrowedFd<'_>]| {
            let sent = stream.send_with(bytes, &Ancillary::descriptors(descriptors))?;
            (&stream).write_all(&bytes[sent..])
        };
        let answer = || {
            let mut answer = [0; 8];
            (&stream).read_exact(&mut answer)?;
            Ok(Id(u64::from_ne_bytes(answer)))
        };
        self.batches(MESSAGES, send, answer)
    }

    fn packets(&mut self, peer: u8) -> io::Result<()> {
        let path = self.worker.path(peer, Service::Packet);
        let packets = SeqPacket::connect_until(path, Instant::now() + PATIENCE)?;
        let send = |bytes: &[u8], descriptors: &[BorrowedFd<'_>]| {
            Ok(packets.send_with(bytes, &Ancillary::descriptors(descriptors))?)
        };
        let answer = || {
            let mut answer = [0; 8];
            match packets.recv(&mut answer)? {
                received if received.end_of_file => Err(io::ErrorKind::UnexpectedEof.into()),
                _ => Ok(Id(u64::from_ne_bytes(answer))),
            }
        };
        self.batches(MESSAGES, send, answer)
    }

    fn datagrams(&mut self, peer: u8) -> io::Result<()> {
        let path = self.worker.path(peer, Service::Datagram);
        // A name of its own: a late answer to an earlier conversation must find nobody.
        let datagram = Datagram::bind(Address::Unnamed)?;
        datagram.sockopt().set_receive_timeout(Some(PATIENCE))?;
        datagram.sockopt().set_send_timeout(Some(PATIENCE))?;
        let answer = || {
            let mut answer = [0; 8];
            datagram.recv(&mut answer)?;
            Ok(Id(u64::from_ne_bytes(answer)))
        };
        if self.random.below(2) == 0 {
            datagram.connect(&path)?;
            let send = |bytes: &[u8], descriptors: &[BorrowedFd<'_>]| {
                Ok(datagram.send_with(bytes, &Ancillary::descriptors(descriptors))?)
            };
            return self.batches(MESSAGES, send, answer);
        }
        let send = |bytes: &[u8], descriptors: &[BorrowedFd<'_>]| {
            let (bytes, ancillary) = ([IoSlice::new(bytes)], Ancillary::descriptors(descriptors));
            Ok(datagram.send_message_to(&bytes, &path, &ancillary, SendFlags::NONE)?)
        };
        // One by one: the path may lead to a new process between two messages, whose answer would
        // say nothing about what its predecessor took to the grave.
        self.batches(1, send, answer)
    }
}
