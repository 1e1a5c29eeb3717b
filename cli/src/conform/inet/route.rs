//! No way to the address.

use crate::conform::{Make, Need, Recipe, Scene};
use crate::stage::place::{own_network, run};
use crate::stage::{Stage, Trouble};
use std::ffi::OsStr;
use std::net::{Ipv4Addr, SocketAddr};
use sunpath::SocketType;

/// What it takes to change the routes of a network namespace.
const ROUTES: &[Need] = &[Need::Root, Need::Tool("ip")];

/// The recipes of this file.
pub const RECIPES: &[Recipe] = &[
    Recipe {
        id: "connect/network-unreachable",
        needs: &[Need::Root],
        make: Make::Scene(network_unreachable),
    },
    Recipe { id: "connect/host-unreachable", needs: ROUTES, make: Make::Scene(host_unreachable) },
    Recipe { id: "connect/route-prohibited", needs: ROUTES, make: Make::Scene(prohibited) },
    Recipe { id: "connect/route-blackhole", needs: ROUTES, make: Make::Scene(blackhole) },
    Recipe {
        id: "connect/broadcast-not-allowed",
        needs: &[Need::Loopback],
        make: Make::Scene(broadcast),
    },
];

/// Other ways to come by these causes.
pub const EXTRAS: &[Recipe] = &[
    Recipe {
        id: "connect/host-unreachable/no-neighbour",
        needs: ROUTES,
        make: Make::Scene(no_neighbour),
    },
    Recipe {
        id: "connect/network-unreachable/broadcast",
        needs: &[Need::Loopback],
        make: Make::Scene(tcp_to_broadcast),
    },
];

/// Runs `ip` with these words.
pub(super) fn ip(words: &str) -> Result<(), Trouble> {
    let words: Vec<_> = words.split(' ').map(OsStr::new).collect();
    run("ip", &words)
}

/// A client of TCP to an address for documents (RFC 5737), which no network has.
fn to(address: [u8; 4]) -> Scene {
    let at = SocketAddr::from((address, 80));
    Scene::connect(super::endpoint(SocketType::Tcp, at)).socket(SocketType::Tcp)
}

fn network_unreachable(_: &mut Stage) -> Result<Scene, Trouble> {
    own_network()?;
    Ok(to([192, 0, 2, 1]))
}

/// A network with a route of this type.
fn by_route(kind: &str) -> Result<Scene, Trouble> {
    own_network()?;
    ip(&format!("route add {kind} 198.51.100.0/24"))?;
    Ok(to([198, 51, 100, 1]))
}

fn host_unreachable(_: &mut Stage) -> Result<Scene, Trouble> {
    by_route("unreachable")
}

fn prohibited(_: &mut Stage) -> Result<Scene, Trouble> {
    by_route("prohibit")
}

fn blackhole(_: &mut Stage) -> Result<Scene, Trouble> {
    by_route("blackhole")
}

/// A network on which nobody answers: the other end of the cable is not configured.
fn no_neighbour(_: &mut Stage) -> Result<Scene, Trouble> {
    own_network()?;
    ip("link add near type veth peer name far")?;
    ip("addr add 192.0.2.1/24 dev near")?;
    ip("link set near up")?;
    ip("link set far up")?;
    Ok(to([192, 0, 2, 77]).hidden("nobody has asked the neighbour yet"))
}

fn broadcast(_: &mut Stage) -> Result<Scene, Trouble> {
    super::network()?;
    let at = SocketAddr::from((Ipv4Addr::new(127, 255, 255, 255), 9));
    Ok(Scene::connect(super::endpoint(SocketType::Udp, at)).socket(SocketType::Udp))
}

fn tcp_to_broadcast(_: &mut Stage) -> Result<Scene, Trouble> {
    super::network()?;
    Ok(to([127, 255, 255, 255]))
}
