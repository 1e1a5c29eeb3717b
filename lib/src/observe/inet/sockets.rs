//! The kernel's tables of TCP and UDP sockets, by `sock_diag(7)`.

use crate::SocketType;
use crate::fact::inet::InetSocket;
use crate::fact::socket::Backlog;
use crate::fact::{Seen, Unseen};
use crate::observe::netlink::{Attributes, Client, Trouble, field};
use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

/// `SOCK_DIAG_BY_FAMILY`
const BY_FAMILY: u16 = 20;
/// `TCP_LISTEN`
const LISTEN: u8 = 10;
/// `INET_DIAG_SKV6ONLY`
const V6_ONLY: u16 = 11;

/// A socket that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub socket: InetSocket,
}

impl Found {
    /// Whether packets to this address reach the socket, by the address it is bound to.
    pub(super) fn answers(&self, to: IpAddr) -> bool {
        let local = self.socket.local.ip();
        // The kernel takes "any address" as a destination for this machine.
        let to = to.to_canonical();
        match (local, to) {
            (IpAddr::V4(local), IpAddr::V4(to)) => {
                local == to
                    || local.is_unspecified()
                    || (to.is_unspecified() && local.is_loopback())
            }
            (IpAddr::V6(local), IpAddr::V6(to)) => {
                local == to
                    || local.is_unspecified()
                    || (to.is_unspecified() && local.is_loopback())
            }
            (IpAddr::V6(local), IpAddr::V4(_)) => local.is_unspecified() && !self.socket.v6_only,
            (IpAddr::V4(_), IpAddr::V6(_)) => false,
        }
    }
}

/// Every socket bound to a port, in any state.
pub(super) fn at_port(
    client: &mut Client,
    transport: SocketType,
    port: u16,
) -> Result<Vec<Found>, Trouble> {
    let mut found = Vec::new();
    for family in [libc::AF_INET, libc::AF_INET6] {
        let body = query(family, transport, port);
        let more = client.dump(BY_FAMILY, &body, |_, message| {
            parse(message).filter(|found| found.socket.local.port() == port)
        });
        found.extend(unless_no_ipv6(family, more)?);
    }
    Ok(found)
}

/// The local ports in use.
pub(super) fn ports(client: &mut Client, transport: SocketType) -> Result<BTreeSet<u16>, Trouble> {
    let mut ports = BTreeSet::new();
    for family in [libc::AF_INET, libc::AF_INET6] {
        let body = query(family, transport, 0);
        let more =
            client.dump(BY_FAMILY, &body, |_, message| field(message, 4).map(u16::from_be_bytes));
        ports.extend(unless_no_ipv6(family, more)?);
    }
    Ok(ports)
}

/// A kernel without IPv6 has none of its sockets.
fn unless_no_ipv6<T>(family: i32, found: Result<Vec<T>, Trouble>) -> Result<Vec<T>, Trouble> {
    match found {
        Err(Trouble::Errno(_)) if family == libc::AF_INET6 => Ok(Vec::new()),
        found => found,
    }
}

/// `struct inet_diag_req_v2`: every state, and one local port or any.
fn query(family: i32, transport: SocketType, port: u16) -> Vec<u8> {
    let protocol = if transport == SocketType::Udp { libc::IPPROTO_UDP } else { libc::IPPROTO_TCP };
    let mut body = vec![family as u8, protocol as u8, 0, 0];
    body.extend_from_slice(&u32::MAX.to_ne_bytes());
    body.extend_from_slice(&port.to_be_bytes());
    body.resize(56, 0);
    body
}

/// Reads a `struct inet_diag_msg` and its attributes.
fn parse(message: &[u8]) -> Option<Found> {
    let [family, state, ..]: [u8; 4] = field(message, 0)?;
    let number = |offset| field(message, offset).map(u32::from_ne_bytes);
    let port = |offset| field(message, offset).map(u16::from_be_bytes);
    let local = SocketAddr::new(address(family, message, 8)?, port(4)?);
    let remote = SocketAddr::new(address(family, message, 24)?, port(6)?);
    let listening = state == LISTEN;
    let (pending, limit) = (number(56)?, number(60)?);
    let only = |(kind, value): (u16, &[u8])| kind == V6_ONLY && value.first() == Some(&1);
    let socket = InetSocket {
        inode: u64::from(number(68)?),
        local,
        remote: (remote.port() != 0).then_some(remote),
        listening,
        v6_only: Attributes(message.get(72..)?).any(only),
        backlog: listening.then_some(Backlog { pending, limit }),
        owners: Seen::default(),
    };
    Some(Found { socket })
}

fn address(family: u8, message: &[u8], offset: usize) -> Option<IpAddr> {
    match i32::from(family) {
        libc::AF_INET => Some(IpAddr::from(field::<4>(message, offset)?)),
        libc::AF_INET6 => Some(IpAddr::from(field::<16>(message, offset)?).to_canonical()),
        _ => None,
    }
}

/// Why the kernel gave no answer.
pub(super) fn unseen(trouble: Trouble) -> Unseen {
    match trouble {
        Trouble::Changed => Unseen::Changed,
        Trouble::Errno(rustix::io::Errno::NOENT) => Unseen::Absent { what: "inet_diag" },
        Trouble::Errno(errno) => crate::observe::unseen(&errno.into(), "a netlink socket"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::net::{Ipv4Addr, Ipv6Addr, TcpListener, UdpSocket};

    fn find(transport: SocketType, local: SocketAddr) -> Vec<Found> {
        let mut client = Client::sockets().unwrap();
        at_port(&mut client, transport, local.port()).unwrap()
    }

    #[test]
    fn sockets_at_a_port_are_found_with_their_queues() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let local = listener.local_addr().unwrap();
        let _client = std::net::TcpStream::connect(local).unwrap();
        let found = find(SocketType::Tcp, local);
        let listening = found.iter().find(|f| f.socket.listening).unwrap();
        assert_eq!(listening.socket.local, local);
        assert_eq!(listening.socket.backlog.map(|b| b.pending), Some(1));
        assert!(listening.answers(local.ip()) && !listening.answers([127, 0, 0, 2].into()));
        assert!(
            find(SocketType::Udp, local).iter().all(|f| f.socket.inode != listening.socket.inode)
        );
        let mut client = Client::sockets().unwrap();
        assert!(ports(&mut client, SocketType::Tcp).unwrap().contains(&local.port()));
    }

    #[test]
    fn a_wildcard_answers_for_both_families() {
        let Ok(socket) = UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0)) else {
            eprintln!("skipped: no IPv6 here");
            return;
        };
        let found = find(SocketType::Udp, socket.local_addr().unwrap());
        assert!(found.iter().any(|f| f.answers(Ipv4Addr::LOCALHOST.into())));
        assert!(found.iter().any(|f| f.answers(Ipv6Addr::LOCALHOST.into())));
    }

    proptest! {
        #[test]
        fn any_answer_is_survived(mut message in prop::collection::vec(any::<u8>(), 0..160), family in prop::sample::select(vec![2u8, 10, 1])) {
            if let Some(first) = message.first_mut() {
                *first = family;
            }
            if let Some(found) = parse(&message) {
                prop_assert!(message.len() >= 72);
                found.answers(found.socket.local.ip());
            }
        }
    }
}
