//! Routes and neighbours, by `rtnetlink(7)`.

use crate::fact::inet::{Neighbour, Route};
use crate::fact::{Seen, Unseen};
use crate::observe::netlink::wire::request_attribute;
use crate::observe::netlink::{Attributes, Client, Trouble, field};
use rustix::io::Errno;
use std::net::IpAddr;

/// `RTM_GETROUTE`
const GET_ROUTE: u16 = 26;
/// `RTM_GETNEIGH`
const GET_NEIGHBOUR: u16 = 30;

/// A route, and the number of its device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Way {
    pub route: Route,
    pub device: u32,
}

/// `AF_INET`, `AF_INET6`
fn family(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => libc::AF_INET as u8,
        IpAddr::V6(_) => libc::AF_INET6 as u8,
    }
}

fn bytes(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

/// The route that the kernel picks for an address.
pub(super) fn to(client: &mut Client, address: IpAddr) -> Result<Way, Unseen> {
    // struct rtmsg: family, destination length in bits, and ten bytes that may be 0.
    let destination = bytes(address);
    let mut body = vec![family(address), destination.len() as u8 * 8];
    body.resize(12, 0);
    request_attribute(&mut body, 1, &destination);
    let mut answer = None;
    let asked = client.get(GET_ROUTE, &body, |_, message| answer = parse(message));
    let refused = |route| Ok(Way { route, device: 0 });
    let parsed = match (asked, answer) {
        (Ok(()), Some(parsed)) => parsed,
        (Ok(()), None) => {
            let error = "the kernel's answer about the route makes no sense".into();
            return Err(Unseen::Failed { error });
        }
        (Err(Trouble::Errno(Errno::NETUNREACH | Errno::AFNOSUPPORT)), _) => {
            return refused(Route::None);
        }
        (Err(Trouble::Errno(Errno::HOSTUNREACH)), _) => return refused(Route::Unreachable),
        (Err(Trouble::Errno(Errno::ACCESS)), _) => return refused(Route::Prohibited),
        (Err(Trouble::Errno(Errno::INVAL)), _) => return refused(Route::Blackhole),
        (Err(trouble), _) => return Err(super::sockets::unseen(trouble)),
    };
    let route = match (parsed.kind, parsed.error) {
        (_, Some(libc::ENETUNREACH)) => Route::None,
        (2, _) => Route::Local,
        (3, _) => Route::Broadcast,
        (5, _) => Route::Multicast,
        (6, _) => Route::Blackhole,
        (7, _) => Route::Unreachable,
        (8, _) => Route::Prohibited,
        _ => Route::Unicast { device: client.device(parsed.device), gateway: parsed.gateway },
    };
    Ok(Way { route, device: parsed.device })
}

/// An answer about a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Answer {
    /// `rtm_type`
    kind: u8,
    device: u32,
    gateway: Option<IpAddr>,
    /// The errno of a route that says no (IPv6 answers so; IPv4 fails).
    error: Option<i32>,
}

fn parse(message: &[u8]) -> Option<Answer> {
    let mut answer = Answer { kind: *message.get(7)?, device: 0, gateway: None, error: None };
    for (number, value) in Attributes(message.get(12..)?) {
        match number {
            // RTA_OIF
            4 => answer.device = field(value, 0).map_or(0, u32::from_ne_bytes),
            // RTA_GATEWAY
            5 => answer.gateway = address(value),
            // RTA_VIA: a gateway of another family, after its family.
            18 => answer.gateway = value.get(2..).and_then(address),
            // RTA_CACHEINFO
            12 => {
                let number = field(value, 12).map_or(0, i32::from_ne_bytes);
                answer.error = number.checked_neg().filter(|n| *n > 0);
            }
            _ => {}
        }
    }
    Some(answer)
}

fn address(value: &[u8]) -> Option<IpAddr> {
    match value.len() {
        4 => Some(IpAddr::from(field::<4>(value, 0)?)),
        16 => Some(IpAddr::from(field::<16>(value, 0)?)),
        _ => None,
    }
}

/// The state of the neighbour entry of an address on a device.
pub(super) fn neighbour(client: &mut Client, address: IpAddr, device: u32) -> Seen<Neighbour> {
    // struct ndmsg: family, three bytes of padding, the device, state, flags, type.
    let mut body = vec![family(address), 0, 0, 0];
    body.extend_from_slice(&device.to_ne_bytes());
    body.resize(12, 0);
    request_attribute(&mut body, 1, &bytes(address));
    let mut state = None;
    let take = |_, message: &[u8]| state = field(message, 8).map(u16::from_ne_bytes);
    match client.get(GET_NEIGHBOUR, &body, take) {
        Ok(()) => Seen::Known(state.map_or(Neighbour::None, neighbour_state)),
        Err(Trouble::Errno(Errno::NOENT)) => Seen::Known(Neighbour::None),
        Err(trouble) => Seen::Unseen(super::sockets::unseen(trouble)),
    }
}

/// `NUD_*`
fn neighbour_state(bits: u16) -> Neighbour {
    const INCOMPLETE: u16 = 0x01;
    const PROBE: u16 = 0x10;
    const FAILED: u16 = 0x20;
    match bits {
        0 => Neighbour::None,
        b if b & FAILED != 0 => Neighbour::Failed,
        b if b & (INCOMPLETE | PROBE) != 0 => Neighbour::Incomplete,
        _ => Neighbour::Reachable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::net::{Ipv4Addr, Ipv6Addr};

    #[test]
    fn this_machine_is_reached_locally() {
        let mut client = Client::routes().unwrap();
        let way = to(&mut client, Ipv4Addr::LOCALHOST.into()).unwrap();
        assert_eq!(way.route, Route::Local);
    }

    #[test]
    fn an_answer_is_read() {
        let mut message = vec![2, 32, 0, 0, 254, 0, 0, 1, 0, 0, 0, 0];
        request_attribute(&mut message, 4, &7u32.to_ne_bytes());
        request_attribute(&mut message, 5, &[192, 0, 2, 1]);
        let answer = parse(&message).unwrap();
        assert_eq!((answer.kind, answer.device), (1, 7));
        assert_eq!(answer.gateway, Some(Ipv4Addr::new(192, 0, 2, 1).into()));
        let mut message = vec![10, 128, 0, 0, 254, 0, 0, 7, 0, 0, 0, 0];
        let mut info = vec![0; 12];
        info.extend_from_slice(&(-libc::ENETUNREACH).to_ne_bytes());
        request_attribute(&mut message, 12, &info);
        request_attribute(
            &mut message,
            18,
            &[&[10, 0][..], &Ipv6Addr::LOCALHOST.octets()].concat(),
        );
        let answer = parse(&message).unwrap();
        assert_eq!(answer.error, Some(libc::ENETUNREACH));
        assert_eq!(answer.gateway, Some(Ipv6Addr::LOCALHOST.into()));
    }

    #[test]
    fn neighbour_states_are_grouped() {
        assert_eq!(neighbour_state(0), Neighbour::None);
        assert_eq!(neighbour_state(0x02), Neighbour::Reachable);
        assert_eq!(neighbour_state(0x20), Neighbour::Failed);
        assert_eq!(neighbour_state(0x01), Neighbour::Incomplete);
    }

    proptest! {
        #[test]
        fn any_answer_is_survived(message in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Some(answer) = parse(&message) {
                prop_assert!(answer.error.is_none_or(|e| e > 0));
            }
        }
    }
}
