//! Arguments: descriptors, names, lengths.

use super::{Generator, Known};
use sunpath::op::{Family, Fd, Kind, Name, Out};
use sunpath::{Address, SocketType};

/// The types.
pub const TYPES: [SocketType; 3] =
    [SocketType::Stream, SocketType::Datagram, SocketType::SeqPacket];

/// The type that a socket will have.
pub fn kind(kind: Kind) -> Option<SocketType> {
    match kind {
        Kind::Stream => Some(SocketType::Stream),
        Kind::Datagram | Kind::Raw => Some(SocketType::Datagram),
        Kind::SeqPacket => Some(SocketType::SeqPacket),
        Kind::Other(_) => None,
    }
}

/// Paths that scripts make things at. A few, so that they meet.
const PATHS: &[&str] = &[
    "a",
    "b",
    "c",
    "d",
    "d/a",
    "d/b",
    "e",
    "e/a",
    "d/e",
    "l",
    "l/a",
    "m",
    "./a",
    "d/../a",
    "d//b",
    "a/b",
    "nowhere/a",
    "d/",
    "..",
    ".",
    "d/e/a",
    "d/l",
];

/// The same, from the root.
const ABSOLUTE: &[&str] = &["/a", "/d/a", "/", "/l/b", "/d/../b", "/e"];

/// Abstract names.
const ABSTRACT: &[&[u8]] = &[b"x", b"y", b"z", b"x\0", b"x\0\0\0", b"server", b"\0", b"\xff\xfe"];

const ODD_NUMBERS: &[Fd] = &[-1, 0, 1, 2, 7, 60, 299, 300, 2000, 5000, i32::MAX, i32::MIN];

impl Generator {
    /// A descriptor of this process for which the condition holds, most of the time.
    pub(super) fn fd(&mut self, fits: impl Fn(&Known) -> bool) -> Fd {
        let table = &self.tables[self.who()];
        let fitting: Vec<_> = table.iter().filter(|known| fits(known)).map(|k| k.fd).collect();
        let any: Vec<_> = table.iter().map(|known| known.fd).collect();
        let fitting = if self.dice.once_in(12) { &any } else { &fitting };
        if self.dice.once_in(60) {
            return *self.dice.pick(ODD_NUMBERS);
        }
        match self.dice.some(fitting) {
            Some(fd) => *fd,
            None => self.dice.some(&any).copied().unwrap_or(-1),
        }
    }

    /// A descriptor of any socket.
    pub(super) fn socket(&mut self) -> Fd {
        self.fd(|known| known.kind.is_some())
    }

    pub(super) fn path(&mut self) -> Vec<u8> {
        if self.dice.once_in(80) {
            let length = *self.dice.pick(&[0, 100, 104, 107, 108, 255, 256, 300]);
            return vec![b'p'; length];
        }
        if self.privileged && self.dice.once_in(6) {
            return self.dice.pick(ABSOLUTE).as_bytes().to_vec();
        }
        let path = *self.dice.pick(PATHS);
        self.inside(path)
    }

    /// A path that does not lead above the working directory. Only root gets a root directory,
    /// above which there is nothing; and any name may be a link.
    pub(super) fn inside(&self, path: &str) -> Vec<u8> {
        if self.privileged { path.into() } else { path.replace("..", ".").into() }
    }

    /// An address to bind.
    pub(super) fn new_name(&mut self) -> Name {
        match self.dice.below(20) {
            0..=8 => Name::Unix(Address::Path(self.path_for_address())),
            9..=13 => Name::Unix(Address::Abstract(self.abstract_name())),
            14..=16 => Name::Unix(Address::Unnamed),
            17..=18 => self.bound_name(|_| true),
            _ => self.wrong_name(),
        }
    }

    /// An address to go to, of a socket of this type if one is known.
    pub(super) fn target(&mut self, kind: Option<SocketType>, listens: bool) -> Name {
        match self.dice.below(20) {
            0..=14 => self.bound_name(|place| {
                kind.is_none_or(|kind| place.kind == kind) && (!listens || place.listens)
            }),
            15..=16 => Name::Unix(Address::Path(self.path_for_address())),
            17 => Name::Unix(Address::Abstract(self.abstract_name())),
            18 => self.wrong_name(),
            _ => Name::Foreign(Family::Unspecified),
        }
    }

    fn bound_name(&mut self, fits: impl Fn(&super::Place) -> bool) -> Name {
        let from = if self.dice.once_in(8) { 0 } else { self.places.len().saturating_sub(8) };
        let recent = &self.places[from..];
        let fitting: Vec<_> = recent.iter().filter(|p| fits(p)).map(|p| &p.name).collect();
        match self.dice.some(&fitting) {
            Some(name) => (*name).clone(),
            None => Name::Unix(Address::Path(self.path_for_address())),
        }
    }

    /// A path that an address can hold; an empty one is an abstract name.
    fn path_for_address(&mut self) -> Vec<u8> {
        let path = self.path();
        if path.is_empty() || path.len() > 120 { b"a".to_vec() } else { path }
    }

    /// Only root has networks of its own; other users' names must not meet those of another lane,
    /// which is a process of its own.
    fn abstract_name(&mut self) -> Vec<u8> {
        if !self.privileged {
            let mark = format!("{}-", std::process::id());
            return [mark.as_bytes(), *self.dice.pick(ABSTRACT)].concat();
        }
        if self.dice.once_in(40) {
            let length = *self.dice.pick(&[0, 106, 107, 108, 120]);
            return vec![b'n'; length];
        }
        self.dice.pick(ABSTRACT).to_vec()
    }

    fn wrong_name(&mut self) -> Name {
        match self.dice.below(5) {
            0 => Name::Unmapped,
            1 => Name::Foreign(*self.dice.pick(&[
                Family::Unspecified,
                Family::Inet,
                Family::Inet6,
                Family::Other(77),
            ])),
            2 => Name::Inet { host: [127, 0, 0, 1], port: 80 },
            _ => Name::Sized(*self.dice.pick(&[
                -1,
                i32::MIN,
                0,
                1,
                2,
                111,
                112,
                128,
                129,
                200,
                i32::MAX,
            ])),
        }
    }

    /// Room for a name.
    pub(super) fn out(&mut self) -> Out {
        match self.dice.below(40) {
            0 => Out::Unmapped,
            1 => Out::NegativeLength,
            2 => Out::Null,
            _ => Out::Room,
        }
    }

    /// How long a message is, or a buffer.
    pub(super) fn length(&mut self) -> usize {
        const USUAL: &[usize] = &[0, 1, 1, 2, 3, 5, 8, 10, 64, 100];
        const EDGES: &[usize] = &[
            192, 193, 704, 705, 1000, 1728, 1729, 2240, 2272, 2273, 3776, 3777, 4096, 7872, 7873,
            16_064, 16_065, 20_000, 36_544, 36_545, 70_000,
        ];
        const LARGE: &[usize] = &[100_000, 212_960, 212_961, 212_992, 250_000, 400_000];
        let from = match self.dice.below(40) {
            0 => LARGE,
            1..=6 => EDGES,
            _ => USUAL,
        };
        *self.dice.pick(from)
    }
}
