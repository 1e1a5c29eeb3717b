//! The address itself is not valid.

use crate::addr::{ABSTRACT_MAX_BYTES, PATH_MAX_BYTES};
use crate::case::{Case, Finding};
use crate::cause::build::*;
use crate::cause::look;
use crate::cause::{Cause, Class, Document, Evidence, Provoke};
use crate::fact::arguments::{AddressArgument, Family};
use crate::{Call, Errno, Platform, SocketType, Sockets};
use alloc::format;
use alloc::string::String;

/// The shortest and the longest address length that Linux takes for `AF_UNIX`: the family alone
/// is too short, and `sockaddr_un` may not be exceeded.
const LENGTHS: core::ops::RangeInclusive<i64> = 3..=110;

/// The entries of this file.
pub(in crate::cause) const CAUSES: &[Cause] = &[
    Cause {
        id: "connect/bad-address-length",
        calls: &[at(Call::Connect, 30), at(Call::Send, 30), at(Call::Bind, 30)],
        sockets: Sockets::UNIX,
        shows: &[
            fails(LINUX, Errno::EINVAL, Evidence::Measured),
            fails(BSDS, Errno::EINVAL, Evidence::Source),
            fails(OPENSERVER, Errno::EINVAL, Evidence::Inferred),
        ],
        title: "the length passed with the address is not valid",
        happened: "The length that was passed is not one that a UNIX domain address can have: 2 \
                   or less, more than 110, or negative.",
        why: "Two bytes are the family, so a name needs at least three. At most 110 bytes are \
              the whole of struct sockaddr_un. (For bind, exactly 2 asks for an automatic \
              abstract name.) A wrong unit, or the size of a pointer, is the usual mistake.",
        fix: "Pass offsetof(struct sockaddr_un, sun_path) plus the length of the name, or \
              sizeof(struct sockaddr_un) for a path that ends in a NUL.",
        commands: &[],
        differs: Some("Linux never answers ENAMETOOLONG for a long UNIX domain address."),
        documents: &[Document::BsdConnect2, Document::Posix("connect"), Document::Man("bind(2)")],
        class: Class::UpFront,
        test: bad_length,
        confusable: &[],
        provoke: Provoke::Live("call connect with the lengths 0, 1, 2, 111, 128, 129 and -1"),
    },
    Cause {
        id: "connect/wrong-family",
        calls: &[at(Call::Connect, 31), at(Call::Send, 31), at(Call::Bind, 31)],
        sockets: Sockets::UNIX,
        shows: &[
            fails(LINUX, Errno::EINVAL, Evidence::Measured),
            fails(BSDS, Errno::EAFNOSUPPORT, Evidence::Source),
            fails(OPENSERVER, Errno::EAFNOSUPPORT, Evidence::Manual),
        ],
        title: "the address is of another family than the socket",
        happened: "sun_family is not AF_UNIX: it was forgotten, or an internet address was \
                   passed to a UNIX domain socket.",
        why: "The kernel compares the family of the address with that of the socket before it \
              looks at the name. AF_UNSPEC is valid for one thing only: it dissolves the \
              association of a datagram socket.",
        fix: "Set sun_family to AF_UNIX; set the whole address to zero first.",
        commands: &[],
        differs: Some(
            "Linux gives EINVAL for UNIX domain sockets, where the BSDs and the lists have \
             EAFNOSUPPORT. macOS takes the family 0 for AF_UNIX.",
        ),
        documents: &[Document::Unix7, Document::BsdConnect2, Document::Posix("connect")],
        class: Class::UpFront,
        test: wrong_family,
        confusable: &[],
        provoke: Provoke::Live("connect with the families AF_INET, 99 and AF_UNSPEC"),
    },
    Cause {
        id: "connect/path-too-long",
        calls: &[at(Call::Connect, 32), at(Call::Send, 32), at(Call::Bind, 32)],
        sockets: Sockets::UNIX,
        shows: &[
            fails(LINUX, Errno::EINVAL, Evidence::Measured),
            fails(FREEBSD, Errno::EINVAL, Evidence::Source),
            fails(MACOS, Errno::ENAMETOOLONG, Evidence::Source),
            fails(OPENSERVER, Errno::EINVAL, Evidence::Inferred),
        ],
        title: "the path or name does not fit into a socket address",
        happened: "The path is longer than the 107 bytes and the NUL that sun_path holds, or the \
                   abstract name longer than a NUL and 107 bytes.",
        why: "struct sockaddr_un has room for 108 bytes on Linux and 104 on the BSDs, much less \
              than a path may have elsewhere. Libraries refuse such a path themselves, each in \
              its own words; some tools cut it off and then report that it does not exist.",
        fix: "Use a shorter path: a link to the directory, a path relative to the working \
              directory, or /proc/self/fd/N/name for an opened directory N. That shortens the \
              way only: if the file's own name is too long, the server has to give its socket a \
              shorter one.",
        commands: &["ln -s {far_dir} /run/short"],
        differs: Some(
            "connect(2) of the BSDs lists ENAMETOOLONG with 1023 bytes, which an address has no \
             room for. Linux gives EINVAL; macOS takes up to 253 bytes.",
        ),
        documents: &[Document::BsdConnect2, Document::Man("unix(7)"), Document::Posix("sys_un.h")],
        class: Class::UpFront,
        test: path_too_long,
        confusable: &[],
        provoke: Provoke::Live("connect to a path of more than 108 bytes"),
    },
];

/// The raw address, where the call reads it.
fn argument(case: &Case<'_>) -> Option<AddressArgument> {
    let address = case.facts.arguments.address?;
    let is_read = match case.call {
        // Only its length is looked at on a connection, and 0 makes no address at all.
        Call::Send if case.socket == SocketType::Datagram => address.length != 0,
        Call::Send => address.length < 0,
        _ => true,
    };
    is_read.then_some(address)
}

fn length_fits(case: &Case<'_>, length: i64) -> bool {
    let autobind = case.call == Call::Bind && length == 2;
    // AF_UNSPEC alone is enough to dissolve the association of a datagram socket.
    let dissolve = dissolves(case) && length >= 2;
    autobind || dissolve || LENGTHS.contains(&length)
}

/// Whether the call asks to dissolve the association of a datagram socket.
fn dissolves(case: &Case<'_>) -> bool {
    let unspec = argument(case).is_some_and(|a| a.family == Some(Family::Unspec));
    unspec && case.call == Call::Connect && case.socket == SocketType::Datagram
}

fn bad_length(case: &Case<'_>) -> Finding {
    match argument(case) {
        Some(address) if !length_fits(case, address.length) => Finding::Holds(format!(
            "the address length passed is {}, and only {} to {} are valid",
            address.length,
            LENGTHS.start(),
            LENGTHS.end()
        )),
        _ => Finding::Excluded,
    }
}

fn wrong_family(case: &Case<'_>) -> Finding {
    let Some(address) = argument(case) else { return Finding::Excluded };
    if !length_fits(case, address.length) || dissolves(case) {
        return Finding::Excluded;
    }
    let name = match address.family {
        None | Some(Family::Unix) => return Finding::Excluded,
        Some(Family::Unspec) => String::from("AF_UNSPEC"),
        Some(Family::Inet) => String::from("AF_INET"),
        Some(Family::Inet6) => String::from("AF_INET6"),
        Some(Family::Other(number)) => format!("number {number}"),
    };
    Finding::Holds(format!("the family of the address is {name}, that of the socket AF_UNIX"))
}

/// The most bytes that `sun_path` holds without the NUL at the end.
fn room(platform: Platform) -> usize {
    match platform {
        Platform::Linux | Platform::OpenServer => PATH_MAX_BYTES,
        Platform::FreeBsd14 | Platform::FreeBsd15 => 103,
        Platform::MacOs => 253,
    }
}

fn path_too_long(case: &Case<'_>) -> Finding {
    if let Some(name) = look::abstract_name(case)
        && name.name.len() > ABSTRACT_MAX_BYTES
    {
        return Finding::Holds(format!(
            "the name has {} bytes, and sun_path holds a NUL and {ABSTRACT_MAX_BYTES}",
            name.name.len()
        ));
    }
    // The program may have passed something shorter that leads there: a descriptor's name.
    if argument(case).is_some_and(|address| length_fits(case, address.length)) {
        return Finding::Excluded;
    }
    let Some(path) = look::path(case) else { return Finding::Excluded };
    let room = room(case.platform);
    let length = path.given.len();
    if length <= room {
        return Finding::Excluded;
    }
    if length == room + 1 {
        return Finding::Suggests(format!(
            "the path has {length} bytes: it fits only if the program passes it without the NUL \
             at its end, and most refuse to"
        ));
    }
    Finding::Holds(format!("the path has {length} bytes, and sun_path holds {room} and a NUL"))
}
