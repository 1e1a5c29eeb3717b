//! What is said: a header, and bytes that follow from it.

use rustix::fs::MemfdFlags;
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;

/// Bytes of a header on the wire.
pub const HEADER: usize = 28;
/// The longest message, with its header.
pub const LONGEST: usize = 64 << 10;
/// The most descriptors that are sent with a message.
pub const MOST_DESCRIPTORS: u32 = 12;
/// Tokens that each process has to send.
const TOKENS: u64 = 8;

/// A small generator of numbers that only have to look random (xorshift64*).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random((seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        (self.next() >> 33) % limit
    }
}

/// Who sent a message, and which of its messages it is: unique in a run, and growing within a
/// conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Id(pub u64);

impl Id {
    pub fn new(worker: u8, generation: u16, number: u64) -> Id {
        Id(u64::from(worker) << 56 | u64::from(generation) << 40 | number)
    }

    pub fn worker(self) -> u8 {
        (self.0 >> 56) as u8
    }
}

/// What goes before the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    pub id: Id,
    /// Bytes that follow.
    pub length: u32,
    /// Descriptors that come along.
    pub descriptors: u32,
    /// Whether the sender waits for an acknowledgement now.
    pub ends_batch: bool,
    pub checksum: u64,
}

impl Header {
    /// A message of random length, and its bytes put behind the room for the header.
    pub fn invent(id: Id, ends_batch: bool, random: &mut Random, bytes: &mut Vec<u8>) -> Header {
        let most = match random.below(100) {
            0..70 => 64,
            70..92 => 1500,
            92..99 => 16 << 10,
            _ => (LONGEST - HEADER) as u64,
        };
        let length = random.below(most + 1) as usize;
        bytes.clear();
        bytes.resize(HEADER, 0);
        while bytes.len() < HEADER + length {
            bytes.extend(random.next().to_ne_bytes());
        }
        bytes.truncate(HEADER + length);
        let descriptors = match random.below(10) {
            0 => 1 + random.below(u64::from(MOST_DESCRIPTORS)) as u32,
            _ => 0,
        };
        let checksum = checksum(id, &bytes[HEADER..]);
        let header = Header { id, length: length as u32, descriptors, ends_batch, checksum };
        header.write(bytes);
        header
    }

    fn write(&self, bytes: &mut [u8]) {
        bytes[..8].copy_from_slice(&self.id.0.to_ne_bytes());
        bytes[8..12].copy_from_slice(&self.length.to_ne_bytes());
        bytes[12..16].copy_from_slice(&self.descriptors.to_ne_bytes());
        bytes[16..20].copy_from_slice(&u32::from(self.ends_batch).to_ne_bytes());
        bytes[20..28].copy_from_slice(&self.checksum.to_ne_bytes());
    }

    pub fn read(bytes: &[u8]) -> Header {
        let word = |at: usize| u32::from_ne_bytes(bytes[at..at + 4].try_into().expect("4 bytes"));
        let long = |at: usize| u64::from_ne_bytes(bytes[at..at + 8].try_into().expect("8 bytes"));
        let ends_batch = word(16) != 0;
        let (length, descriptors) = (word(8), word(12));
        Header { id: Id(long(0)), length, descriptors, ends_batch, checksum: long(20) }
    }

    /// Panics unless the bytes and the descriptors are those that were sent.
    pub fn check(&self, bytes: &[u8], descriptors: impl Iterator<Item = OwnedFd>) {
        assert_eq!(bytes.len(), self.length as usize, "{self:?}");
        assert_eq!(checksum(self.id, bytes), self.checksum, "{self:?}");
        let mut count = 0;
        for descriptor in descriptors {
            let mut token = [0; 16];
            File::from(descriptor).read_exact_at(&mut token, 0).expect("a token");
            assert_eq!(token, Tokens::token(self.id.worker(), self.which(count)), "{self:?}");
            count += 1;
        }
        assert_eq!(count, u64::from(self.descriptors), "{self:?}");
    }

    /// Which token comes at this position.
    fn which(&self, position: u64) -> u64 {
        (self.id.0 + position) % TOKENS
    }
}

fn checksum(id: Id, bytes: &[u8]) -> u64 {
    let mut sum = id.0;
    for chunk in bytes.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        sum = (sum ^ u64::from_ne_bytes(word)).wrapping_mul(0x0100_0000_01b3).rotate_left(23);
    }
    sum ^ bytes.len() as u64
}

/// Files to pass: each can be told by what is in it.
pub struct Tokens(Vec<OwnedFd>);

impl Tokens {
    pub fn of(worker: u8) -> Tokens {
        let make = |which| {
            let file = rustix::fs::memfd_create(c"token", MemfdFlags::CLOEXEC).expect("a memfd");
            let file = File::from(file);
            file.write_all_at(&Tokens::token(worker, which), 0).expect("a token");
            OwnedFd::from(file)
        };
        Tokens((0..TOKENS).map(make).collect())
    }

    fn token(worker: u8, which: u64) -> [u8; 16] {
        let mut token = *b"token of ?: ????";
        token[9] = b'0' + worker;
        token[12..].copy_from_slice(&(which as u32).to_ne_bytes());
        token
    }

    /// Those that go with a message.
    pub fn for_message<'a>(&'a self, header: &Header, list: &mut Vec<BorrowedFd<'a>>) {
        list.clear();
        let tokens = (0..u64::from(header.descriptors)).map(|p| header.which(p));
        list.extend(tokens.map(|which| self.0[which as usize].as_fd()));
    }
}
