//! What an internet address leads to: its route, its neighbour, and the sockets at its port.

mod route;
mod sockets;

use super::netlink::Client;
use super::tables::mark;
use super::{netns, owners, system};
use crate::SocketType;
use crate::fact::inet::{InetSocket, InetTarget, Neighbour, Route};
use crate::fact::{Seen, Unseen};
use crate::sys::errno::io_told;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, ToSocketAddrs};
use std::sync::mpsc;
use std::time::Duration;

/// How long a name server may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// The most sockets at a port that are reported.
const MOST: usize = 64;

/// Gathers what there is to know about an address, in the network namespace of a process; `None`:
/// of the thread that asks.
pub(super) fn target(transport: SocketType, host: &str, port: u16, pid: Option<u32>) -> InetTarget {
    let elsewhere = pid.filter(|pid| mark(&pid.to_string()) != mark("thread-self"));
    let given = host.to_string();
    let mut target = match elsewhere {
        None => look(transport, given, port),
        Some(pid) => {
            let inside = netns::of_process(pid)
                .and_then(|ns| netns::within(ns, move || Ok(look(transport, given, port))));
            inside.unwrap_or_else(|errno| outside(host, port, &errno.into()))
        }
    };
    let lists = [&mut target.listeners, &mut target.in_use_by];
    let sockets = lists.into_iter().filter_map(|list| match list {
        Seen::Known(sockets) => Some(sockets.iter_mut().take(MOST)),
        Seen::Unseen(_) => None,
    });
    owners::fill(sockets.flatten().map(|socket| owners::Wanted {
        inode: socket.inode,
        waiting: socket.backlog.is_some_and(|b| b.pending > 0),
        owners: &mut socket.owners,
        all: None,
    }));
    target
}

/// Nothing is known of a network namespace that cannot be entered.
fn outside(host: &str, port: u16, error: &std::io::Error) -> InetTarget {
    let why = || super::unseen(error, "CAP_SYS_ADMIN, to enter the network namespace");
    InetTarget {
        host: host.into(),
        port,
        addresses: Seen::Unseen(why()),
        route: Seen::Unseen(why()),
        listeners: Seen::Unseen(why()),
        neighbour: Seen::Unseen(why()),
        port_range: Seen::Unseen(why()),
        ports_used: Seen::Unseen(why()),
        is_local: Seen::Unseen(why()),
        in_use_by: Seen::Unseen(why()),
        nonlocal_bind: Seen::Unseen(why()),
        unprivileged_from: Seen::Unseen(why()),
    }
}

/// Looks at the namespace of this thread.
fn look(transport: SocketType, host: String, port: u16) -> InetTarget {
    // What is spelt as IPv6 but is IPv4 (`::ffff:192.0.2.1`) takes the ways of IPv4.
    let canonical = |all: Vec<IpAddr>| all.iter().map(IpAddr::to_canonical).collect();
    let addresses: Seen<Vec<_>> = resolve(&host, port).map(canonical);
    let mut target = InetTarget { host, port, ..InetTarget::default() };
    let first = addresses.known().and_then(|a| a.first().copied());
    if let Some(first) = first {
        look_at_route(&mut target, first);
    }
    let wanted: Vec<_> = addresses.known().into_iter().flatten().map(|a| reached(*a)).collect();
    target.port_range = port_range();
    target.nonlocal_bind = system::setting::<u32>(match first {
        Some(IpAddr::V6(_)) => "net/ipv6/ip_nonlocal_bind",
        _ => "net/ipv4/ip_nonlocal_bind",
    })
    .map(|switch| switch != 0);
    target.unprivileged_from = system::setting("net/ipv4/ip_unprivileged_port_start");
    look_at_sockets(&mut target, transport, &wanted);
    target.addresses = addresses;
    target
}

/// Where a packet to an address goes: `::` stands for this machine, as `0.0.0.0` does.
fn reached(to: IpAddr) -> IpAddr {
    if to == IpAddr::V6(Ipv6Addr::UNSPECIFIED) { Ipv6Addr::LOCALHOST.into() } else { to }
}

fn look_at_route(target: &mut InetTarget, to: IpAddr) {
    let mut client = match Client::routes() {
        Ok(client) => client,
        Err(errno) => {
            target.route = Seen::Unseen(super::unseen(&errno.into(), "a NETLINK_ROUTE socket"));
            return;
        }
    };
    let way = match route::to(&mut client, reached(to)) {
        Ok(way) => way,
        Err(why) => {
            target.route = Seen::Unseen(why);
            return;
        }
    };
    let local = way.route == Route::Local || to.is_unspecified();
    target.is_local = if local || to.is_ipv6() || has_local_table(&mut client) {
        Seen::Known(local)
    } else {
        Seen::Unseen(Unseen::Absent { what: "a table of the addresses of this machine" })
    };
    target.neighbour = match &way.route {
        Route::Unicast { gateway, .. } => {
            route::neighbour(&mut client, gateway.unwrap_or(to), way.device)
        }
        _ => Seen::Known(Neighbour::None),
    };
    target.route = Seen::Known(way.route);
}

/// Whether the kernel has a table of the machine's own addresses. In a network namespace in which
/// no interface was ever brought up it has none, and then it takes any address for one of its own.
fn has_local_table(client: &mut Client) -> bool {
    route::to(client, Ipv4Addr::LOCALHOST.into()).is_ok_and(|way| way.route == Route::Local)
}

fn look_at_sockets(target: &mut InetTarget, transport: SocketType, addresses: &[IpAddr]) {
    let found = Client::sockets().map_err(Into::into).and_then(|mut client| {
        let at_port = sockets::at_port(&mut client, transport, target.port)?;
        let ports = sockets::ports(&mut client, transport)?;
        Ok((at_port, ports))
    });
    let (at_port, ports) = match found {
        Ok(found) => found,
        Err(trouble) => {
            let why = sockets::unseen(trouble);
            target.listeners = Seen::Unseen(why.clone());
            target.in_use_by = Seen::Unseen(why.clone());
            target.ports_used = Seen::Unseen(why);
            return;
        }
    };
    let serves = |socket: &&sockets::Found| {
        let receives = socket.socket.listening || transport == SocketType::Udp;
        receives && addresses.iter().any(|address| socket.answers(*address))
    };
    let facts = |found: Vec<&sockets::Found>| -> Vec<InetSocket> {
        found.into_iter().take(MOST).map(|f| f.socket.clone()).collect()
    };
    target.listeners = Seen::Known(facts(at_port.iter().filter(serves).collect()));
    target.in_use_by = Seen::Known(facts(at_port.iter().collect()));
    target.ports_used = match &target.port_range {
        Seen::Known((low, high)) => {
            let range = *low..=*high;
            Seen::Known(ports.iter().filter(|port| range.contains(port)).count() as u32)
        }
        Seen::Unseen(why) => Seen::Unseen(why.clone()),
    };
}

/// `net.ipv4.ip_local_port_range`, which serves IPv6 too.
fn port_range() -> Seen<(u16, u16)> {
    let text: Seen<String> = system::setting("net/ipv4/ip_local_port_range");
    let Seen::Known(text) = text else {
        return text.map(|_| (0, 0));
    };
    let mut numbers = text.split_whitespace().map(str::parse);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(low)), Some(Ok(high))) => Seen::Known((low, high)),
        _ => Seen::Unseen(Unseen::Failed { error: format!("{text:?} is no range of ports") }),
    }
}

/// The addresses of a host. A name server that does not answer is not waited for.
fn resolve(host: &str, port: u16) -> Seen<Vec<IpAddr>> {
    if host.is_empty() {
        return Seen::Known(vec![Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()]);
    }
    if let Ok(address) = host.parse() {
        return Seen::Known(vec![address]);
    }
    let (sender, receiver) = mpsc::channel();
    let name = host.to_string();
    let thread = std::thread::Builder::new().name("sunpath-resolve".into()).spawn(move || {
        let found = (name.as_str(), port).to_socket_addrs();
        // Nobody listens any more if it took too long.
        let _ = sender.send(found.map(|all| all.map(|a| a.ip()).collect::<Vec<_>>()));
    });
    if let Err(error) = thread {
        return Seen::Unseen(Unseen::Failed { error: io_told(&error) });
    }
    match receiver.recv_timeout(PATIENCE) {
        Ok(Ok(mut addresses)) => {
            let mut seen = Vec::new();
            addresses.retain(|a| {
                !seen.contains(a) && {
                    seen.push(*a);
                    true
                }
            });
            Seen::Known(addresses)
        }
        Ok(Err(error)) => Seen::Unseen(Unseen::Failed { error: io_told(&error) }),
        Err(_) => Seen::Unseen(Unseen::Failed { error: "no answer within two seconds".into() }),
    }
}
