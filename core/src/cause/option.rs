//! Causes of `getsockopt`, `setsockopt` and `ioctl`.

use crate::case::{Case, Finding};
use crate::cause::build::*;
use crate::cause::own::{argument, judge, lacks_peer, unrecorded, when};
use crate::cause::{Cause, Class, Document, Evidence, Provoke};
use crate::fact::arguments::{OptionArgument, OptionNature};
use crate::fact::caller::Capabilities;
use crate::fact::socket::State;
use crate::{Call, Errno, Sockets};
use alloc::format;

/// The entries of this file.
pub(in crate::cause) const CAUSES: &[Cause] = &[
    Cause {
        id: "option/wrong-level",
        calls: &[at(Call::Setsockopt, 20), at(Call::Getsockopt, 20)],
        sockets: Sockets::UNIX,
        shows: &[
            fails(LINUX, Errno::EOPNOTSUPP, Evidence::Measured),
            fails(BSDS, Errno::EINVAL, Evidence::Source),
            fails(OPENSERVER, Errno::EOPNOTSUPP, Evidence::Manual),
        ],
        title: "UNIX domain sockets have no options at this level",
        happened: "An option was set or read at a level other than SOL_SOCKET, for example a TCP \
                   option on a socket that turned out to be a UNIX domain one.",
        why: "The level names a protocol. On Linux the family has none of its own levels, so the \
              kernel refuses before it looks at the option. (BSD systems have one level more, for \
              LOCAL_PEERCRED and its kin.)",
        fix: "Set TCP_NODELAY and the like on internet sockets only; ask for the family with \
              SO_DOMAIN if it is not known.",
        commands: &["strace -f -e trace=setsockopt,getsockopt -p {caller}"],
        differs: Some(
            "getsockopt(2) and POSIX give ENOPROTOOPT for an option that the level does not have; \
             a level that the socket does not have is EOPNOTSUPP on Linux.",
        ),
        documents: &[Document::OpenServer, Document::Source("net/core/sock.c")],
        class: Class::UpFront,
        test: wrong_level,
        confusable: &[],
        provoke: Provoke::Live("set an option of level 6 (TCP)"),
    },
    Cause {
        id: "option/unknown",
        calls: &[at(Call::Setsockopt, 40), at(Call::Getsockopt, 40)],
        sockets: Sockets::ANY,
        shows: &[
            fails(LINUX, Errno::ENOPROTOOPT, Evidence::Measured),
            fails(BSDS, Errno::ENOPROTOOPT, Evidence::Source),
            fails(OPENSERVER, Errno::ENOPROTOOPT, Evidence::Manual),
        ],
        title: "this kernel does not know the option",
        happened: "No option with this number exists at SOL_SOCKET in this kernel.",
        why: "New options come with new kernels: SO_PASSPIDFD with 6.5, SO_PASSRIGHTS with 6.16. \
              The numbers also differ between processor architectures. Reading SO_PEERSEC fails \
              the same way when no security module labels sockets.",
        fix: "Treat it as \"not available here\" and go on without the option.",
        commands: &["uname -r"],
        differs: None,
        documents: &[
            Document::OpenServer,
            Document::Posix("setsockopt"),
            Document::Man("getsockopt(2)"),
        ],
        class: Class::UpFront,
        test: unknown,
        confusable: &[],
        provoke: Provoke::Live("set option 9999 at SOL_SOCKET"),
    },
    Cause {
        id: "option/read-only",
        calls: &[at(Call::Setsockopt, 41)],
        sockets: Sockets::ANY,
        shows: &[
            fails(LINUX, Errno::ENOPROTOOPT, Evidence::Measured),
            fails(BSDS, Errno::ENOPROTOOPT, Evidence::Source),
            fails(OPENSERVER, Errno::ENOPROTOOPT, Evidence::Inferred),
        ],
        title: "the option can be read but not set",
        happened: "setsockopt was used for an option that only tells something: SO_TYPE, SO_ERROR, \
                   SO_DOMAIN, SO_PROTOCOL, SO_PEERCRED, SO_ACCEPTCONN, SO_SNDLOWAT.",
        why: "These report facts about the socket. The error is that of an unknown option, as if \
              there were no such option to set.",
        fix: "Use getsockopt.",
        commands: &[],
        differs: None,
        documents: &[Document::OpenServer, Document::Man("socket(7)")],
        class: Class::UpFront,
        test: read_only,
        confusable: &[],
        provoke: Provoke::Live("set SO_TYPE"),
    },
    Cause {
        id: "option/not-for-this-socket",
        calls: &[at(Call::Setsockopt, 42), at(Call::Ioctl, 42)],
        sockets: Sockets::ANY,
        shows: &[
            fails(LINUX, Errno::EOPNOTSUPP, Evidence::Measured),
            fails(BSDS, Errno::EINVAL, Evidence::Inferred),
            fails(OPENSERVER, Errno::EOPNOTSUPP, Evidence::Inferred),
        ],
        title: "the option exists, but not for a socket of this kind",
        happened: "The option is meant for another family or type: SO_REUSEPORT and SO_ZEROCOPY \
                   on a UNIX domain socket, SO_PASSCRED and its kin on an internet one, the mark \
                   of urgent data (SIOCATMARK) on a socket that keeps messages apart.",
        why: "The kernel knows the option and says so by this error instead of ENOPROTOOPT.",
        fix: "Leave the option out for this socket. Instead of SO_REUSEPORT let several processes \
              share one inherited listener.",
        commands: &[],
        differs: Some(
            "Up to Linux 6.18.19 SIOCATMARK on a datagram socket answered 0 instead of failing.",
        ),
        documents: &[Document::Source("net/core/sock.c")],
        class: Class::UpFront,
        test: not_for_this_socket,
        confusable: &[],
        provoke: Provoke::Live("set SO_REUSEPORT on a UNIX domain socket"),
    },
    Cause {
        id: "option/needs-privilege",
        calls: &[at(Call::Setsockopt, 43), at(Call::Ioctl, 43)],
        sockets: Sockets::ANY,
        shows: &[
            fails(LINUX, Errno::EPERM, Evidence::Measured),
            fails(BSDS, Errno::EPERM, Evidence::Inferred),
            never(OPENSERVER, Evidence::Inferred),
        ],
        title: "the option needs a privilege that the caller lacks",
        happened: "SO_SNDBUFFORCE, SO_RCVBUFFORCE or SIOCUNIXFILE was used without CAP_NET_ADMIN.",
        why: "The forced buffer sizes go past the administrator's limits, and SIOCUNIXFILE opens \
              the file of a socket past the modes of its directories.",
        fix: "Use SO_SNDBUF, which is cut to net.core.wmem_max; or raise that limit; or give the \
              program CAP_NET_ADMIN.",
        commands: &["sysctl net.core.wmem_max", "grep CapEff /proc/{caller}/status"],
        differs: None,
        documents: &[Document::Man("socket(7)"), Document::Man("capabilities(7)")],
        class: Class::UpFront,
        test: needs_privilege,
        confusable: &[],
        provoke: Provoke::Live("set SO_SNDBUFFORCE as an ordinary user"),
    },
    Cause {
        id: "option/bad-length",
        calls: &[at(Call::Setsockopt, 31), at(Call::Getsockopt, 31)],
        sockets: Sockets::ANY,
        shows: &[
            fails(LINUX, Errno::EINVAL, Evidence::Measured),
            fails(BSDS, Errno::EINVAL, Evidence::Source),
            fails(OPENSERVER, Errno::EINVAL, Evidence::Inferred),
        ],
        title: "the value is shorter than the option's type, or its length is negative",
        happened: "The length that was passed with the option does not fit: setsockopt got fewer \
                   bytes than the option has, or a length is negative.",
        why: "Most options are an int, also those that are only on or off: one byte of bool is too \
              short. Timeouts are two numbers, whose size depends on the program's word size. \
              getsockopt, in contrast, fills as much as there is room for.",
        fix: "Pass an int for switches and sizes, a struct timeval for timeouts, a struct linger \
              for SO_LINGER, with sizeof of the value.",
        commands: &["strace -f -e trace=setsockopt,getsockopt -p {caller}"],
        differs: None,
        documents: &[
            Document::Unix7,
            Document::Posix("setsockopt"),
            Document::Man("getsockopt(2)"),
        ],
        class: Class::UpFront,
        test: bad_length,
        confusable: &[],
        provoke: Provoke::Live("set SO_REUSEADDR with 1 byte, read SO_TYPE into -1"),
    },
    Cause {
        id: "option/bad-time",
        calls: &[at(Call::Setsockopt, 44)],
        sockets: Sockets::ANY,
        shows: &[
            fails(LINUX, Errno::EDOM, Evidence::Measured),
            fails(BSDS, Errno::EDOM, Evidence::Source),
            fails(OPENSERVER, Errno::EDOM, Evidence::Inferred),
        ],
        title: "the microseconds of the timeout are not between 0 and 999999",
        happened: "SO_RCVTIMEO or SO_SNDTIMEO was set with a tv_usec that is no fraction of a \
                   second.",
        why: "The structure holds seconds and microseconds apart. A program that puts its \
              milliseconds times 1000 into tv_usec passes a second and fails.",
        fix: "Divide: tv_sec = total / 1000000, tv_usec = total % 1000000.",
        commands: &[],
        differs: None,
        documents: &[Document::Posix("setsockopt"), Document::Source("net/core/sock.c")],
        class: Class::UpFront,
        test: bad_time,
        confusable: &[],
        provoke: Provoke::Live("set SO_RCVTIMEO with tv_usec 1000000"),
    },
    Cause {
        id: "option/filter-too-large",
        calls: &[at(Call::Setsockopt, 45)],
        sockets: Sockets::ANY,
        shows: &[
            fails(LINUX, Errno::ENOMEM, Evidence::Measured),
            never(BSDS, Evidence::Source),
            never(OPENSERVER, Evidence::Inferred),
        ],
        title: "the packet filter does not fit into the memory for options",
        happened: "SO_ATTACH_FILTER was given a program whose translation is larger than what \
                   net.core.optmem_max leaves of option memory.",
        why: "Each classic instruction becomes several of the kernel's own, and the result is \
              charged to the socket. A division is one of the longest.",
        fix: "Shorten the filter, or raise net.core.optmem_max.",
        commands: &["sysctl net.core.optmem_max"],
        differs: None,
        documents: &[Document::Unix7, Document::Source("net/core/filter.c")],
        class: Class::UpFront,
        test: filter_too_large,
        confusable: &[],
        provoke: Provoke::Live("attach 4096 times \"divide A by X\""),
    },
    Cause {
        id: "option/no-peer-credentials",
        calls: &[at(Call::Getsockopt, 41)],
        sockets: Sockets::UNIX,
        shows: &[
            fails(LINUX, Errno::ENODATA, Evidence::Measured),
            fails(FREEBSD, Errno::ENOTCONN, Evidence::Source).on(Sockets::CONNECTED),
            fails(MACOS, Errno::ENOTCONN, Evidence::Source).on(Sockets::CONNECTED),
            fails(BSDS, Errno::EINVAL, Evidence::Source),
            never(OPENSERVER, Evidence::Inferred),
        ],
        title: "no credentials of a peer are stored in the socket",
        happened: "SO_PEERPIDFD or SO_PEERGROUPS was read on a socket that was never connected.",
        why: "The peer's credentials are stored when connect, listen or socketpair succeeds. \
              Before that there is nothing; SO_PEERCRED then answers pid 0 and ids of -1 instead \
              of failing. Datagram sockets get them from socketpair only.",
        fix: "Ask on a connected or accepted socket. For datagrams, receive credentials with each \
              message instead (SO_PASSCRED).",
        commands: &[],
        differs: None,
        documents: &[Document::Source("net/core/sock.c")],
        class: Class::UpFront,
        test: no_peer_credentials,
        confusable: &[],
        provoke: Provoke::Live("read SO_PEERPIDFD of a fresh socket"),
    },
    Cause {
        id: "option/unknown-request",
        calls: &[at(Call::Ioctl, 40)],
        sockets: Sockets::ANY,
        shows: &[
            fails(LINUX, Errno::ENOTTY, Evidence::Measured),
            fails(BSDS, Errno::ENOTTY, Evidence::Source),
            fails(OPENSERVER, Errno::ENOTTY, Evidence::Inferred),
        ],
        title: "sockets have no such request",
        happened: "ioctl was called on a socket with a request of terminals, disks or another \
                   family.",
        why: "Requests are numbers that each kind of descriptor interprets for itself. The name of \
              the error is from the time when a terminal was the one thing to send requests to.",
        fix: "Check what the descriptor is (isatty, fstat) before the request. A program that asks \
              for the size of a window may ignore the error.",
        commands: &[],
        differs: None,
        documents: &[Document::Posix("ioctl"), Document::Man("ioctl(2)")],
        class: Class::UpFront,
        test: unknown_request,
        confusable: &[],
        provoke: Provoke::Live("ioctl 0x1234 on a socket"),
    },
    Cause {
        id: "option/queue-of-listener",
        calls: &[at(Call::Ioctl, 44)],
        sockets: Sockets::CONNECTED.and(Sockets::TCP),
        shows: &[
            fails(LINUX, Errno::EINVAL, Evidence::Measured),
            never(BSDS, Evidence::Inferred),
            never(OPENSERVER, Evidence::Inferred),
        ],
        title: "a listener has no bytes to count",
        happened: "The number of unread bytes (SIOCINQ, the same as FIONREAD) was asked of a \
                   listening socket.",
        why: "What waits in a listener are connections. How many is in the socket tables.",
        fix: "Ask on accepted sockets. For the number of waiting connections see the Recv-Q \
              column of ss -xl.",
        commands: &["ss -xl"],
        differs: None,
        documents: &[Document::Man("tcp(7)"), Document::Source("net/unix/af_unix.c")],
        class: Class::UpFront,
        test: queue_of_listener,
        confusable: &[],
        provoke: Provoke::Live("ioctl SIOCINQ on a listener"),
    },
];

const HINT: &str = "the option or request that was passed";

fn option(case: &Case<'_>, ask: impl FnOnce(&OptionArgument) -> Finding) -> Finding {
    argument(case, case.facts.arguments.option.as_ref(), HINT, ask)
}

/// Holds if the option is of this nature.
fn nature(case: &Case<'_>, nature: OptionNature, what: &str) -> Finding {
    option(case, |o| {
        let known_level = !o.level_known.is(|known| !known);
        when(known_level && o.nature == nature, format!("{} {what}", label(case, o)))
    })
}

fn label(case: &Case<'_>, o: &OptionArgument) -> alloc::string::String {
    if case.call == Call::Ioctl {
        format!("request {:#x}", o.name)
    } else {
        format!("option {}", o.name)
    }
}

fn wrong_level(case: &Case<'_>) -> Finding {
    option(case, |o| match (o.level, o.level_known.known()) {
        (Some(level), Some(false)) => Finding::Holds(format!("level {level} is not SOL_SOCKET")),
        (Some(_), None) => unrecorded(case, "whether the socket's family has this level"),
        _ => Finding::Excluded,
    })
}

fn unknown(case: &Case<'_>) -> Finding {
    // Of what can only be read, the label is what a kernel may not have.
    if case.call == Call::Getsockopt && case.symptom.is_some() {
        let label = nature(case, OptionNature::ReadOnly, "tells a label, and no module gives one");
        if matches!(label, Finding::Holds(_)) {
            return label;
        }
    }
    nature(case, OptionNature::Unknown, "is not known to this kernel")
}

fn read_only(case: &Case<'_>) -> Finding {
    const ONLY_READ: [OptionNature; 3] =
        [OptionNature::ReadOnly, OptionNature::PeerCredentials, OptionNature::PeerName];
    option(case, |o| {
        let at_level = !o.level_known.is(|known| !known);
        let only_read = at_level && ONLY_READ.contains(&o.nature);
        when(only_read, format!("{} can be read but not set", label(case, o)))
    })
}

fn not_for_this_socket(case: &Case<'_>) -> Finding {
    nature(case, OptionNature::OtherSockets, "is for sockets of another kind")
}

fn unknown_request(case: &Case<'_>) -> Finding {
    nature(case, OptionNature::Unknown, "is none that sockets know")
}

fn needs_privilege(case: &Case<'_>) -> Finding {
    let nature = nature(case, OptionNature::Privileged, "needs CAP_NET_ADMIN");
    let holder = case.facts.caller.capabilities.test(|c| c.has(Capabilities::NET_ADMIN));
    match (&nature, holder) {
        // A capability held inside a user namespace does not count for its outside.
        (Finding::Holds(_), Some(true)) if in_initial(case) => Finding::Excluded,
        (Finding::Holds(_), None) if case.symptom.is_none() => {
            Finding::Unseen("the caller's capabilities")
        }
        _ => nature,
    }
}

fn in_initial(case: &Case<'_>) -> bool {
    case.facts.caller.user_namespace.test(|ns| ns.initial).unwrap_or(true)
}

fn bad_length(case: &Case<'_>) -> Finding {
    // Every option that can be set is at least an int.
    const SHORTEST: i64 = 4;
    let length = case.facts.arguments.option.as_ref().and_then(|o| o.length);
    argument(case, length, "the length of the value that was passed", |length| {
        let least = if case.call == Call::Setsockopt { SHORTEST } else { 0 };
        if case.symptom.is_some() && length > SHORTEST {
            return Finding::Unobservable("whether the option wants a value of another length");
        }
        when(length < least, format!("{length} was passed as the length of the value"))
    })
}

fn bad_time(case: &Case<'_>) -> Finding {
    let microseconds = case.facts.arguments.option.as_ref().and_then(|o| o.microseconds);
    argument(case, microseconds, "the microseconds that were passed", |us| {
        when(!(0..1_000_000).contains(&us), format!("tv_usec is {us}"))
    })
}

fn filter_too_large(case: &Case<'_>) -> Finding {
    let bytes = case.facts.arguments.option.as_ref().and_then(|o| o.filter_bytes);
    let hint = "the size of the filter that was attached";
    argument(case, bytes, hint, |bytes| match case.facts.system.optmem_max.known() {
        Some(max) => when(
            bytes > *max,
            format!("the filter takes {bytes} bytes, and net.core.optmem_max is {max}"),
        ),
        None => unrecorded(case, "net.core.optmem_max"),
    })
}

fn no_peer_credentials(case: &Case<'_>) -> Finding {
    let nature = nature(case, OptionNature::PeerCredentials, "asks about a peer");
    if !matches!(nature, Finding::Holds(_)) {
        return nature;
    }
    if case.symptom.is_some() {
        return nature;
    }
    judge(case, |own| match lacks_peer(own) {
        Some(lacks) => when(lacks && own.state != State::Listening, "the socket has no peer"),
        None => Finding::Unseen("the peer of the caller's socket"),
    })
}

fn queue_of_listener(case: &Case<'_>) -> Finding {
    let nature = nature(case, OptionNature::ReadableBytes, "counts unread bytes");
    if !matches!(nature, Finding::Holds(_)) {
        return nature;
    }
    judge(case, |own| when(own.state == State::Listening, "the socket is a listener"))
}
