//! Options and requests.

use super::{Outcome, name, unit};
use crate::op::{Fd, Ids, Level, Opt, Request, Ret, Value};
use crate::sys::{self, bare, errno, libc, option as numbers};
use std::ffi::c_int;
use std::time::Duration;
use sunpath_core::{Errno, SocketType};

/// The numbers of a level and an option.
fn pair(level: Level, option: Opt) -> Result<(c_int, c_int), sys::Errno> {
    /// A level that no socket has.
    const OTHER: c_int = 0x7ffe;
    let level = match level {
        Level::Socket => libc::SOL_SOCKET,
        Level::Local | Level::Other => OTHER,
    };
    let option = match option {
        Opt::Type => libc::SO_TYPE,
        Opt::Domain => libc::SO_DOMAIN,
        Opt::Protocol => libc::SO_PROTOCOL,
        Opt::AcceptConn => libc::SO_ACCEPTCONN,
        Opt::Error => libc::SO_ERROR,
        Opt::SndBuf => libc::SO_SNDBUF,
        Opt::RcvBuf => libc::SO_RCVBUF,
        Opt::SndBufForce => libc::SO_SNDBUFFORCE,
        Opt::RcvBufForce => libc::SO_RCVBUFFORCE,
        Opt::SndTimeo => libc::SO_SNDTIMEO,
        Opt::RcvTimeo => libc::SO_RCVTIMEO,
        Opt::SndLowat => libc::SO_SNDLOWAT,
        Opt::RcvLowat => libc::SO_RCVLOWAT,
        Opt::PassCred => libc::SO_PASSCRED,
        Opt::PassPidfd => numbers::SO_PASSPIDFD,
        Opt::PassSec => libc::SO_PASSSEC,
        Opt::PassRights => numbers::SO_PASSRIGHTS,
        Opt::PeerCred => libc::SO_PEERCRED,
        Opt::PeerPidfd => numbers::SO_PEERPIDFD,
        Opt::PeerGroups => numbers::SO_PEERGROUPS,
        Opt::PeerSec => libc::SO_PEERSEC,
        Opt::PeerName => libc::SO_PEERNAME,
        Opt::PeekOff => libc::SO_PEEK_OFF,
        Opt::OobInline => libc::SO_OOBINLINE,
        Opt::Inq => numbers::SO_INQ,
        Opt::Linger => libc::SO_LINGER,
        Opt::KeepAlive => libc::SO_KEEPALIVE,
        Opt::ReuseAddr => libc::SO_REUSEADDR,
        Opt::ReusePort => libc::SO_REUSEPORT,
        Opt::Broadcast => libc::SO_BROADCAST,
        Opt::ZeroCopy => libc::SO_ZEROCOPY,
        Opt::Timestamp => libc::SO_TIMESTAMP,
        Opt::AttachFilter => libc::SO_ATTACH_FILTER,
        Opt::Unknown => 0x7ffe,
        // Linux has none of them, at no level.
        Opt::LocalCreds | Opt::LocalCredsPersistent | Opt::LocalConnWait | Opt::LocalPeerCred => {
            0x7ffd
        }
    };
    Ok((level, option))
}

/// `getsockopt(2)`.
pub(super) fn get(fd: Fd, level: Level, option: Opt) -> Outcome {
    /// More than any value that is asked for here has.
    const ROOM: usize = 4096;
    let (level, number) = pair(level, option)?;
    if level == libc::SOL_SOCKET && option == Opt::AttachFilter {
        let count = bare::filter_length(fd)?;
        return Ok(Ret::Value(Value::Int(c_int::try_from(count).unwrap_or(c_int::MAX))));
    }
    let room = match option {
        Opt::PeerName => return peer_name(fd, level, number),
        Opt::PeerGroups | Opt::PeerSec => ROOM,
        Opt::SndTimeo | Opt::RcvTimeo => size_of::<libc::timeval>(),
        Opt::PeerCred => size_of::<libc::ucred>(),
        Opt::Linger => size_of::<libc::linger>(),
        _ => size_of::<c_int>(),
    };
    let bytes = bare::getsockopt(fd, level, number, room)?;
    let int = |place: usize| {
        let (numbers, _) = bytes.as_chunks();
        numbers.get(place).map_or(0, |bytes| c_int::from_ne_bytes(*bytes))
    };
    Ok(Ret::Value(match option {
        Opt::Error => Value::Error(match int(0) {
            0 => None,
            number => Some(errno::named(number).unwrap_or(Errno::EIO)),
        }),
        Opt::Type => Value::Type(match int(0) {
            libc::SOCK_DGRAM => SocketType::Datagram,
            libc::SOCK_SEQPACKET => SocketType::SeqPacket,
            _ => SocketType::Stream,
        }),
        Opt::PeerCred => {
            let ids = Ids { pid: int(0), uid: int(1).cast_unsigned(), gid: int(2).cast_unsigned() };
            Value::Peer((ids != NO_PEER).then_some(ids))
        }
        Opt::PeerGroups => {
            let count = bytes.len() / size_of::<c_int>();
            Value::Groups((0..count).map(|place| int(place).cast_unsigned()).collect())
        }
        Opt::PeerPidfd => Value::Fd(int(0)),
        Opt::Linger => Value::Linger((int(0) != 0).then(|| int(1).cast_unsigned())),
        Opt::SndTimeo | Opt::RcvTimeo => Value::Time(time(&bytes)),
        _ => Value::Int(int(0)),
    }))
}

/// `SO_PEERNAME` refuses more room than the name takes.
fn peer_name(fd: Fd, level: c_int, number: c_int) -> Outcome {
    /// The longest name, whose path has no NUL at its end.
    const LONGEST: usize = 111;
    let too_long = |tried: &sys::Result<Vec<u8>>| matches!(tried, Err(sys::Errno::INVAL));
    let rooms = (1..=LONGEST).rev();
    let mut tries = rooms.map(|room| bare::getsockopt(fd, level, number, room));
    let bytes = tries.find(|tried| !too_long(tried)).unwrap_or(Err(sys::Errno::INVAL))?;
    Ok(Ret::Value(Value::Name(Some(name::decode(&bytes)))))
}

const NO_PEER: Ids = Ids { pid: 0, uid: u32::MAX, gid: u32::MAX };

/// A `timeval`; none if it is zero.
fn time(bytes: &[u8]) -> Option<Duration> {
    let (numbers, _) = bytes.as_chunks();
    let number = |place: usize| numbers.get(place).map_or(0, |bytes| u64::from_ne_bytes(*bytes));
    let time = Duration::from_secs(number(0)) + Duration::from_micros(number(1));
    (!time.is_zero()).then_some(time)
}

/// `setsockopt(2)`.
pub(super) fn set(fd: Fd, level: Level, option: Opt, value: &Value) -> Outcome {
    let (level, number) = pair(level, option)?;
    if let Value::Filter { length, drops } = value {
        return unit(bare::attach_filter(fd, level, *length, *drops));
    }
    let bytes = match value {
        Value::Unmapped => None,
        Value::Short => Some(vec![1]),
        Value::Int(number) => Some(number.to_ne_bytes().to_vec()),
        Value::Time(time) => {
            let time = time.unwrap_or_default();
            Some(raw_time(time.as_secs().cast_signed(), time.subsec_micros().into()))
        }
        Value::RawTime(seconds, microseconds) => Some(raw_time(*seconds, *microseconds)),
        Value::Linger(time) => {
            let on = c_int::from(time.is_some());
            Some([on.to_ne_bytes(), time.unwrap_or(0).cast_signed().to_ne_bytes()].concat())
        }
        // Nobody can set these; the kernel is to say so.
        _ => Some(vec![0; 16]),
    };
    unit(bare::setsockopt(fd, level, number, bytes.as_deref()))
}

fn raw_time(seconds: i64, microseconds: i64) -> Vec<u8> {
    [seconds.to_ne_bytes(), microseconds.to_ne_bytes()].concat()
}

/// `ioctl(2)`.
pub(super) fn request(fd: Fd, request: Request) -> Outcome {
    /// A request of the range that belongs to sockets, which nobody knows.
    const UNKNOWN: u64 = 0x89ff_0000;
    let number = match request {
        Request::File => return Ok(Ret::Fd(bare::bound_file(fd)?)),
        Request::Inq => numbers::SIOCINQ,
        Request::Outq => numbers::SIOCOUTQ,
        Request::AtMark => numbers::SIOCATMARK,
        Request::Arp => 0x8954,
        Request::Unknown => UNKNOWN,
    };
    Ok(Ret::Value(Value::Int(bare::ioctl(fd, number)?)))
}
