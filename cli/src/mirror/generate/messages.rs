//! Sending and receiving.

use super::{Generator, arguments};
use sunpath::SocketType;
use sunpath::op::{Bytes, Control, Fd, Message, Op, RecvFlags, SendFlags, Want};

impl Generator {
    /// Bytes that tell messages apart.
    fn data(&mut self) -> Bytes {
        let length = self.length();
        self.sent = self.sent.wrapping_add(1);
        vec![self.sent; length].into()
    }

    pub(super) fn send(&mut self) {
        let fd = self.fd(|known| known.connected || known.kind == Some(SocketType::Datagram));
        let kind = self.known(fd).and_then(|known| known.kind);
        let datagram = kind == Some(arguments::TYPES[1]);
        let connected = self.known(fd).is_some_and(|known| known.connected);
        let addressed = match (datagram, connected) {
            (true, true) => self.dice.once_in(4),
            (true, false) => !self.dice.once_in(8),
            _ => self.dice.once_in(30),
        };
        let to = if addressed { Some(self.target(kind, false)) } else { None };
        let data = self.data();
        let control = self.controls();
        let buffers = self.buffers();
        let flags = SendFlags {
            dont_wait: !self.dice.once_in(6),
            no_signal: self.dice.once_in(2),
            urgent: self.dice.once_in(if kind == Some(SocketType::Stream) { 12 } else { 60 }),
            end_of_record: self.dice.once_in(12),
        };
        let unmapped = self.dice.once_in(80);
        self.make(Op::Send(Message { fd, data, buffers, unmapped, to, control, flags }));
    }

    fn buffers(&mut self) -> u32 {
        match self.dice.below(30) {
            0 => *self.dice.pick(&[1024, 1025]),
            1..=4 => 2,
            5 => 7,
            _ => 1,
        }
    }

    fn controls(&mut self) -> Vec<Control> {
        let count = match self.dice.below(10) {
            0..=1 => 1,
            2 => 1 + self.dice.below(3),
            _ => 0,
        };
        (0..count).map(|_| self.control()).collect()
    }

    fn control(&mut self) -> Control {
        match self.dice.below(30) {
            0 => Control::MalformedCredentials,
            1 => Control::Malformed,
            2 => Control::UnknownType,
            3 => Control::ForeignLevel,
            4 => Control::Filler(*self.dice.pick(&[24, 100, 131_072, 131_096])),
            5..=11 => Control::Credentials(self.claim()),
            _ => Control::Rights(self.rights()),
        }
    }

    fn rights(&mut self) -> Vec<Fd> {
        let count = match self.dice.below(40) {
            0 => *self.dice.pick(&[0, 100, 253, 254]),
            1..=10 => 2 + self.dice.below(4),
            _ => 1,
        };
        (0..count).map(|_| self.fd(|_| true)).collect()
    }

    pub(super) fn recv(&mut self) {
        let fd = self.fd(|known| known.kind.is_some() && !known.listens);
        let length = if self.dice.once_in(3) { self.length() } else { 64 };
        const ROOMS: &[usize] =
            &[0, 1, 15, 16, 19, 20, 23, 24, 28, 32, 48, 52, 56, 72, 100, 200, 1100];
        let control = if self.dice.once_in(2) { *self.dice.pick(ROOMS) } else { 256 };
        let kind = self.known(fd).and_then(|known| known.kind);
        let flags = RecvFlags {
            dont_wait: !self.dice.once_in(8),
            peek: self.dice.once_in(7),
            truncate: self.dice.once_in(10),
            wait_all: self.dice.once_in(12),
            urgent: self.dice.once_in(if kind == Some(SocketType::Stream) { 12 } else { 60 }),
            close_on_exec: self.dice.once_in(10),
        };
        let (buffers, unmapped) = (self.buffers(), self.dice.once_in(80));
        self.make(Op::Recv(Want { fd, length, buffers, unmapped, control, flags }));
    }
}
