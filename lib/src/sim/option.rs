//! Options and requests of simulated sockets.

use super::call::{Simulated, unexpected};
use crate::SocketType;
use crate::op::{Level, Op, Opt, Request, Ret, Value};
use crate::sys::option::{self as host, Credentials};
use crate::sys::{Errno as Host, Result, errno, libc};
use std::ffi::c_int;
use std::os::fd::OwnedFd;
use std::time::Duration;

/// Options by the numbers of this host.
const OPTIONS: &[(c_int, Opt)] = &[
    (libc::SO_TYPE, Opt::Type),
    (libc::SO_DOMAIN, Opt::Domain),
    (libc::SO_PROTOCOL, Opt::Protocol),
    (libc::SO_ACCEPTCONN, Opt::AcceptConn),
    (libc::SO_ERROR, Opt::Error),
    (libc::SO_SNDBUF, Opt::SndBuf),
    (libc::SO_RCVBUF, Opt::RcvBuf),
    (libc::SO_SNDBUFFORCE, Opt::SndBufForce),
    (libc::SO_RCVBUFFORCE, Opt::RcvBufForce),
    (libc::SO_SNDTIMEO, Opt::SndTimeo),
    (libc::SO_RCVTIMEO, Opt::RcvTimeo),
    (libc::SO_SNDLOWAT, Opt::SndLowat),
    (libc::SO_RCVLOWAT, Opt::RcvLowat),
    (libc::SO_PASSCRED, Opt::PassCred),
    (host::SO_PASSPIDFD, Opt::PassPidfd),
    (libc::SO_PASSSEC, Opt::PassSec),
    (host::SO_PASSRIGHTS, Opt::PassRights),
    (libc::SO_PEEK_OFF, Opt::PeekOff),
    (libc::SO_OOBINLINE, Opt::OobInline),
    (host::SO_INQ, Opt::Inq),
    (libc::SO_LINGER, Opt::Linger),
    (libc::SO_KEEPALIVE, Opt::KeepAlive),
    (libc::SO_REUSEADDR, Opt::ReuseAddr),
    (libc::SO_REUSEPORT, Opt::ReusePort),
    (libc::SO_BROADCAST, Opt::Broadcast),
    (libc::SO_ZEROCOPY, Opt::ZeroCopy),
    (libc::SO_TIMESTAMP, Opt::Timestamp),
];

fn named(number: c_int) -> Opt {
    OPTIONS.iter().find(|(n, _)| *n == number).map_or(Opt::Unknown, |(_, option)| *option)
}

impl Simulated {
    fn value(&self, option: Opt) -> Result<Value> {
        match self.call(&Op::Getsockopt { fd: self.fd, level: Level::Socket, option })? {
            Ret::Value(value) => Ok(value),
            other => unexpected(&other),
        }
    }

    /// An option that is a number.
    pub(crate) fn get(&self, number: c_int) -> Result<c_int> {
        match self.value(named(number))? {
            Value::Int(value) => Ok(value),
            Value::Type(kind) => Ok(host::socket_type_number(kind)),
            Value::Error(pending) => Ok(pending.map_or(0, errno::number)),
            other => unexpected(&Ret::Value(other)),
        }
    }

    pub(crate) fn set(&self, number: c_int, value: c_int) -> Result<()> {
        self.set_value(named(number), Value::Int(value))
    }

    fn set_value(&self, option: Opt, value: Value) -> Result<()> {
        self.done(&Op::Setsockopt { fd: self.fd, level: Level::Socket, option, value })
    }

    pub(crate) fn kind(&self) -> Result<Option<SocketType>> {
        match self.value(Opt::Type)? {
            Value::Type(kind) => Ok(Some(kind)),
            other => unexpected(&Ret::Value(other)),
        }
    }

    pub(crate) fn take_error(&self) -> Result<Option<Host>> {
        match self.value(Opt::Error)? {
            Value::Error(pending) => Ok(pending.map(errno::host)),
            other => unexpected(&Ret::Value(other)),
        }
    }

    /// Microseconds; 0 is for ever.
    pub(crate) fn timeout(&self, number: c_int) -> Result<u64> {
        match self.value(named(number))? {
            Value::Time(time) => {
                Ok(time.map_or(0, |time| u64::try_from(time.as_micros()).unwrap_or(u64::MAX)))
            }
            other => unexpected(&Ret::Value(other)),
        }
    }

    pub(crate) fn set_timeout(&self, number: c_int, microseconds: u64) -> Result<()> {
        let time = (microseconds > 0).then(|| Duration::from_micros(microseconds));
        self.set_value(named(number), Value::Time(time))
    }

    pub(crate) fn peer_credentials(&self) -> Result<Credentials> {
        match self.value(Opt::PeerCred)? {
            Value::Peer(Some(ids)) => Ok(Credentials { pid: ids.pid, uid: ids.uid, gid: ids.gid }),
            Value::Peer(None) => Ok(Credentials { pid: 0, uid: u32::MAX, gid: u32::MAX }),
            other => unexpected(&Ret::Value(other)),
        }
    }

    pub(crate) fn peer_groups(&self) -> Result<Vec<u32>> {
        match self.value(Opt::PeerGroups)? {
            Value::Groups(groups) => Ok(groups),
            other => unexpected(&Ret::Value(other)),
        }
    }

    pub(crate) fn peer_pidfd(&self) -> Result<OwnedFd> {
        match self.value(Opt::PeerPidfd)? {
            Value::Fd(fd) => self.handle.own(fd),
            other => unexpected(&Ret::Value(other)),
        }
    }

    /// A request that is answered with a number.
    pub(crate) fn ioctl(&self, request: u64) -> Result<c_int> {
        let request = match request {
            host::SIOCINQ => Request::Inq,
            host::SIOCOUTQ => Request::Outq,
            host::SIOCATMARK => Request::AtMark,
            _ => Request::Unknown,
        };
        match self.call(&Op::Ioctl { fd: self.fd, request })? {
            Ret::Value(Value::Int(value)) => Ok(value),
            other => unexpected(&other),
        }
    }
}
