//! A capture that Wireshark opens.
//!
//! Sockets of this family have no packets, so they are made up: what a stream brings at once is one
//! or more TCP segments, between addresses of the range for documentation; a message of the other
//! types is a UDP datagram. What has no place in these (descriptors, messages that are longer than
//! a datagram may be) stands in the comments of packets.

use super::{Connection, Event, Side, What, text};
use std::time::Duration;
use sunpath::SocketType;

const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const PACKET: u32 = 6;

/// Packets that begin with an IP header.
const LINK_RAW: u16 = 101;

const COMMENT: u16 = 1;
const APPLICATION: u16 = 4;
const DIRECTION: u16 = 2;

const TCP: u8 = 6;
const UDP: u8 = 17;

const IP_HEADER: usize = 40;

/// The most that is put into one packet: with its headers, less than 65,536.
const LONGEST: usize = 60 << 10;

const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const PSH: u8 = 0x08;
const ACK: u8 = 0x10;
const URG: u8 = 0x20;

/// What the file begins with.
pub(super) fn head() -> Vec<u8> {
    let mut section = Vec::new();
    section.extend(0x1a2b_3c4d_u32.to_le_bytes());
    section.extend([1, 0, 0, 0]);
    section.extend(u64::MAX.to_le_bytes());
    let comment = "UNIX domain sockets, recorded by sunpath tap. The IP, TCP and UDP headers are made \
                   up: streams are shown as TCP, packets and datagrams as UDP.";
    option(&mut section, COMMENT, comment.as_bytes());
    option(&mut section, APPLICATION, concat!("sunpath ", env!("CARGO_PKG_VERSION")).as_bytes());
    option(&mut section, 0, &[]);
    let mut interface = Vec::new();
    interface.extend(LINK_RAW.to_le_bytes());
    interface.extend([0; 6]);
    let mut out = Vec::new();
    block(&mut out, SECTION, &section);
    block(&mut out, INTERFACE, &interface);
    out
}

/// How many of these bytes are whole blocks, if so many were written.
pub(super) fn whole(bytes: &[u8], written: usize) -> usize {
    let mut at = 0;
    while let Some(length) = bytes.get(at + 4..at + 8) {
        let length = length.iter().rev().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
        if length == 0 || at + length > written {
            break;
        }
        at += length;
    }
    at
}

fn block(out: &mut Vec<u8>, kind: u32, body: &[u8]) {
    let padding = body.len().wrapping_neg() % 4;
    let length = (12 + body.len() + padding) as u32;
    out.extend(kind.to_le_bytes());
    out.extend(length.to_le_bytes());
    out.extend_from_slice(body);
    out.extend(&[0; 3][..padding]);
    out.extend(length.to_le_bytes());
}

fn option(out: &mut Vec<u8>, code: u16, value: &[u8]) {
    const LONGEST: usize = 60_000;
    let value = &value[..value.len().min(LONGEST)];
    out.extend(code.to_le_bytes());
    out.extend((value.len() as u16).to_le_bytes());
    out.extend_from_slice(value);
    out.extend(&[0; 3][..value.len().wrapping_neg() % 4]);
}

/// A connection as TCP or UDP would have it.
#[derive(Debug)]
pub(super) struct Flow {
    addresses: [[u8; 16]; 2],
    ports: [u16; 2],
    datagrams: bool,
    /// The next byte of each side.
    next: [u32; 2],
    /// Sides that have said that they will send nothing more.
    ended: [bool; 2],
}

/// One packet to be made.
#[derive(Default)]
struct Packet<'a> {
    flags: u8,
    /// What is shown of the payload.
    payload: &'a [u8],
    /// How long it is.
    length: usize,
    comment: String,
}

impl Flow {
    pub(super) fn new(connection: &Connection, port: u16) -> Flow {
        let mut addresses = [[0; 16]; 2];
        for address in &mut addresses {
            address[..4].copy_from_slice(&[0x20, 0x01, 0x0d, 0xb8]);
        }
        // 2001:db8::c:NUMBER and 2001:db8::5
        addresses[0][7] = 0x0c;
        addresses[0][8..].copy_from_slice(&connection.number.to_be_bytes());
        addresses[1][15] = 5;
        let own = 0x8000 + (connection.number % 0x7000) as u16;
        Flow {
            addresses,
            ports: [own, port],
            datagrams: connection.kind != SocketType::Stream,
            next: [0; 2],
            ended: [false; 2],
        }
    }

    /// Writes the packets of an event; if it is not wanted, only counts them.
    pub(super) fn write(&mut self, event: &Event<'_>, wanted: bool, out: &mut Vec<u8>) {
        let mut spare = Vec::new();
        let out = if wanted { out } else { &mut spare };
        match event.what {
            What::Open => self.open(event, out),
            What::Refused { why } => {
                let client = text::who(&event.connection.client);
                let comment = format!("{client}; the server could not be reached: {why}");
                self.control(event.time, Side::Client, SYN, comment, out);
                self.control(event.time, Side::Server, RST | ACK, String::new(), out);
            }
            What::Data { from, bytes, length, .. } => {
                self.data(event, from, (bytes, length), out);
            }
            What::End { from } => self.end(event.time, from, out),
            What::Reset { from } => {
                self.ended = [true; 2];
                self.control(event.time, from, RST | ACK, String::new(), out);
            }
            What::Lost { from, bytes } => {
                let comment = format!("{bytes} bytes of this side could not be delivered");
                self.control(event.time, from, ACK, comment, out);
            }
            What::Close => {
                self.end(event.time, Side::Server, out);
                self.end(event.time, Side::Client, out);
            }
        }
    }

    fn open(&mut self, event: &Event<'_>, out: &mut Vec<u8>) {
        let (client, server) = (&event.connection.client, &event.connection.server);
        let comment = format!("{} to {}", text::who(client), text::who(server));
        if self.datagrams {
            return;
        }
        self.control(event.time, Side::Client, SYN, comment, out);
        self.control(event.time, Side::Server, SYN | ACK, String::new(), out);
        self.control(event.time, Side::Client, ACK, String::new(), out);
    }

    fn end(&mut self, time: Duration, from: Side, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.ended[from.index()], true) {
            self.control(time, from, FIN | ACK, String::new(), out);
        }
    }

    /// A packet without a payload, of which UDP has none.
    fn control(
        &mut self,
        time: Duration,
        from: Side,
        flags: u8,
        comment: String,
        out: &mut Vec<u8>,
    ) {
        if self.datagrams {
            return;
        }
        self.packet(time, from, &Packet { flags, comment, ..Packet::default() }, out);
        if flags & (SYN | FIN) != 0 {
            let next = &mut self.next[from.index()];
            *next = next.wrapping_add(1);
        }
    }

    fn data(
        &mut self,
        event: &Event<'_>,
        from: Side,
        (bytes, all): (&[u8], usize),
        out: &mut Vec<u8>,
    ) {
        let parts = all.div_ceil(LONGEST).max(1);
        for index in 0..parts {
            let start = index * LONGEST;
            let length = (all - start).min(LONGEST);
            let shown = event.shown(bytes).get(start..).unwrap_or_default();
            let payload = &shown[..shown.len().min(length)];
            let comment = self.comment(event, index, parts);
            let urgent = matches!(event.what, What::Data { urgent: true, .. });
            let flags = PSH | ACK | if urgent { URG } else { 0 };
            self.packet(event.time, from, &Packet { flags, payload, length, comment }, out);
            let next = &mut self.next[from.index()];
            *next = next.wrapping_add(length as u32);
        }
    }

    fn comment(&self, event: &Event<'_>, index: usize, parts: usize) -> String {
        let mut lines = Vec::new();
        if self.datagrams && parts > 1 {
            lines.push(format!("part {} of {parts} of one message", index + 1));
        }
        if let What::Data { descriptors, .. } = event.what
            && index == 0
        {
            let all = descriptors.len();
            let one = |(n, d): (usize, &super::Descriptor)| {
                format!("descriptor {} of {all}: {}", n + 1, d.sentence())
            };
            lines.extend(descriptors.iter().enumerate().map(one));
        }
        lines.join("\n")
    }

    fn packet(&self, time: Duration, from: Side, packet: &Packet<'_>, out: &mut Vec<u8>) {
        let mut bytes = self.ip(from, packet);
        let original = bytes.len() + packet.length;
        bytes.extend_from_slice(packet.payload);
        if packet.payload.len() == packet.length {
            self.sign(&mut bytes);
        }
        let micros = time.as_micros() as u64;
        let mut body = Vec::with_capacity(bytes.len() + 64);
        body.extend(0_u32.to_le_bytes());
        body.extend(((micros >> 32) as u32).to_le_bytes());
        body.extend((micros as u32).to_le_bytes());
        body.extend((bytes.len() as u32).to_le_bytes());
        body.extend((original as u32).to_le_bytes());
        body.extend_from_slice(&bytes);
        body.extend(&[0; 3][..bytes.len().wrapping_neg() % 4]);
        if !packet.comment.is_empty() {
            option(&mut body, COMMENT, packet.comment.as_bytes());
        }
        // Inbound is what goes to the server.
        let direction = if from == Side::Client { 1_u32 } else { 2 };
        option(&mut body, DIRECTION, &direction.to_le_bytes());
        option(&mut body, 0, &[]);
        block(out, PACKET, &body);
    }

    /// The headers: IPv6, and TCP or UDP with no checksum yet.
    fn ip(&self, from: Side, packet: &Packet<'_>) -> Vec<u8> {
        let (own, other) = (from.index(), 1 - from.index());
        let header = if self.datagrams { 8 } else { 20 };
        let length = (header + packet.length) as u16;
        let mut out = vec![0x60, 0, 0, 0];
        out.extend(length.to_be_bytes());
        out.extend([if self.datagrams { UDP } else { TCP }, 64]);
        out.extend(self.addresses[own]);
        out.extend(self.addresses[other]);
        out.extend(self.ports[own].to_be_bytes());
        out.extend(self.ports[other].to_be_bytes());
        if self.datagrams {
            out.extend(length.to_be_bytes());
            out.extend([0; 2]);
            return out;
        }
        out.extend(self.next[own].to_be_bytes());
        let seen = if packet.flags & ACK == 0 { 0 } else { self.next[other] };
        out.extend(seen.to_be_bytes());
        out.extend([5 << 4, packet.flags]);
        out.extend(u16::MAX.to_be_bytes());
        let urgent = u16::from(packet.flags & URG != 0);
        out.extend([0; 2]);
        out.extend(urgent.to_be_bytes());
        out
    }

    /// Puts the checksum in.
    fn sign(&self, bytes: &mut [u8]) {
        let (kind, at) = if self.datagrams { (UDP, 6) } else { (TCP, 16) };
        let length = bytes.len() - IP_HEADER;
        let mut sum = length as u64 + u64::from(kind);
        for pair in bytes[8..].chunks(2) {
            let low = pair.get(1).copied().unwrap_or(0);
            sum += u64::from(u16::from_be_bytes([pair[0], low]));
        }
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        // Zero would mean that there is none.
        let sum = match !(sum as u16) {
            0 => u16::MAX,
            sum => sum,
        };
        bytes[IP_HEADER + at..IP_HEADER + at + 2].copy_from_slice(&sum.to_be_bytes());
    }
}
