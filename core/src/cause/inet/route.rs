//! No way to the address: what the routing table, or a router, says.

use super::{by_symptom, first_address, host, shown};
use crate::case::{Case, Finding};
use crate::cause::build::*;
use crate::cause::{Cause, Class, Document, Evidence, Provoke};
use crate::fact::InetTarget;
use crate::fact::inet::{Neighbour, Route};
use crate::{Call, Errno, SocketType, Sockets};
use alloc::format;
use alloc::string::{String, ToString};

/// The entries of this file.
pub(in crate::cause) const CAUSES: &[Cause] = &[
    Cause {
        id: "connect/network-unreachable",
        calls: &[at(Call::Connect, 42), at(Call::Send, 42)],
        sockets: Sockets::INET,
        shows: &[
            fails(LINUX, Errno::ENETUNREACH, Evidence::Measured),
            fails(FREEBSD, Errno::ENETUNREACH, Evidence::Manual),
            fails(MACOS, Errno::ENETUNREACH, Evidence::Manual),
            fails(OPENSERVER, Errno::ENETUNREACH, Evidence::Inferred),
        ],
        title: "no route leads to the address",
        happened: "The routing table has no entry for the address; or TCP was asked to reach a \
                   broadcast or multicast address; or a router on the way knows no further.",
        why: "Without a route the kernel does not know out of which interface to send. A network \
              namespace starts without any route, the one to 127.0.0.1 included.",
        fix: "Bring the interface up and add the route, or use an address that has one. In a new \
              network namespace, bring up lo first.",
        commands: &["ip route get {address}", "ip route show", "ip link show"],
        differs: None,
        documents: &[Document::BsdConnect2, Document::Posix("connect"), Document::Man("ip(7)")],
        class: Class::UpFront,
        test: network_unreachable,
        confusable: &[],
        provoke: Provoke::Live("connect to 192.0.2.1 in a network namespace without routes"),
    },
    Cause {
        id: "connect/host-unreachable",
        calls: &[at(Call::Connect, 43), at(Call::Send, 43), at(Call::Recv, 43)],
        sockets: Sockets::INET,
        shows: &[
            fails(LINUX, Errno::EHOSTUNREACH, Evidence::Measured),
            fails(FREEBSD, Errno::EHOSTUNREACH, Evidence::Manual),
            fails(MACOS, Errno::EHOSTUNREACH, Evidence::Manual),
            fails(OPENSERVER, Errno::EHOSTUNREACH, Evidence::Inferred),
        ],
        title: "there is a route, but the host cannot be reached by it",
        happened: "The next hop does not answer when asked for its link address; or the routing \
                   table holds an unreachable route for the address; or a router or firewall on \
                   the way says that it cannot, or may not, deliver.",
        why: "On a local network every packet needs the link address of its next hop. The kernel \
              asks for it three times, a second apart, and gives up after about three seconds. \
              The other two cases fail at once.",
        fix: "Check that the host is switched on, is on this network and has this address; look for \
              an unreachable route and for a firewall that rejects.",
        commands: &["ip route get {address}", "ip neigh show to {address}"],
        differs: None,
        documents: &[Document::BsdConnect2, Document::Posix("connect"), Document::Man("arp(7)")],
        class: Class::Waiting,
        test: host_unreachable,
        confusable: &[],
        provoke: Provoke::Live(
            "add an unreachable route in a network namespace and connect by it; and connect over \
             an interface on which nobody answers ARP",
        ),
    },
    Cause {
        id: "connect/route-prohibited",
        calls: &[at(Call::Connect, 44), at(Call::Send, 44)],
        sockets: Sockets::INET,
        shows: &[
            fails(LINUX, Errno::EACCES, Evidence::Measured),
            never(NOT_LINUX, Evidence::Inferred),
        ],
        title: "the routing table prohibits the address",
        happened: "A route or a routing rule of type prohibit covers the address.",
        why: "An administrator can forbid destinations without a firewall. The kernel answers as \
              if a router had said that communication is administratively prohibited.",
        fix: "Find the route or rule and remove it, or use an address that is allowed.",
        commands: &["ip route show type prohibit", "ip rule show"],
        differs: Some("connect(2) knows this error on internet sockets for broadcasts only."),
        documents: &[Document::Man("ip-route(8)"), Document::Source("net/ipv4/fib_semantics.c")],
        class: Class::UpFront,
        test: prohibited,
        confusable: &[],
        provoke: Provoke::Live("add a prohibit route in a network namespace and connect by it"),
    },
    Cause {
        id: "connect/route-blackhole",
        calls: &[at(Call::Connect, 45), at(Call::Send, 45)],
        sockets: Sockets::INET,
        shows: &[
            fails(LINUX, Errno::EINVAL, Evidence::Measured),
            never(NOT_LINUX, Evidence::Inferred),
        ],
        title: "the routing table swallows the address",
        happened: "A route or a routing rule of type blackhole covers the address.",
        why: "A blackhole drops what is forwarded without a word. What this machine itself sends \
              is refused, with an error that looks like a mistake in the arguments.",
        fix: "Find the route or rule and remove it, or use an address that is not covered.",
        commands: &["ip route show type blackhole", "ip rule show"],
        differs: Some("connect(2) gives bad arguments as the only reason for this error."),
        documents: &[Document::Man("ip-route(8)"), Document::Source("net/ipv4/fib_semantics.c")],
        class: Class::UpFront,
        test: blackhole,
        confusable: &[],
        provoke: Provoke::Live("add a blackhole route in a network namespace and connect by it"),
    },
    Cause {
        id: "connect/broadcast-not-allowed",
        calls: &[at(Call::Connect, 48), at(Call::Send, 48)],
        sockets: Sockets::UDP,
        shows: &[
            fails(LINUX, Errno::EACCES, Evidence::Measured),
            fails(FREEBSD, Errno::EACCES, Evidence::Manual),
            fails(MACOS, Errno::EACCES, Evidence::Manual),
            fails(OPENSERVER, Errno::EACCES, Evidence::Inferred),
        ],
        title: "the address is a broadcast, and the socket may not broadcast",
        happened: "A datagram socket without SO_BROADCAST was to reach a broadcast address: \
                   255.255.255.255, or the last address of a local network.",
        why: "A broadcast reaches every machine of a network, so a program must say that it means \
              to. The address 255.255.255.255 is also what inet_addr returns for text that it \
              cannot read (INADDR_NONE).",
        fix: "Set SO_BROADCAST if a broadcast is meant. Otherwise check how the address was read: \
              use inet_pton, which reports bad text.",
        commands: &["ip route get {address}"],
        differs: Some(
            "BSD connect(2) does not say that this concerns datagrams: TCP gets ENETUNREACH, and \
             so does a datagram socket if no route covers the address.",
        ),
        documents: &[Document::BsdConnect2, Document::Man("ip(7)")],
        class: Class::UpFront,
        test: broadcast,
        confusable: &[],
        provoke: Provoke::Live("connect a UDP socket to 127.255.255.255 without SO_BROADCAST"),
    },
];

/// The address that this call uses. A connected TCP socket has left routes behind.
fn target<'a>(case: &'a Case<'_>) -> Option<&'a InetTarget> {
    let uses = case.call == Call::Connect || case.socket == SocketType::Udp;
    case.facts.inet().filter(|_| uses)
}

/// A finding that the route decides: `Holds` if it is this one.
fn by_route(case: &Case<'_>, refusal: Route, words: &str) -> Finding {
    let Some(target) = target(case) else { return Finding::Excluded };
    match target.route.known() {
        Some(route) if *route == refusal => shown(target, format!("{words} {}", host(target))),
        Some(_) => Finding::Excluded,
        None if case.symptom.is_some() => Finding::Unseen(ROUTE),
        // One entry that says so is enough for a prediction.
        None => Finding::Excluded,
    }
}

const ROUTE: &str = "the route to the address";

fn network_unreachable(case: &Case<'_>) -> Finding {
    let Some(target) = target(case) else {
        return by_symptom(case, "only a missing route leads to this error");
    };
    if target.is_unresolved() {
        return Finding::Unseen("the address that the host's name stands for");
    }
    let Some(route) = target.route.known() else { return Finding::Unseen(ROUTE) };
    let tcp = case.socket == SocketType::Tcp;
    match route {
        Route::None => no_route(case, target),
        Route::Broadcast | Route::Multicast if tcp => {
            shown(target, format!("{} is not one host's: TCP cannot reach it", host(target)))
        }
        _ if case.symptom.is_some() => Finding::Suggests(format!(
            "there is a route to {} now: it was added since, or a router on the way has none",
            host(target)
        )),
        _ => Finding::Excluded,
    }
}

fn no_route(case: &Case<'_>, target: &InetTarget) -> Finding {
    let because = format!("the routing table has no route to {}", host(target));
    let v6 = first_address(target).is_some_and(|a| a.is_ipv6());
    if case.symptom.is_none() && v6 {
        let doubt =
            "; without any IPv6 address of its own, the machine gives EADDRNOTAVAIL instead";
        return Finding::Suggests(because + doubt);
    }
    shown(target, because)
}

fn host_unreachable(case: &Case<'_>) -> Finding {
    let answered = "a router or the next hop said so, or did not answer";
    let Some(target) = target(case) else { return by_symptom(case, answered) };
    match target.route.known() {
        Some(Route::Unreachable) => {
            shown(target, format!("an unreachable route covers {}", host(target)))
        }
        Some(Route::Unicast { device, gateway }) => {
            let hop = gateway.map_or_else(|| host(target), |g| g.to_string());
            by_neighbour(case, target, &hop, device)
        }
        Some(_) if case.symptom.is_some() => {
            Finding::Suggests(String::from("the route has changed since"))
        }
        Some(_) => Finding::Excluded,
        None if case.symptom.is_some() => by_symptom(case, answered),
        None => Finding::Excluded,
    }
}

fn by_neighbour(case: &Case<'_>, target: &InetTarget, hop: &str, device: &str) -> Finding {
    let symptom = case.symptom.is_some();
    match target.neighbour.known() {
        Some(Neighbour::Failed) if symptom => {
            shown(target, format!("{hop} does not answer for its link address on {device}"))
        }
        Some(Neighbour::Failed) => Finding::Suggests(format!(
            "{hop} did not answer for its link address on {device} when last asked"
        )),
        _ if symptom => Finding::Holds(String::from(
            "a route leads out of this machine: the next hop did not answer, or a router said so",
        )),
        _ => Finding::Excluded,
    }
}

fn prohibited(case: &Case<'_>) -> Finding {
    by_route(case, Route::Prohibited, "a prohibit route or rule covers")
}

fn blackhole(case: &Case<'_>) -> Finding {
    by_route(case, Route::Blackhole, "a blackhole route or rule covers")
}

fn broadcast(case: &Case<'_>) -> Finding {
    if case.facts.own().is_some_and(|own| own.options.broadcast) {
        return Finding::Excluded;
    }
    by_route(case, Route::Broadcast, "without SO_BROADCAST, no datagram may go to the broadcast")
}
