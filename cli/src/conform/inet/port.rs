//! Ports: none left, taken, or privileged.

use super::{connect, endpoint, listener, network, tcp, udp};
use crate::conform::{Look, Make, Need, Observed, Recipe, Scene, failed};
use crate::stage::place::own_network;
use crate::stage::{NOBODY, Stage, Step, Trouble};
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use sunpath::sys::name::Name;
use sunpath::sys::socket;
use sunpath::{Call, SocketType};

/// The recipes of this file.
pub const RECIPES: &[Recipe] = &[
    Recipe { id: "connect/no-free-port", needs: &[Need::Root], make: Make::Direct(no_free_port) },
    Recipe {
        id: "connect/no-free-port-datagram",
        needs: &[Need::Root],
        make: Make::Direct(no_free_port_datagram),
    },
    Recipe { id: "bind/privileged-port", needs: &[Need::Root], make: Make::Scene(privileged_port) },
    Recipe { id: "bind/port-in-use", needs: &[Need::Loopback], make: Make::Scene(port_in_use) },
];

/// How many ports [`narrow`] leaves.
const PORTS: usize = 4;

/// Leaves few ports for outgoing connections. The setting is the network namespace's own.
fn narrow() -> Result<(), Trouble> {
    fs::write("/proc/sys/net/ipv4/ip_local_port_range", "40000 40003")
        .if_possible("narrow the range")
}

fn no_free_port(stage: &mut Stage) -> Result<Observed, Trouble> {
    own_network()?;
    let (server, at) = listener(64)?;
    stage.keep(server);
    narrow()?;
    for _ in 0..PORTS {
        let fd = tcp()?;
        connect(&fd, at)?;
        stage.keep(fd);
    }
    let fd = tcp()?;
    let symptom = failed(socket::connect(&fd, &Name::internet(&at)));
    let look = Look::new(Call::Connect, SocketType::Tcp).descriptor(&fd);
    Observed::of(look.endpoint(endpoint(SocketType::Tcp, at)), symptom)
}

fn no_free_port_datagram(stage: &mut Stage) -> Result<Observed, Trouble> {
    own_network()?;
    narrow()?;
    let at = SocketAddr::from((Ipv4Addr::LOCALHOST, 9));
    for _ in 0..PORTS {
        let fd = udp()?;
        connect(&fd, at)?;
        stage.keep(fd);
    }
    let fd = udp()?;
    let symptom = failed(socket::connect(&fd, &Name::internet(&at)));
    let look = Look::new(Call::Connect, SocketType::Udp).descriptor(&fd);
    Observed::of(look.endpoint(endpoint(SocketType::Udp, at)), symptom)
}

fn privileged_port(_: &mut Stage) -> Result<Scene, Trouble> {
    own_network()?;
    let at = SocketAddr::from((Ipv4Addr::LOCALHOST, 80));
    let scene = Scene::bind(endpoint(SocketType::Tcp, at)).socket(SocketType::Tcp);
    Ok(scene.by(NOBODY))
}

fn port_in_use(stage: &mut Stage) -> Result<Scene, Trouble> {
    network()?;
    let (server, at) = listener(1)?;
    stage.keep(server);
    Ok(Scene::bind(endpoint(SocketType::Tcp, at)).socket(SocketType::Tcp))
}
