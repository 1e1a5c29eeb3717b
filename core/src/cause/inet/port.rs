//! Ports: none left, taken, or privileged.

use super::{first_address, host};
use crate::case::{Case, Finding};
use crate::cause::build::*;
use crate::cause::{Cause, Class, Document, Evidence, Provoke};
use crate::fact::InetTarget;
use crate::fact::caller::Capabilities;
use crate::fact::inet::InetSocket;
use crate::{Call, Errno, SocketType, Sockets};
use alloc::format;

use core::net::IpAddr;

/// The entries of this file.
pub(in crate::cause) const CAUSES: &[Cause] = &[
    Cause {
        id: "connect/no-free-port",
        calls: &[at(Call::Connect, 50)],
        sockets: Sockets::TCP,
        shows: &[
            fails(LINUX, Errno::EADDRNOTAVAIL, Evidence::Measured),
            fails(FREEBSD, Errno::EADDRNOTAVAIL, Evidence::Inferred),
            fails(MACOS, Errno::EADDRNOTAVAIL, Evidence::Inferred),
            fails(OPENSERVER, Errno::EADDRNOTAVAIL, Evidence::Inferred),
        ],
        title: "no local port is free for a connection to this address",
        happened: "Every port of the range for outgoing connections already has a connection to \
                   this address and port; or the socket is bound to one port, and a connection \
                   between exactly these two ends exists.",
        why: "A connection is told apart by its two addresses and two ports. To one server, a \
              machine can have as many connections at a time as the range has ports, and closed \
              ones keep theirs for a minute (TIME_WAIT). Other servers are not affected.",
        fix: "Keep connections open and reuse them, widen the range, or connect from several local \
              addresses.",
        commands: &["sysctl net.ipv4.ip_local_port_range", "ss -tan dport = :{port}"],
        differs: Some(
            "BSD connect(2) describes the lack of ports as EAGAIN, which Linux gives to datagram \
             sockets only, and connections that exist already as EADDRINUSE.",
        ),
        documents: &[Document::BsdConnect2, Document::Posix("connect"), Document::Man("ip(7)")],
        class: Class::UpFront,
        test: no_free_port,
        confusable: &["connect/address-not-available"],
        provoke: Provoke::Live(
            "narrow the range to four ports in a network namespace and connect five times to one \
             listener",
        ),
    },
    Cause {
        id: "connect/no-free-port-datagram",
        calls: &[at(Call::Connect, 22), at(Call::Send, 15)],
        sockets: Sockets::UDP,
        shows: &[
            fails(LINUX, Errno::EAGAIN, Evidence::Measured),
            fails(FREEBSD, Errno::EAGAIN, Evidence::Manual),
            fails(MACOS, Errno::EADDRNOTAVAIL, Evidence::Inferred),
            fails(OPENSERVER, Errno::EAGAIN, Evidence::Inferred),
        ],
        title: "no local port is free for this datagram socket",
        happened: "A datagram socket without a port was to be given one, but every port of the \
                   range is taken by another datagram socket.",
        why: "Datagram sockets are told apart by their local port alone, so the range limits how \
              many can be open. Linux looks for the port before anything else, even before it \
              checks the address.",
        fix: "Close sockets that are not needed, share one socket for several destinations, or \
              widen the range.",
        commands: &["sysctl net.ipv4.ip_local_port_range", "ss -uanp"],
        differs: Some(
            "The error reads as if the call should be repeated on a blocking socket: it does not \
             wait. BSD connect(2) describes it for every socket type; on Linux, TCP gets \
             EADDRNOTAVAIL.",
        ),
        documents: &[Document::BsdConnect2, Document::Source("net/ipv4/af_inet.c")],
        class: Class::UpFront,
        test: no_free_datagram_port,
        confusable: &[],
        provoke: Provoke::Live(
            "narrow the range to four ports in a network namespace and connect five UDP sockets",
        ),
    },
    Cause {
        id: "bind/privileged-port",
        calls: &[at(Call::Bind, 45)],
        sockets: Sockets::INET,
        shows: &[
            fails(LINUX, Errno::EACCES, Evidence::Measured),
            fails(FREEBSD, Errno::EACCES, Evidence::Manual),
            fails(MACOS, Errno::EACCES, Evidence::Inferred),
            fails(OPENSERVER, Errno::EACCES, Evidence::Inferred),
        ],
        title: "ports this low ask for a privilege",
        happened: "bind asked for a port below the first unprivileged one, and the caller lacks \
                   CAP_NET_BIND_SERVICE in the network namespace's user namespace.",
        why: "By tradition, a port below 1024 vouches that an administrator started the server. \
              Linux makes the border a setting of each network namespace; container engines often \
              set it to 0.",
        fix: "Use a higher port, let a service manager pass the socket, grant the capability, or \
              lower the border.",
        commands: &["sysctl net.ipv4.ip_unprivileged_port_start"],
        differs: None,
        documents: &[
            Document::Posix("bind"),
            Document::Man("ip(7)"),
            Document::Man("capabilities(7)"),
        ],
        class: Class::UpFront,
        test: privileged_port,
        confusable: &[],
        provoke: Provoke::Live(
            "bind a TCP socket to port 80 as an ordinary user in a network namespace where ports \
             below 1024 are privileged",
        ),
    },
    Cause {
        id: "bind/port-in-use",
        calls: &[at(Call::Bind, 50), at(Call::Listen, 50)],
        sockets: Sockets::INET,
        shows: &[
            fails(LINUX, Errno::EADDRINUSE, Evidence::Measured),
            fails(FREEBSD, Errno::EADDRINUSE, Evidence::Manual),
            fails(MACOS, Errno::EADDRINUSE, Evidence::Manual),
            fails(OPENSERVER, Errno::EADDRINUSE, Evidence::Inferred),
        ],
        title: "another socket has the port",
        happened: "A socket of the same protocol is bound to this port, on the same address or on \
                   all; or port 0 asked for any port and the whole range is taken.",
        why: "Packets are delivered by port, so a port belongs to one socket unless all that share \
              it agreed to. A connection that was closed lately (TIME_WAIT) holds the port, too, \
              unless SO_REUSEADDR is set.",
        fix: "Stop the other program or choose another port. If only old connections hold it, set \
              SO_REUSEADDR before bind.",
        commands: &["ss -lntup sport = :{port}", "ps -fp {pid}"],
        differs: Some(
            "For want of a free port, Linux gives this error to bind and listen, EADDRNOTAVAIL to \
             connect of TCP, and EAGAIN to datagram sockets.",
        ),
        documents: &[Document::Unix7, Document::Posix("bind"), Document::Man("ip(7)")],
        class: Class::UpFront,
        test: port_in_use,
        confusable: &[],
        provoke: Provoke::Live("bind two TCP sockets to one port on loopback"),
    },
];

/// Ports in use and how many there are, if both are known.
fn range(target: &InetTarget) -> Option<(u32, u32)> {
    let (first, last) = *target.port_range.known()?;
    let size = u32::from(last).saturating_sub(u32::from(first)) + 1;
    Some((*target.ports_used.known()?, size))
}

/// What the port range shows. `shared`: the same port may serve different destinations.
fn exhausted(case: &Case<'_>, shared: bool) -> Finding {
    let used = case.facts.inet().and_then(range);
    let symptom = case.symptom.is_some();
    match used {
        Some((used, size)) if used >= size && (symptom || !shared) => {
            Finding::Holds(format!("all {size} ports of the range are in use"))
        }
        Some((used, size)) if used >= size => Finding::Suggests(format!(
            "all {size} ports of the range are in use; a connection to this address is only \
             possible if one of them leads elsewhere"
        )),
        Some((used, size)) if symptom => {
            Finding::Suggests(format!("{used} of the {size} ports of the range are in use now"))
        }
        None if symptom => Finding::Unseen("how many local ports are in use"),
        _ => Finding::Excluded,
    }
}

fn no_free_port(case: &Case<'_>) -> Finding {
    exhausted(case, true)
}

fn no_free_datagram_port(case: &Case<'_>) -> Finding {
    if case.facts.own().is_some_and(|own| !own.name.is_empty()) {
        return Finding::Excluded;
    }
    exhausted(case, false)
}

pub(super) fn privileged_port(case: &Case<'_>) -> Finding {
    let Some(target) = case.facts.inet() else { return Finding::Excluded };
    // Without an address there is no call yet.
    if target.is_unresolved() && case.symptom.is_none() {
        return Finding::Excluded;
    }
    let first = target.unprivileged_from.known().copied();
    if target.port == 0 || target.port >= first.unwrap_or(1024) {
        return Finding::Excluded;
    }
    let caller = &case.facts.caller;
    let because = format!("port {} asks for CAP_NET_BIND_SERVICE", target.port);
    match caller.capabilities.test(|c| c.has(Capabilities::NET_BIND_SERVICE)) {
        Some(true) if caller.user_namespace.is(|ns| !ns.initial) => {
            Finding::Unseen("whether the network namespace belongs to the caller's user namespace")
        }
        Some(true) => Finding::Excluded,
        Some(false) if first.is_some() || case.symptom.is_some() => {
            Finding::Holds(format!("{because}, which the caller lacks"))
        }
        Some(false) => Finding::Suggests(format!(
            "{because}, which the caller lacks, unless net.ipv4.ip_unprivileged_port_start is lower"
        )),
        None if caller.ids.is(|ids| ids.uid == 0) => Finding::Excluded,
        None => Finding::Unseen("the caller's capabilities"),
    }
}

fn port_in_use(case: &Case<'_>) -> Finding {
    let Some(target) = case.facts.inet() else {
        let symptom = case.symptom.is_some();
        return if symptom { Finding::Unseen("the port") } else { Finding::Excluded };
    };
    if target.port == 0 {
        return exhausted(case, true);
    }
    let Some(sockets) = target.in_use_by.known() else {
        return Finding::Unseen("the table of internet sockets");
    };
    let wanted = first_address(target);
    let rivals = |s: &&InetSocket| wanted.is_none_or(|wanted| overlap(wanted, s));
    let rival = sockets.iter().filter(rivals).max_by_key(|s| s.listening);
    match rival {
        Some(rival) => conflict(case, rival),
        None if case.symptom.is_some() => Finding::Suggests(format!(
            "no socket is seen with port {} on {} now: it was freed, or a closed connection holds it",
            target.port,
            host(target)
        )),
        None => Finding::Excluded,
    }
}

fn conflict(case: &Case<'_>, rival: &InetSocket) -> Finding {
    let state = if rival.listening { "listens on" } else { "is bound to" };
    let mut because = format!("a socket {state} {}", rival.local);
    if let Some(owner) = rival.owners.known().and_then(|o| o.first()) {
        let name = crate::text::escape(owner.name.as_bytes());
        because.push_str(&format!(" (process {}, {name})", owner.pid));
    }
    let may_reuse = case.facts.own().is_none_or(|own| own.options.reuse_address);
    if may_reuse && !rival.listening && case.socket == SocketType::Tcp && case.symptom.is_none() {
        return Finding::Suggests(because + "; SO_REUSEADDR, if set, may admit both");
    }
    Finding::Holds(because)
}

/// Whether a socket bound to the wanted address would take packets of the rival's. `[::]` takes
/// those of IPv4, too, unless it was told not to.
fn overlap(wanted: IpAddr, rival: &InetSocket) -> bool {
    let local = rival.local.ip();
    let all = |x: IpAddr| x == IpAddr::from([0u16; 8]);
    if local.is_ipv4() != wanted.is_ipv4() {
        return all(wanted) || (all(local) && !rival.v6_only);
    }
    local == wanted || local.is_unspecified() || wanted.is_unspecified()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fact::Seen;

    fn taken(at: &str, v6_only: bool) -> InetSocket {
        InetSocket {
            inode: 1,
            local: at.parse().unwrap(),
            remote: None,
            listening: true,
            v6_only,
            backlog: None,
            owners: Seen::default(),
        }
    }

    #[test]
    fn wildcards_overlap_with_their_family_and_v6_with_all() {
        let ip = |text: &str| -> IpAddr { text.parse().unwrap() };
        assert!(overlap(ip("127.0.0.1"), &taken("0.0.0.0:1", false)));
        assert!(overlap(ip("127.0.0.1"), &taken("[::]:1", false)));
        assert!(overlap(ip("::"), &taken("127.0.0.1:1", false)));
        assert!(overlap(ip("::1"), &taken("[::]:1", true)));
        assert!(!overlap(ip("127.0.0.1"), &taken("[::]:1", true)));
        assert!(!overlap(ip("::1"), &taken("0.0.0.0:1", false)));
        assert!(!overlap(ip("127.0.0.1"), &taken("127.0.0.2:1", false)));
    }

    #[test]
    fn the_whole_range_counts() {
        let mut target = InetTarget { port_range: (0, u16::MAX).into(), ..Default::default() };
        target.ports_used = 3.into();
        assert_eq!(range(&target), Some((3, 65536)));
        target.port_range = (9, 3).into();
        assert_eq!(range(&target), Some((3, 1)));
    }
}
