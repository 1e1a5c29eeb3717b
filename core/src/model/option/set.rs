//! `setsockopt`.

use super::raw::Raw;
use super::{Options, filter_cost};
use crate::Errno;
use crate::SocketType;
use crate::model::process::Caps;
use crate::model::socket::SocketId;
use crate::model::stop::{Stop, Tried, fail};
use crate::model::wait::{Line, Wake};
use crate::model::world::{Caller, World, descriptor};
use crate::op::{Fd, Level, Opt, Ret, Value};
use crate::profile::BufferSizes;
use core::time::Duration;

/// An `int`, which most options are and none is shorter than.
const INT: usize = 4;
/// A `struct linger`.
const LINGER: usize = 8;
/// A `struct timeval`, and a `struct sock_fprog`.
const TIME: usize = 16;
/// The most instructions of a filter.
const INSTRUCTIONS: usize = 4096;
/// A second has as many microseconds.
const SECOND: i64 = 1_000_000;

impl World {
    pub(crate) fn setsockopt(
        &mut self,
        caller: Caller,
        fd: Fd,
        level: Level,
        option: Opt,
        value: &Value,
    ) -> Tried {
        let (_, id) = self.socket(caller, fd, descriptor!("option"))?;
        let known = self.has_option(level, option).ok_or(fail("option/wrong-level"))?;
        let raw = Raw::of(value);
        if *self.profile.options.value_first {
            self.check_value(id, option, &raw)?;
        }
        if !known {
            return Err(fail("option/unknown"));
        }
        let rules = &self.profile.options;
        if rules.read_only.contains(&option) {
            return Err(fail("option/read-only"));
        }
        self.check_value(id, option, &raw)?;
        // One of them can be switched off, as it is.
        if rules.foreign.contains(&option) && !(option == Opt::ReusePort && raw.int(0) == 0) {
            return Err(fail("option/not-for-this-socket"));
        }
        match option {
            Opt::SndBuf | Opt::RcvBuf | Opt::SndBufForce | Opt::RcvBufForce => {
                self.set_buffer(caller, id, option, raw.int(0))?;
            }
            Opt::SndTimeo | Opt::RcvTimeo => self.set_timeout(id, option, &raw)?,
            Opt::AttachFilter => self.attach_filter(id, value)?,
            Opt::Inq => self.set_inq(id, raw.int(0))?,
            _ => self.sockets[id].options.set_plain(option, &raw)?,
        }
        Ok(Ret::Unit)
    }

    /// Whether the value can be read and is long enough.
    fn check_value(&self, id: SocketId, option: Opt, raw: &Raw) -> Tried<()> {
        // The one option that asks for no more than it needs.
        let exact = option == Opt::Inq && self.sockets[id].kind == SocketType::Stream;
        if raw.length < INT || exact && raw.length != INT {
            return Err(fail("option/bad-length"));
        }
        if !raw.mapped {
            return Err(fail("option/bad-pointer"));
        }
        let least = match option {
            Opt::SndTimeo | Opt::RcvTimeo | Opt::AttachFilter => TIME,
            Opt::Linger => LINGER,
            _ => INT,
        };
        // Longer than an int are only values of options that exist.
        let known = self.has_option(Level::Socket, option) == Some(true);
        if known && raw.length < least { Err(fail("option/bad-length")) } else { Ok(()) }
    }

    fn set_buffer(&mut self, caller: Caller, id: SocketId, option: Opt, size: i32) -> Tried<()> {
        let force = matches!(option, Opt::SndBufForce | Opt::RcvBufForce);
        if force && !self.processes[caller.process].credentials.caps.contains(Caps::NET_ADMIN) {
            return Err(fail("option/needs-privilege"));
        }
        let send = matches!(option, Opt::SndBuf | Opt::SndBufForce);
        let machine = &self.machine;
        let (least, most) = if send {
            (machine.send_buffer_min, machine.send_buffer_max)
        } else {
            (machine.receive_buffer_min, machine.receive_buffer_max)
        };
        let size = match *self.profile.options.buffer_sizes {
            BufferSizes::Doubled => {
                // Below zero is more than anything, unless it is to be taken as it is.
                let size = if force { size.max(0) as u32 } else { (size as u32).min(most) };
                (size.min(i32::MAX as u32 / 2) * 2).max(least)
            }
            BufferSizes::Exact(_) | BufferSizes::Cut(_) if size <= 0 => {
                return Err(Stop::Errno(Errno::EINVAL));
            }
            BufferSizes::Cut(most) => (size as u32).min(most),
            BufferSizes::Exact(most) if size as u32 > most => {
                return Err(Stop::Errno(Errno::ENOBUFS));
            }
            BufferSizes::Exact(_) => size as u32,
        };
        let socket = &mut self.sockets[id];
        if send {
            socket.options.send_buffer = size;
            if socket.has_room_again() {
                self.wake(id, Line::Writable, Wake::All);
            }
        } else {
            socket.options.receive_buffer = size;
        }
        Ok(())
    }

    fn set_timeout(&mut self, id: SocketId, option: Opt, raw: &Raw) -> Tried<()> {
        let (seconds, microseconds) = (raw.long(0), raw.long(1));
        let rules = &self.profile.options;
        let negative = seconds < 0;
        if !(0..SECOND).contains(&microseconds) || negative && !*rules.negative_time {
            return Err(fail("option/bad-time"));
        }
        let ticks = if *rules.time_in_ticks { self.machine.ticks } else { 0 };
        let time = match (seconds, microseconds) {
            (0, 0) => None,
            _ if negative => Some(Duration::ZERO),
            _ => in_ticks(seconds.unsigned_abs(), microseconds.unsigned_abs() as u32, ticks),
        };
        let options = &mut self.sockets[id].options;
        match option {
            Opt::SndTimeo => options.send_timeout = time,
            _ => options.receive_timeout = time,
        }
        Ok(())
    }

    fn attach_filter(&mut self, id: SocketId, value: &Value) -> Tried<()> {
        let Value::Filter { length, drops } = value else { return Err(fail("option/bad-length")) };
        if !(1..=INSTRUCTIONS).contains(length) {
            return Err(Stop::Errno(Errno::EINVAL));
        }
        // The old one is let go only when the new one is in its place.
        let instructions = *length as u16;
        if filter_cost(instructions) >= self.option_memory_left(id) {
            return Err(fail("option/filter-too-large"));
        }
        let options = &mut self.sockets[id].options;
        options.filter_drops = *drops;
        options.rare_mut().filter = instructions;
        Ok(())
    }

    fn set_inq(&mut self, id: SocketId, value: i32) -> Tried<()> {
        let socket = &mut self.sockets[id];
        if socket.kind != SocketType::Stream {
            return Err(fail("option/unknown"));
        }
        if !(0..=1).contains(&value) {
            return Err(Stop::Errno(Errno::EINVAL));
        }
        socket.options.inq = value == 1;
        Ok(())
    }
}

/// A time limit as the kernel counts it: in ticks, of which there are so many in a second, begun
/// ones whole. Without ticks it holds as it is. `None`: so long that it is none.
fn in_ticks(seconds: u64, microseconds: u32, ticks: u32) -> Option<Duration> {
    if ticks == 0 {
        return Some(Duration::new(seconds, microseconds * 1000));
    }
    if seconds >= i64::MAX as u64 / u64::from(ticks) - 1 {
        return None;
    }
    let tick = (SECOND as u32 / ticks).max(1);
    let part = microseconds.div_ceil(tick);
    Some(Duration::from_secs(seconds) + Duration::from_micros(u64::from(part * tick)))
}

impl Options {
    /// Options that are no more than a number or a switch.
    fn set_plain(&mut self, option: Opt, raw: &Raw) -> Tried<()> {
        let number = raw.int(0);
        let on = number != 0;
        match option {
            Opt::RcvLowat => self.receive_low_water = low_water(number),
            Opt::PassCred => self.pass_credentials = on,
            Opt::PassPidfd => self.pass_pidfd = on,
            Opt::PassSec => self.pass_security = on,
            Opt::PassRights => self.pass_rights = on,
            Opt::OobInline => self.urgent_inline = on,
            Opt::Timestamp => self.timestamp = on,
            Opt::LocalConnWait => self.connect_waits = on,
            Opt::PeekOff => match u32::try_from(number) {
                Ok(offset) => self.peek_offset = Some(offset),
                Err(_) => {
                    self.peek_offset = None;
                    self.rare_mut().no_peek_offset = number;
                }
            },
            Opt::LocalCreds | Opt::LocalCredsPersistent => {
                let persist = option == Opt::LocalCredsPersistent;
                let other = self.pass_credentials && self.credentials_persist() != persist;
                if on && other {
                    return Err(Stop::Errno(Errno::EINVAL));
                }
                if !other {
                    self.pass_credentials = on;
                    self.rare_mut().credentials_persist = on && persist;
                }
            }
            _ => self.rare_mut().set(option, raw),
        }
        Ok(())
    }
}

/// 0 stands for 1, and below zero for as much as there can be.
fn low_water(number: i32) -> u32 {
    match number {
        0 => 1,
        1.. => number as u32,
        _ => i32::MAX as u32,
    }
}

/// Below zero it is for ever, of which an `int` holds the lower half, at 250 ticks a second.
fn linger(seconds: i32) -> u32 {
    if seconds < 0 { (i64::MAX / 250) as u32 } else { seconds as u32 }
}

impl super::Rare {
    fn set(&mut self, option: Opt, raw: &Raw) {
        let number = raw.int(0);
        let on = number != 0;
        match option {
            Opt::KeepAlive => self.keep_alive = on,
            Opt::ReuseAddr => self.reuse_address = on,
            Opt::ReusePort => self.reuse_port = on,
            Opt::Broadcast => self.broadcast = on,
            Opt::SndLowat => self.send_low_water = number,
            Opt::Linger => {
                self.lingers = on;
                if on {
                    self.linger = linger(raw.int(1));
                }
            }
            _ => {}
        }
    }
}
