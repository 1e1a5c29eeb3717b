//! Internet addresses that cannot be used: their bytes, or this machine's lack of them.

use super::{first_address, host, port, shown};
use crate::case::{Case, Finding};
use crate::cause::build::*;
use crate::cause::{Cause, Class, Document, Evidence, Provoke};
use crate::fact::InetTarget;
use crate::fact::arguments::{AddressArgument, Family};
use crate::fact::inet::Route;
use crate::{Call, Errno, SocketType, Sockets};
use alloc::format;
use alloc::string::ToString;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The entries of this file.
pub(in crate::cause) const CAUSES: &[Cause] = &[
    Cause {
        id: "connect/bad-address-length-inet",
        calls: &[at(Call::Connect, 30), at(Call::Bind, 30), at(Call::Send, 30)],
        sockets: Sockets::INET,
        shows: &[
            fails(LINUX, Errno::EINVAL, Evidence::Measured),
            fails(FREEBSD, Errno::EINVAL, Evidence::Manual),
            fails(MACOS, Errno::EINVAL, Evidence::Manual),
            fails(OPENSERVER, Errno::EINVAL, Evidence::Inferred),
        ],
        title: "the length is not that of an internet address",
        happened: "The length that was passed with the address is too short for its family, or \
                   longer than any address.",
        why: "The kernel copies as many bytes as it is told. An IPv4 address takes 16; an IPv6 \
              address takes 28, of which Linux insists on 24. More than 128 is refused for every \
              family.",
        fix: "Pass the size of the structure that was filled: sizeof(struct sockaddr_in) or \
              sizeof(struct sockaddr_in6), not that of a pointer or of struct sockaddr.",
        commands: &[],
        differs: None,
        documents: &[Document::BsdConnect2, Document::Posix("connect"), Document::Man("ip(7)")],
        class: Class::UpFront,
        test: bad_length,
        confusable: &[],
        provoke: Provoke::Live("connect a TCP socket with a length of 15"),
    },
    Cause {
        id: "connect/family-mismatch-inet",
        calls: &[at(Call::Connect, 31), at(Call::Bind, 31), at(Call::Send, 31)],
        sockets: Sockets::INET,
        shows: &[
            fails(LINUX, Errno::EAFNOSUPPORT, Evidence::Measured),
            fails(FREEBSD, Errno::EAFNOSUPPORT, Evidence::Manual),
            fails(MACOS, Errno::EAFNOSUPPORT, Evidence::Manual),
            fails(OPENSERVER, Errno::EAFNOSUPPORT, Evidence::Manual),
        ],
        title: "the address is of a family that this internet socket does not take",
        happened: "The family field of the address does not fit the socket: an IPv6 address on an \
                   IPv4 socket, an IPv4 address on an IPv6 one, or something else altogether.",
        why: "A socket speaks one family for its life. An IPv6 socket reaches IPv4 hosts too, but \
              only by addresses written as ::ffff:a.b.c.d.",
        fix: "Make the socket after the name was resolved, of the family that the address has.",
        commands: &["getent ahosts {host}"],
        differs: Some(
            "On a UNIX domain socket Linux answers EINVAL to an address of another family. A UDP \
             socket of IPv6 takes a plain IPv4 address on Linux, where TCP refuses it.",
        ),
        documents: &[Document::OpenServer, Document::BsdConnect2, Document::Posix("connect")],
        class: Class::UpFront,
        test: family_mismatch,
        confusable: &[],
        provoke: Provoke::Live("connect a TCP socket to an address whose family is AF_UNIX"),
    },
    Cause {
        id: "connect/incomplete-address-inet",
        calls: &[at(Call::Connect, 39), at(Call::Send, 39), at(Call::Bind, 39)],
        sockets: Sockets::INET,
        shows: &[
            fails(LINUX, Errno::EINVAL, Evidence::Measured),
            fails(NOT_LINUX, Errno::EADDRNOTAVAIL, Evidence::Inferred),
        ],
        title: "the internet address lacks a part, or is of a kind that the call does not take",
        happened: "connect went to a link-local IPv6 address (fe80::...), or bind asked for one, \
                   without saying on which interface; a TCP socket was to be bound to an IPv6 \
                   multicast group; or a datagram was sent to port 0.",
        why: "Every interface has the same link-local network, so such an address means nothing \
              without its interface, the scope. Port 0 stands for any port when binding, and for \
              none as a destination.",
        fix: "Write the interface behind the address, as in fe80::1%eth0, and fill sin6_scope_id; \
              look where the port got lost.",
        commands: &["ip -6 neigh show to {address}", "ip link show"],
        differs: Some(
            "BSD connect(2) gives a bad length as the only reason for this error. TCP is refused \
             (ECONNREFUSED) on port 0, and connecting a datagram socket to it is no error.",
        ),
        documents: &[Document::BsdConnect2, Document::Man("ipv6(7)"), Document::Man("udp(7)")],
        class: Class::UpFront,
        test: incomplete,
        confusable: &[],
        provoke: Provoke::Live("connect a TCP socket to fe80::1 with a scope of 0"),
    },
    Cause {
        id: "connect/address-not-available",
        calls: &[at(Call::Bind, 40), at(Call::Connect, 41), at(Call::Send, 41)],
        sockets: Sockets::INET,
        shows: &[
            fails(LINUX, Errno::EADDRNOTAVAIL, Evidence::Measured),
            fails(FREEBSD, Errno::EADDRNOTAVAIL, Evidence::Manual),
            fails(MACOS, Errno::EADDRNOTAVAIL, Evidence::Manual),
            fails(OPENSERVER, Errno::EADDRNOTAVAIL, Evidence::Inferred),
        ],
        title: "this machine does not have the address",
        happened: "bind asked for an address that no interface of this machine has; or connect \
                   went to an IPv6 address while this machine has no IPv6 address to start from.",
        why: "Every packet carries an address of the machine that sent it. A container or network \
              namespace has its own addresses, and IPv6 is often switched off in it, which takes \
              even ::1 away.",
        fix: "Bind to an address that the machine has, or to 0.0.0.0 or [::] for all. If localhost \
              leads to ::1 and IPv6 is off, use 127.0.0.1.",
        commands: &["ip addr show", "ip -6 addr show dev lo"],
        differs: Some(
            "BSD connect(2) gives this error for remote addresses, too. On Linux, connecting to \
             port 0 is refused (ECONNREFUSED), and a lack of free ports has the same number; see \
             connect/no-free-port.",
        ),
        documents: &[Document::BsdConnect2, Document::Posix("bind"), Document::Man("ip(7)")],
        class: Class::UpFront,
        test: not_available,
        confusable: &["connect/no-free-port"],
        provoke: Provoke::Live("bind a TCP socket to 192.0.2.9 in an empty network namespace"),
    },
];

/// The address bytes that the call was given, if it looks at them.
fn argument<'a>(case: &'a Case<'_>) -> Option<&'a AddressArgument> {
    let ignored = case.call == Call::Send && case.socket == SocketType::Tcp;
    case.facts.arguments.address.as_ref().filter(|_| !ignored)
}

fn bad_length(case: &Case<'_>) -> Finding {
    let Some(passed) = argument(case) else {
        let unknown = case.symptom.is_some() && case.facts.inet().is_none();
        return if unknown { Finding::Unseen("the address's length") } else { Finding::Excluded };
    };
    let needed = if passed.family == Some(Family::Inet6) { 24 } else { 16 };
    if (needed..=128).contains(&passed.length) {
        return Finding::Excluded;
    }
    Finding::Holds(format!(
        "a length of {} was passed; between {needed} and 128 is needed",
        passed.length
    ))
}

fn family_mismatch(case: &Case<'_>) -> Finding {
    let Some(passed) = argument(case) else {
        let symptom = case.symptom.is_some();
        return if symptom { Finding::Unseen("the address's family") } else { Finding::Excluded };
    };
    match passed.family {
        Some(Family::Unix) => Finding::Holds("the address's family is AF_UNIX".to_string()),
        Some(Family::Other(number)) => {
            Finding::Holds(format!("the address's family is number {number}"))
        }
        Some(family) if case.symptom.is_some() => Finding::Suggests(format!(
            "the address's family is {}; whether the socket's is another was not looked at",
            if family == Family::Inet6 { "AF_INET6" } else { "AF_INET" }
        )),
        _ => Finding::Excluded,
    }
}

fn incomplete(case: &Case<'_>) -> Finding {
    let Some(target) = case.facts.inet() else { return Finding::Excluded };
    if case.call == Call::Send {
        let lost = target.port == 0 && case.socket == SocketType::Udp;
        let because = "a datagram cannot be sent to port 0".to_string();
        return if lost { Finding::Holds(because) } else { Finding::Excluded };
    }
    let Some(IpAddr::V6(address)) = first_address(target) else { return Finding::Excluded };
    let binds = case.call == Call::Bind;
    if binds && address.is_multicast() && case.socket == SocketType::Tcp {
        let because = format!("{address} is a multicast group, to which no TCP socket is bound");
        return shown(target, because);
    }
    let near = address.is_unicast_link_local() || binds && is_near_group(address);
    if !near || target.host.contains('%') || refused_port(case) {
        return Finding::Excluded;
    }
    shown(target, format!("{address} is link-local, and no interface is named"))
}

/// Whether bind refuses the port; for IPv6 it looks at the port before the address.
fn refused_port(case: &Case<'_>) -> bool {
    let finding = port::privileged_port(case);
    case.call == Call::Bind && matches!(finding, Finding::Holds(_) | Finding::Suggests(_))
}

/// Whether an address is that of a multicast group of one link or one machine.
fn is_near_group(address: Ipv6Addr) -> bool {
    address.is_multicast() && matches!(address.octets()[1] & 0xf, 1 | 2)
}

fn not_available(case: &Case<'_>) -> Finding {
    let Some(target) = case.facts.inet() else {
        let symptom = case.symptom.is_some();
        return if symptom { Finding::Unseen("the address") } else { Finding::Excluded };
    };
    if case.call == Call::Bind { cannot_bind(case, target) } else { no_source(case, target) }
}

/// `bind`: to an address of another machine, or of none.
fn cannot_bind(case: &Case<'_>, target: &InetTarget) -> Finding {
    let group = matches!(target.route.known(), Some(Route::Broadcast | Route::Multicast));
    let broadcast = |a: IpAddr| a == IpAddr::V4(Ipv4Addr::BROADCAST);
    let any = first_address(target)
        .is_some_and(|a| a.is_unspecified() || a.is_multicast() || broadcast(a));
    let refused = refused_port(case) && first_address(target).is_some_and(|a| a.is_ipv6());
    if refused || any || group || target.nonlocal_bind.is(|allowed| *allowed) {
        return Finding::Excluded;
    }
    match target.is_local.known() {
        Some(true) => Finding::Excluded,
        Some(false) if case.symptom.is_none() && target.nonlocal_bind.known().is_none() => {
            Finding::Suggests(format!(
                "no interface has {}; only ip_nonlocal_bind or IP_FREEBIND would admit it",
                host(target)
            ))
        }
        Some(false) => Finding::Holds(format!("no interface has {}", host(target))),
        None => Finding::Unseen("whether the address is one of this machine's"),
    }
}

/// `connect` to an IPv6 address, without any to start from.
fn no_source(case: &Case<'_>, target: &InetTarget) -> Finding {
    let Some(address) = first_address(target) else {
        let symptom = case.symptom.is_some();
        return if symptom { Finding::Unseen("the address") } else { Finding::Excluded };
    };
    if !address.is_ipv6() || !target.route.is(|r| *r == Route::None) {
        return Finding::Excluded;
    }
    let because =
        format!("no route leads to {address}, and no IPv6 address is there to start from");
    if case.symptom.is_some() {
        return shown(target, because);
    }
    if address.is_loopback() {
        return Finding::Suggests(format!("{address} has no route: IPv6 seems to be off"));
    }
    Finding::Excluded
}
