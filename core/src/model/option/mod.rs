//! Options and requests: what can be set of a socket, and asked of it.

mod get;
mod ioctl;
mod raw;
mod set;

use super::socket::SocketId;
use super::world::World;
use crate::op::{Level, Opt};
use crate::profile::Machine;
use alloc::boxed::Box;
use core::time::Duration;

/// The options of a socket that change what it does. Those that every send and receive asks stand
/// together, in one cache line of the socket.
#[derive(Debug, Clone)]
#[repr(C)]
pub(crate) struct Options {
    rare: Option<Box<Rare>>,
    pub(crate) receive_buffer: u32,
    /// `max_dgram_qlen` when the socket was made.
    pub(crate) queue_limit: u32,
    // The line begins.
    /// `SO_SNDBUF` as the kernel counts: on Linux twice what a program sets.
    pub(crate) send_buffer: u32,
    pub(crate) receive_low_water: u32,
    pub(crate) pass_credentials: bool,
    pub(crate) pass_pidfd: bool,
    pub(crate) pass_security: bool,
    pub(crate) pass_rights: bool,
    /// `LOCAL_CONNWAIT`: `connect` is over when the connection is accepted.
    pub(crate) connect_waits: bool,
    pub(crate) urgent_inline: bool,
    pub(crate) inq: bool,
    pub(crate) timestamp: bool,
    /// `SO_ATTACH_FILTER`: the filter drops every message that comes. Streams do not ask it.
    pub(crate) filter_drops: bool,
    /// `SO_PEEK_OFF`; `None` where it is below zero.
    pub(crate) peek_offset: Option<u32>,
    /// `None`: none; zero: it never waits.
    pub(crate) send_timeout: Option<Duration>,
    pub(crate) receive_timeout: Option<Duration>,
}

/// Options that most sockets never have, and those that are only kept to be read back.
#[derive(Debug, Clone)]
struct Rare {
    keep_alive: bool,
    reuse_address: bool,
    reuse_port: bool,
    broadcast: bool,
    lingers: bool,
    /// In seconds, as it is read back.
    linger: u32,
    send_low_water: i32,
    /// The last offset below zero, all of which mean that there is none.
    no_peek_offset: i32,
    /// The instructions of the filter; 0: there is none.
    filter: u16,
    /// `LOCAL_CREDS_PERSISTENT`: credentials with every message, not only with the next.
    credentials_persist: bool,
}

const RARE: Rare = Rare {
    keep_alive: false,
    reuse_address: false,
    reuse_port: false,
    broadcast: false,
    lingers: false,
    linger: 0,
    send_low_water: 1,
    no_peek_offset: -1,
    filter: 0,
    credentials_persist: false,
};

impl Options {
    /// Where that cache line begins, in bytes.
    #[cfg(target_pointer_width = "64")]
    pub(crate) const LINE: usize = core::mem::offset_of!(Options, send_buffer);

    /// Those of a new socket.
    pub(crate) fn new(machine: &Machine) -> Options {
        Options {
            send_buffer: machine.send_buffer,
            receive_buffer: machine.receive_buffer,
            send_timeout: None,
            receive_timeout: None,
            receive_low_water: 1,
            pass_credentials: false,
            pass_pidfd: false,
            pass_security: false,
            pass_rights: true,
            connect_waits: false,
            urgent_inline: false,
            inq: false,
            timestamp: false,
            filter_drops: false,
            peek_offset: None,
            queue_limit: machine.datagram_queue,
            rare: None,
        }
    }

    /// Whether something besides descriptors is wanted with the bytes.
    #[inline]
    pub(crate) fn wants_beside(&self) -> bool {
        self.pass_credentials || self.pass_pidfd || self.pass_security || self.timestamp || self.inq
    }

    fn rare(&self) -> &Rare {
        self.rare.as_deref().unwrap_or(&RARE)
    }

    fn rare_mut(&mut self) -> &mut Rare {
        self.rare.get_or_insert_with(|| Box::new(RARE))
    }

    /// `LOCAL_CREDS_PERSISTENT`
    pub(crate) fn credentials_persist(&self) -> bool {
        self.rare().credentials_persist
    }
}

/// The memory that a filter of so many instructions takes.
fn filter_cost(instructions: u16) -> usize {
    match instructions {
        0 => 0,
        count => 128 + 8 * usize::from(count),
    }
}

impl World {
    /// How much of the memory for options a socket has left.
    pub(crate) fn option_memory_left(&self, id: SocketId) -> usize {
        let used = filter_cost(self.sockets[id].options.rare().filter);
        (self.machine.control_max as usize).saturating_sub(used)
    }

    /// Whether the system has the option, and has it at this level; `None` if it has no such level.
    fn has_option(&self, level: Level, option: Opt) -> Option<bool> {
        let rules = &self.profile.options;
        let known = match level {
            Level::Socket => *rules.known,
            Level::Local if !rules.local.is_empty() => *rules.local,
            Level::Local | Level::Other => return None,
        };
        Some(known.contains(&option) && !rules.absent.contains(&option))
    }
}
