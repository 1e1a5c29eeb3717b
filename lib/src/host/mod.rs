//! The running kernel under the same calls as the model: [`perform`] makes a call of
//! [`crate::op`] for real, in this process, and tells what came of it in the model's words, so
//! that both can be compared field by field. `machine` measures what this machine decides.
//! No promise of stability is made for this module; it is public for the command-line tool alone.
//!
//! Descriptors are plain numbers, also those that come with messages: they stay open until a call
//! closes them. So this is for processes whose table of descriptors belongs to a script, see
//! [`crate::sys::bare`].
//!
//! One file for each kind of call: `message` (sending and receiving), `option` (options and
//! requests), `around` (files and users); `name` encodes addresses.

mod around;
mod machine;
mod message;
mod name;
mod option;

pub use machine::machine;

use crate::op::{Events, Family, Fd, Kind, New, NewFlags, Op, Polled, Ret};
use crate::sys::{self, bare, errno, libc, probe};
use std::fmt;
use std::time::Duration;
use sunpath_core::Errno;

/// A call that failed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Failed {
    /// The host's number.
    pub number: i32,
    /// `SIGPIPE` came.
    pub signal: bool,
}

impl Failed {
    /// The error by its name; `None` if no cause knows it.
    pub fn errno(&self) -> Option<Errno> {
        errno::named(self.number)
    }
}

impl fmt::Debug for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.errno() {
            Some(errno) => write!(f, "{errno}")?,
            None => write!(f, "errno {}", self.number)?,
        }
        f.write_str(if self.signal { " with SIGPIPE" } else { "" })
    }
}

impl From<sys::Errno> for Failed {
    fn from(errno: sys::Errno) -> Failed {
        Failed { number: errno.raw_os_error(), signal: false }
    }
}

/// What a call gives.
pub type Outcome<T = Ret> = Result<T, Failed>;

/// Makes a call. `SIGPIPE` must be held back ([`bare::hold_pipe_signal`]) to be noticed.
///
/// `ENOSYS` for what no process can do alone, and for what only another system has: creating and
/// ending processes and threads, joining another's namespace, numbers that Linux lacks.
pub fn perform(op: &Op) -> Outcome {
    match op {
        Op::Send(message) => message::send(message),
        Op::Recv(want) => message::recv(want),
        Op::Poll { fds, timeout } => poll(fds, *timeout),
        Op::Socket(new) => {
            let (family, kind) = numbers(new);
            Ok(Ret::Fd(bare::socket(family, kind, new.protocol)?))
        }
        Op::Socketpair(new) => {
            let (family, kind) = numbers(new);
            let (a, b) = bare::socketpair(family, kind, new.protocol, new.unmapped)?;
            Ok(Ret::Pair(a, b))
        }
        Op::Bind { fd, name } => {
            let name = name::encode(name);
            let (memory, length) = name.argument();
            unit(probe::bind(bare::allowed(*fd)?, memory, length))
        }
        Op::Connect { fd, name } => {
            let name = name::encode(name);
            let (memory, length) = name.argument();
            unit(probe::connect(bare::allowed(*fd)?, memory, length))
        }
        Op::Listen { fd, backlog } => unit(probe::listen(bare::allowed(*fd)?, *backlog)),
        Op::Accept { fd, flags, name } => {
            let (fd, written) = bare::accept(*fd, flag_bits(*flags), name::room(*name))?;
            Ok(Ret::Accepted { fd, name: name::given(*name, &written) })
        }
        Op::Shutdown { fd, how } => unit(probe::shutdown(bare::allowed(*fd)?, *how)),
        Op::Getsockname { fd, name } => {
            Ok(Ret::Name(name::decode(&bare::name(*fd, false, name::room(*name))?)))
        }
        Op::Getpeername { fd, name } => {
            Ok(Ret::Name(name::decode(&bare::name(*fd, true, name::room(*name))?)))
        }
        Op::Getsockopt { fd, level, option } => option::get(*fd, *level, *option),
        Op::Setsockopt { fd, level, option, value } => option::set(*fd, *level, *option, value),
        Op::Ioctl { fd, request } => option::request(*fd, *request),
        Op::Close { fd } => unit(bare::close(*fd)),
        Op::Dup { fd } => Ok(Ret::Fd(bare::dup(*fd)?)),
        Op::Nonblocking { fd, on } => unit(bare::set_nonblocking(*fd, *on)),
        Op::Lseek { fd } => {
            probe::lseek(bare::allowed(*fd)?)?;
            Ok(Ret::Count(0))
        }
        Op::File(op) => around::file(op),
        Op::Process(op) => around::process(op),
        #[allow(unreachable_patterns, reason = "calls that only the model has")]
        _ => Err(sys::Errno::NOSYS.into()),
    }
}

fn unit(done: sys::Result<()>) -> Outcome {
    Ok(done.map(|()| Ret::Unit)?)
}

fn family(family: Family) -> i32 {
    match family {
        Family::Unspecified => libc::AF_UNSPEC,
        Family::Unix => libc::AF_UNIX,
        Family::Inet => libc::AF_INET,
        Family::Inet6 => libc::AF_INET6,
        Family::Other(number) => number,
    }
}

/// The family and the type with its flags, as numbers.
fn numbers(new: &New) -> (i32, i32) {
    let kind = match new.kind {
        Kind::Stream => libc::SOCK_STREAM,
        Kind::Datagram => libc::SOCK_DGRAM,
        Kind::SeqPacket => libc::SOCK_SEQPACKET,
        Kind::Raw => libc::SOCK_RAW,
        Kind::Other(number) => number,
    };
    (family(new.family), kind | flag_bits(new.flags))
}

fn flag_bits(flags: NewFlags) -> i32 {
    const UNKNOWN: i32 = 0x0100_0000;
    let bit = |on: bool, bit: i32| if on { bit } else { 0 };
    bit(flags.nonblocking, libc::SOCK_NONBLOCK)
        | bit(flags.close_on_exec, libc::SOCK_CLOEXEC)
        | bit(flags.unknown, UNKNOWN)
}

/// Each event with its bit.
const EVENTS: [(Events, i16); 7] = [
    (Events::IN, libc::POLLIN),
    (Events::PRI, libc::POLLPRI),
    (Events::OUT, libc::POLLOUT),
    (Events::RDHUP, libc::POLLRDHUP),
    (Events::ERR, libc::POLLERR),
    (Events::HUP, libc::POLLHUP),
    (Events::NVAL, libc::POLLNVAL),
];

fn poll(fds: &[(Fd, Events)], timeout: Option<Duration>) -> Outcome {
    let bits = |events: Events| {
        let asked = EVENTS.iter().filter(|(event, _)| events.contains(*event));
        asked.fold(0, |bits, (_, bit)| bits | bit)
    };
    let asked: Vec<_> = fds.iter().map(|(fd, events)| (*fd, bits(*events))).collect();
    let milliseconds =
        timeout.map_or(-1, |time| i32::try_from(time.as_millis()).unwrap_or(i32::MAX));
    let events = |bits: i16| {
        let found = EVENTS.iter().filter(|(_, bit)| bits & bit != 0);
        found.fold(Events::NONE, |events, (event, _)| events | *event)
    };
    let found = bare::poll(&asked, milliseconds)?;
    let polled = found.into_iter().map(|(fd, bits)| Polled { fd, events: events(bits) });
    Ok(Ret::Polled(polled.collect()))
}
