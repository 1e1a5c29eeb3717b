//! Causes of `socket` and `socketpair`, and of treating a socket as a file.

use crate::case::{Case, Finding};
use crate::cause::build::*;
use crate::cause::own::{argument, descriptor_limit, unrecorded, when};
use crate::cause::{Cause, Class, Document, Evidence, Provoke};
use crate::fact::arguments::{Creation, Family};
use crate::fact::caller::Capabilities;
use crate::fact::path::FileKind;
use crate::fact::socket::Descriptor;
use crate::{Call, Errno, Platform, SocketType, Sockets};
use alloc::format;

/// The entries of this file.
pub(in crate::cause) const CAUSES: &[Cause] = &[
    Cause {
        id: "socket/family-unsupported",
        calls: &[at(Call::Socket, 20), at(Call::Socketpair, 20)],
        sockets: Sockets::ANY,
        shows: &[
            fails(LINUX, Errno::EAFNOSUPPORT, Evidence::Measured),
            fails(BSDS, Errno::EAFNOSUPPORT, Evidence::Source),
            fails(OPENSERVER, Errno::EAFNOSUPPORT, Evidence::Manual),
        ],
        title: "the system has no such address family",
        happened: "The family that was passed is not a family at all (0, -1, a number out of \
                   range), or this kernel was built without it and could load no module for it.",
        why: "The family is looked up in a table before type and protocol are considered.",
        fix: "Pass AF_UNIX. For another family, see whether the kernel has it: load its module, \
              or boot a kernel that was built with it.",
        commands: &["zgrep -E 'CONFIG_UNIX=|CONFIG_INET=|CONFIG_IPV6=' /proc/config.gz"],
        differs: None,
        documents: &[Document::OpenServer, Document::Posix("socket"), Document::Man("socket(2)")],
        class: Class::UpFront,
        test: family_unsupported,
        confusable: &[],
        provoke: Provoke::Live("socket with the families 0, -1 and 255"),
    },
    Cause {
        id: "socket/protocol-family-unsupported",
        calls: &[at(Call::Socket, 21), at(Call::Socketpair, 21), at(Call::Ioctl, 45)],
        sockets: Sockets::ANY,
        shows: &[
            fails(LINUX, Errno::EPFNOSUPPORT, Evidence::Measured).on(Sockets::INET),
            never(LINUX, Evidence::Measured),
            never(BSDS, Evidence::Source),
            fails(OPENSERVER, Errno::EPFNOSUPPORT, Evidence::Manual),
        ],
        title: "the protocol family is not supported",
        happened: "An address of another protocol family was passed where one family only is \
                   understood. On Linux that is an ARP request (SIOCGARP and its kin) on an \
                   internet socket, whose address is not AF_INET.",
        why: "4.2BSD told protocol families from address families, with an error for each. Linux, \
              FreeBSD and macOS no longer return this one from socket: a family that is not there \
              is EAFNOSUPPORT.",
        fix: "From an ioctl: set sa_family to AF_INET. From anything else: look at the family, as \
              for EAFNOSUPPORT.",
        commands: &[],
        differs: Some(
            "OpenServer's list has it without saying from which call. Linux, FreeBSD and macOS \
             answer EAFNOSUPPORT to socket with an unknown family, and the ARP request on a UNIX \
             domain socket is ENOTTY.",
        ),
        documents: &[Document::OpenServer, Document::Man("arp(7)")],
        class: Class::UpFront,
        test: protocol_family_unsupported,
        confusable: &[],
        provoke: Provoke::Live("ioctl(SIOCGARP) with family AF_UNIX on a UDP socket"),
    },
    Cause {
        id: "socket/bad-type",
        calls: &[at(Call::Socket, 10), at(Call::Socketpair, 4)],
        sockets: Sockets::ANY,
        shows: &[
            fails(LINUX, Errno::EINVAL, Evidence::Measured),
            never(BSDS, Evidence::Source),
            never(OPENSERVER, Evidence::Inferred),
        ],
        title: "the type is no type at all, or carries an unknown flag",
        happened: "The type that was passed is 11 or more, or has a bit set that is neither part \
                   of a type nor SOCK_NONBLOCK or SOCK_CLOEXEC.",
        why: "Linux splits the argument into a type and flags before it looks at family and \
              protocol. A type that could exist but does not is ESOCKTNOSUPPORT instead; the BSDs \
              do not tell the two apart.",
        fix: "Pass SOCK_STREAM, SOCK_DGRAM or SOCK_SEQPACKET, with SOCK_NONBLOCK and SOCK_CLOEXEC \
              if wanted.",
        commands: &["strace -f -e trace=socket,socketpair -p {caller}"],
        differs: None,
        documents: &[Document::Unix7, Document::Man("socket(2)")],
        class: Class::UpFront,
        test: bad_type,
        confusable: &[],
        provoke: Provoke::Live("socket with type 11, and with an unknown flag"),
    },
    Cause {
        id: "socket/protocol-unsupported",
        calls: &[at(Call::Socket, 30), at(Call::Socketpair, 30)],
        sockets: Sockets::UNIX,
        shows: &[
            fails(LINUX, Errno::EPROTONOSUPPORT, Evidence::Measured),
            fails(BSDS, Errno::EPROTONOSUPPORT, Evidence::Source),
            fails(OPENSERVER, Errno::EPROTONOSUPPORT, Evidence::Manual),
        ],
        title: "UNIX domain sockets have no such protocol",
        happened: "A protocol other than 0 was passed for a UNIX domain socket (or, on macOS, a \
                   sequenced-packet socket was asked for, which it does not have).",
        why: "The family has one protocol for each type, so there is nothing to choose. Linux also \
              takes 1 (PF_UNIX) and stores 0. It looks at the protocol before the type.",
        fix: "Pass 0 as the protocol. On macOS use a stream instead of SOCK_SEQPACKET.",
        commands: &[],
        differs: None,
        documents: &[
            Document::OpenServer,
            Document::Unix7,
            Document::Posix("socket"),
            Document::Man("socket(2)"),
        ],
        class: Class::UpFront,
        test: protocol_unsupported,
        confusable: &[],
        provoke: Provoke::Live("socket(AF_UNIX, SOCK_STREAM, 6)"),
    },
    Cause {
        id: "socket/no-pairs-in-family",
        calls: &[at(Call::Socketpair, 46)],
        sockets: Sockets::INET,
        shows: &[
            fails(LINUX, Errno::EOPNOTSUPP, Evidence::Measured),
            fails(BSDS, Errno::EOPNOTSUPP, Evidence::Source),
            fails(OPENSERVER, Errno::EOPNOTSUPP, Evidence::Manual),
        ],
        title: "pairs exist in the UNIX domain only",
        happened: "socketpair was called for internet sockets.",
        why: "A pair is connected without names. Internet sockets need an address and a port on \
              each side, so their protocols do not offer it.",
        fix: "Make the pair with AF_UNIX. If it must be TCP, listen on the loopback address and \
              connect to it.",
        commands: &[],
        differs: None,
        documents: &[
            Document::OpenServer,
            Document::Posix("socketpair"),
            Document::Man("socketpair(2)"),
        ],
        class: Class::UpFront,
        test: no_pairs_in_family,
        confusable: &[],
        provoke: Provoke::Live("socketpair(AF_INET, SOCK_STREAM)"),
    },
    Cause {
        id: "socket/type-unsupported",
        calls: &[at(Call::Socket, 40), at(Call::Socketpair, 40)],
        sockets: Sockets::UNIX,
        shows: &[
            fails(LINUX, Errno::ESOCKTNOSUPPORT, Evidence::Measured),
            fails(FREEBSD, Errno::EPROTOTYPE, Evidence::Source),
            fails(MACOS, Errno::EPROTONOSUPPORT, Evidence::Source),
            fails(OPENSERVER, Errno::ESOCKTNOSUPPORT, Evidence::Manual),
        ],
        title: "UNIX domain sockets have no such type",
        happened: "The type is none of stream, datagram and sequenced packet.",
        why: "The family decides which types it has. Linux turns SOCK_RAW into a datagram socket \
              without a word; the types 0, 4 and 6 to 10 are refused here, and from 11 on, or \
              with an unknown flag, the call fails earlier with EINVAL.",
        fix: "Pass SOCK_STREAM, SOCK_DGRAM or SOCK_SEQPACKET.",
        commands: &[],
        differs: None,
        documents: &[Document::OpenServer, Document::Unix7],
        class: Class::UpFront,
        test: type_unsupported,
        confusable: &["socket/type-without-protocol"],
        provoke: Provoke::Live("socket(AF_UNIX, 4, 0)"),
    },
    Cause {
        id: "socket/type-without-protocol",
        calls: &[at(Call::Socket, 41), at(Call::Socketpair, 41)],
        sockets: Sockets::ANY,
        shows: &[
            never(LINUX, Evidence::Measured),
            fails(FREEBSD, Errno::EPROTOTYPE, Evidence::Source),
            fails(MACOS, Errno::EPROTOTYPE, Evidence::Source),
            fails(OPENSERVER, Errno::EPROTOTYPE, Evidence::Manual),
        ],
        title: "no protocol of the family serves this socket type",
        happened: "The family and the type exist, but no protocol of the family is of this type \
                   (on macOS: the protocol that was named is of another type).",
        why: "BSD systems search a table of protocols by family and type, and tell \"no such \
              protocol\" from \"a protocol, but of another type\".",
        fix: "Pass 0 as the protocol and a type that the family has.",
        commands: &[],
        differs: Some(
            "OpenServer's list gives it for creating a socket. Linux never returns it from \
             socket, whatever the family, type and protocol: it is ESOCKTNOSUPPORT or \
             EPROTONOSUPPORT there. Linux keeps EPROTOTYPE for connecting to a path whose socket \
             is of another type.",
        ),
        documents: &[Document::OpenServer, Document::Posix("socket")],
        class: Class::UpFront,
        test: type_unsupported,
        confusable: &["socket/type-unsupported"],
        provoke: Provoke::Not("Linux never returns it from socket"),
    },
    Cause {
        id: "socket/descriptor-limit",
        calls: &[at(Call::Socket, 60), at(Call::Socketpair, 5)],
        sockets: Sockets::ANY,
        shows: &[
            fails(LINUX, Errno::EMFILE, Evidence::Measured),
            fails(BSDS, Errno::EMFILE, Evidence::Source),
            fails(OPENSERVER, Errno::EMFILE, Evidence::Inferred),
        ],
        title: "the process has no descriptor left",
        happened: "The process has as many descriptors open as its RLIMIT_NOFILE admits, so the \
                   new socket could get no number.",
        why: "Every open file, pipe, socket, timer and event queue takes a descriptor. A process \
              that never closes some of them reaches the limit sooner or later; so does one that \
              serves more connections than the limit, often 1024, foresees.",
        fix: "See what is open: many of one kind are a leak. Otherwise raise the limit of this \
              process, or of the service (LimitNOFILE= in its unit).",
        commands: &[
            "ls -l /proc/{caller}/fd | cut -d'>' -f2 | sort | uniq -c | sort -n | tail",
            "prlimit --pid {caller} --nofile",
        ],
        differs: None,
        documents: &[
            Document::Posix("socket"),
            Document::Man("socket(2)"),
            Document::Man("socketpair(2)"),
        ],
        class: Class::UpFront,
        test: |case| descriptor_limit(case, if case.call == Call::Socketpair { 2 } else { 1 }),
        confusable: &[],
        provoke: Provoke::Live("lower RLIMIT_NOFILE to the descriptors in use, then socket"),
    },
    Cause {
        id: "socket/system-limit",
        calls: &[
            at(Call::Socket, 45),
            at(Call::Socketpair, 45),
            at(Call::Connect, 34),
            at(Call::Accept, 13),
        ],
        sockets: Sockets::ANY,
        shows: &[
            fails(LINUX, Errno::ENFILE, Evidence::Source),
            fails(BSDS, Errno::ENFILE, Evidence::Source),
            fails(OPENSERVER, Errno::ENFILE, Evidence::Inferred),
        ],
        title: "the whole system has no open file left",
        happened: "The system has as many open files as fs.file-max admits, or more than twice \
                   that number of UNIX domain sockets. A connect counts, because it creates the \
                   server's end.",
        why: "Linux bounds the memory that open files can take. The default grows with memory, so \
              that only a leak, or a very small fs.file-max, reaches it.",
        fix: "Find the process that holds the most descriptors; raise fs.file-max if they are all \
              needed.",
        commands: &[
            "cat /proc/sys/fs/file-nr",
            "for p in /proc/[0-9]*; do echo $(ls $p/fd 2>/dev/null | wc -l) $p; done | sort -n \
             | tail",
        ],
        differs: None,
        documents: &[
            Document::Posix("socket"),
            Document::Man("socket(2)"),
            Document::Source("net/unix/af_unix.c"),
        ],
        class: Class::UpFront,
        test: system_limit,
        confusable: &[],
        provoke: Provoke::Not("needs fs.file-max to be lowered, or used up, for the whole machine"),
    },
    Cause {
        id: "socket/opened-as-file",
        calls: &[at(Call::Open, 60)],
        sockets: Sockets::UNIX,
        shows: &[
            fails(LINUX, Errno::ENXIO, Evidence::Measured),
            fails(FREEBSD, Errno::EOPNOTSUPP, Evidence::Source),
            fails(MACOS, Errno::EOPNOTSUPP, Evidence::Source),
            fails(OPENSERVER, Errno::ENXIO, Evidence::Inferred),
        ],
        title: "a socket file cannot be opened, only connected to",
        happened: "open was used on a socket file: by a shell's redirection, cat, or a program \
                   that was given a socket where it expects a file.",
        why: "A socket file is only a name. There is no way from it to a stream of bytes but \
              socket and connect.",
        fix: "Use a tool that connects.",
        commands: &["socat - UNIX-CONNECT:{path}"],
        differs: None,
        documents: &[Document::Posix("open"), Document::Man("open(2)")],
        class: Class::UpFront,
        test: opened_as_file,
        confusable: &[],
        provoke: Provoke::Live("bind a socket, open its path"),
    },
    Cause {
        id: "socket/not-seekable",
        calls: &[at(Call::Lseek, 20)],
        sockets: Sockets::ANY,
        shows: &[
            fails(LINUX, Errno::ESPIPE, Evidence::Measured),
            fails(BSDS, Errno::ESPIPE, Evidence::Source),
            fails(OPENSERVER, Errno::ESPIPE, Evidence::Inferred),
        ],
        title: "a socket has no position to move to",
        happened: "lseek, pread or pwrite was used on a socket, usually by a library that takes \
                   any descriptor for a file.",
        why: "What was read from a socket is gone, and what is to come has no place yet, so there \
              is no offset.",
        fix: "Read in order, or copy to a file first. Test what the descriptor is (fstat) before \
              seeking.",
        commands: &[],
        differs: None,
        documents: &[Document::Posix("lseek"), Document::Man("lseek(2)")],
        class: Class::UpFront,
        test: not_seekable,
        confusable: &[],
        provoke: Provoke::Live("lseek on a socket"),
    },
];

fn family_unsupported(case: &Case<'_>) -> Finding {
    let Some(creation) = &case.facts.arguments.creation else {
        // Without a record of the arguments, a socket of this type was asked for. Every Linux
        // kernel that runs a user land has AF_UNIX.
        return if case.socket.is_unix() {
            Finding::Excluded
        } else {
            unrecorded(case, "whether this kernel has the internet families")
        };
    };
    match creation.family_known {
        Some(true) => Finding::Excluded,
        Some(false) => Finding::Holds(format!(
            "this system has no family with the number {}",
            number(creation.family)
        )),
        None if creation.family == Family::Unspec => {
            Finding::Holds(format!("family {} stands for none", number(creation.family)))
        }
        None if creation.family == Family::Unix => Finding::Excluded,
        None => Finding::Unseen("whether this kernel has the family"),
    }
}

fn number(family: Family) -> alloc::string::String {
    match family {
        Family::Unspec => "0 (AF_UNSPEC)".into(),
        Family::Unix => "1 (AF_UNIX)".into(),
        Family::Inet => "2 (AF_INET)".into(),
        Family::Inet6 => "AF_INET6".into(),
        Family::Other(number) => format!("{number}"),
    }
}

fn protocol_family_unsupported(case: &Case<'_>) -> Finding {
    if case.platform == Platform::Linux && case.call == Call::Socket {
        return Finding::Excluded;
    }
    if case.call == Call::Socket {
        return family_unsupported(case);
    }
    let family = case.facts.arguments.address.and_then(|a| a.family);
    argument(case, family, "the family of the address in the request", |family| {
        when(
            family != Family::Inet,
            format!("the request's address has family {}, not AF_INET", number(family)),
        )
    })
}

fn protocol_unsupported(case: &Case<'_>) -> Finding {
    if case.platform == Platform::MacOs && case.socket == SocketType::SeqPacket {
        return Finding::Holds("macOS has no sequenced-packet sockets in this family".into());
    }
    let hint = "a protocol other than 0 must have been passed";
    argument(case, unix_creation(case), hint, |creation| {
        let one_is_fine = case.platform == Platform::Linux;
        let fine = creation.protocol == 0 || creation.protocol == 1 && one_is_fine;
        when(!fine, format!("protocol {} was passed", creation.protocol))
    })
}

fn no_pairs_in_family(case: &Case<'_>) -> Finding {
    when(!case.socket.is_unix(), "the pair was asked for in an internet family")
}

/// The first number that is no type (`SOCK_MAX` of Linux).
const NO_TYPE: i32 = 11;

fn bad_type(case: &Case<'_>) -> Finding {
    let hint = "the type that was passed";
    argument(case, case.facts.arguments.creation, hint, |creation| {
        let possible = (0..NO_TYPE).contains(&creation.kind);
        when(!possible, format!("type {:#x} was passed", creation.kind))
    })
}

fn type_unsupported(case: &Case<'_>) -> Finding {
    let hint = "the type that was passed";
    argument(case, unix_creation(case), hint, |creation| {
        let known = [1, 2, 3, 5].contains(&creation.kind);
        when(!known, format!("type {} was passed", creation.kind))
    })
}

/// What was passed, if it was a UNIX domain socket that was asked for.
fn unix_creation(case: &Case<'_>) -> Option<Creation> {
    case.facts.arguments.creation.filter(|c| c.family == Family::Unix)
}

fn system_limit(case: &Case<'_>) -> Finding {
    let system = &case.facts.system;
    let Some(max) = system.file_max.known().copied() else {
        return unrecorded(case, "fs.file-max and the number of open files");
    };
    if let Some(sockets) = system.unix_sockets.known().filter(|n| **n > max.saturating_mul(2)) {
        return Finding::Holds(format!(
            "{sockets} UNIX domain sockets exist, and fs.file-max is {max}"
        ));
    }
    // The file table's limit does not bind a process that may administer the system.
    let exempt = case.facts.caller.capabilities.is(|c| c.has(Capabilities::SYS_ADMIN));
    if let Some(open) = system.files_open.known().filter(|n| **n >= max && !exempt) {
        return Finding::Holds(format!("{open} files are open, and fs.file-max is {max}"));
    }
    unrecorded(case, "the limit was reached for a moment only; it is not reached now")
}

fn opened_as_file(case: &Case<'_>) -> Finding {
    let Some(path) = case.facts.path() else {
        return unrecorded(case, "the path that was opened");
    };
    match path.found() {
        Some(file) => when(file.kind == FileKind::Socket, "the path names a socket file"),
        None if path.walk.known().is_none() => unrecorded(case, "the path, which was not walked"),
        None => Finding::Excluded,
    }
}

fn not_seekable(case: &Case<'_>) -> Finding {
    match case.facts.descriptor.known() {
        Some(Descriptor::Socket(_)) => Finding::Holds("the descriptor is a socket".into()),
        Some(_) => Finding::Excluded,
        None => unrecorded(case, "what the descriptor is"),
    }
}
