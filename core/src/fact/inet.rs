//! What an internet address leads to.

use super::Seen;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

/// An internet address and what the kernel would do with it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InetTarget {
    /// The host as given.
    pub host: String,
    /// The port.
    pub port: u16,
    /// What the host name resolved to; the addresses are tried in this order.
    pub addresses: Seen<Vec<IpAddr>>,
    /// The route the kernel picks for the first address.
    pub route: Seen<Route>,
    /// Sockets of the wanted protocol that are bound to this port on an address that matches.
    pub listeners: Seen<Vec<InetSocket>>,
    /// The neighbour entry of the next hop.
    pub neighbour: Seen<Neighbour>,
    /// `net.ipv4.ip_local_port_range`, both ends included.
    pub port_range: Seen<(u16, u16)>,
    /// How many ports of that range the protocol has in use.
    pub ports_used: Seen<u32>,
    /// Whether the address is one of this machine's.
    pub is_local: Seen<bool>,
    /// Other sockets bound to the port, on any address: for `bind`, and to tell that a server
    /// listens on another address than the wanted one.
    pub in_use_by: Seen<Vec<InetSocket>>,
    /// `net.ipv4.ip_nonlocal_bind` or its like for IPv6.
    pub nonlocal_bind: Seen<bool>,
    /// `net.ipv4.ip_unprivileged_port_start`: ports below it ask for a privilege.
    pub unprivileged_from: Seen<u16>,
}

impl InetTarget {
    /// Whether no address of the host is known: its name does not resolve, or nobody could ask.
    pub fn is_unresolved(&self) -> bool {
        !self.addresses.is(|addresses| !addresses.is_empty())
    }
}

/// The kernel's answer to "how would you reach it?".
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// To this machine itself.
    Local,
    /// Out of a device, by a gateway or directly.
    Unicast {
        /// The device's name.
        device: String,
        /// The gateway.
        gateway: Option<IpAddr>,
    },
    /// To a broadcast address.
    Broadcast,
    /// To a multicast group.
    Multicast,
    /// An `unreachable` route says no (`EHOSTUNREACH`).
    Unreachable,
    /// A `prohibit` route or rule says no (`EACCES`).
    Prohibited,
    /// A `blackhole` route says no (`EINVAL`).
    Blackhole,
    /// There is none (`ENETUNREACH`).
    None,
}

/// An internet socket of the socket tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InetSocket {
    /// Its inode number in sockfs.
    pub inode: u64,
    /// The address it is bound to.
    pub local: SocketAddr,
    /// Its remote end, if connected.
    pub remote: Option<SocketAddr>,
    /// Whether it listens (TCP).
    pub listening: bool,
    /// Whether it takes IPv6 only (`IPV6_V6ONLY`), if it is bound to `::`.
    pub v6_only: bool,
    /// For a listener: connections that wait to be accepted, and the backlog.
    pub backlog: Option<super::socket::Backlog>,
    /// The processes that hold it.
    pub owners: Seen<Vec<super::Process>>,
}

/// The state of a neighbour (ARP, NDP) entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Neighbour {
    /// It answers, or needs no answer.
    Reachable,
    /// It did not answer.
    Failed,
    /// It is being asked.
    Incomplete,
    /// Nothing is known of it.
    #[default]
    None,
}
