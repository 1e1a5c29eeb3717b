//! Datagrams that cannot be sent for what they are.

use super::{OWN_STATE, first_address};
use crate::case::{Case, Finding};
use crate::cause::build::*;
use crate::cause::{Cause, Class, Document, Evidence, Provoke};
use crate::fact::socket::State;
use crate::{Call, Errno, Sockets};
use alloc::format;
use alloc::string::ToString;

/// The entries of this file.
pub(in crate::cause) const CAUSES: &[Cause] = &[
    Cause {
        id: "send/message-too-long-inet",
        calls: &[at(Call::Send, 20)],
        sockets: Sockets::UDP,
        shows: &[
            fails(LINUX, Errno::EMSGSIZE, Evidence::Measured),
            fails(FREEBSD, Errno::EMSGSIZE, Evidence::Manual),
            fails(MACOS, Errno::EMSGSIZE, Evidence::Manual),
            fails(OPENSERVER, Errno::EMSGSIZE, Evidence::Manual),
        ],
        title: "the message does not fit into one datagram",
        happened: "The message is longer than a UDP datagram can be: 65507 bytes over IPv4, 65527 \
                   over IPv6. Or fragments are forbidden on this socket, and the message is longer \
                   than a packet on the way may be.",
        why: "The length field of a datagram has 16 bits, and the headers take their share: 28 \
              bytes over IPv4, 8 over IPv6. A datagram is never cut in two by the kernel.",
        fix: "Send less at a time, or use a stream. Anything beyond about 1200 bytes is broken \
              into fragments on most networks and is lost if one of them is.",
        commands: &[],
        differs: Some(
            "OpenServer names no limit. On UNIX domain sockets Linux's limit is the send buffer.",
        ),
        documents: &[Document::OpenServer, Document::Posix("send"), Document::Man("udp(7)")],
        class: Class::UpFront,
        test: too_long,
        confusable: &[],
        provoke: Provoke::Live("send 65508 bytes by UDP over loopback"),
    },
    Cause {
        id: "send/no-destination-inet",
        calls: &[at(Call::Send, 35)],
        sockets: Sockets::UDP,
        shows: &[
            fails(LINUX, Errno::EDESTADDRREQ, Evidence::Measured),
            fails(FREEBSD, Errno::EDESTADDRREQ, Evidence::Manual),
            fails(MACOS, Errno::EDESTADDRREQ, Evidence::Manual),
            fails(OPENSERVER, Errno::EDESTADDRREQ, Evidence::Manual),
        ],
        title: "the datagram has no destination",
        happened: "A message was sent without an address on a UDP socket that was never connected.",
        why: "A datagram socket remembers a destination only after connect; otherwise each message \
              must carry its own.",
        fix: "Pass the address with sendto or sendmsg, or call connect once. To answer a message, \
              use the address that recvfrom gave.",
        commands: &[],
        differs: Some(
            "On UNIX domain datagram sockets Linux gives ENOTCONN in the same situation.",
        ),
        documents: &[Document::OpenServer, Document::Posix("send"), Document::Man("send(2)")],
        class: Class::UpFront,
        test: no_destination,
        confusable: &[],
        provoke: Provoke::Live("send by a UDP socket that is not connected, without an address"),
    },
];

/// The longest payload over IPv4: 65535 less 20 for the IP header and 8 for the UDP header.
const MOST_V4: u64 = 65507;
/// Over IPv6, the length does not count the IP header.
const MOST_V6: u64 = 65527;

fn too_long(case: &Case<'_>) -> Finding {
    let symptom = case.symptom.is_some();
    let Some(length) = case.facts.arguments.length else {
        return if symptom { Finding::Unseen("the message's length") } else { Finding::Excluded };
    };
    let v6 = case.facts.inet().and_then(first_address).map(|a| a.is_ipv6());
    let most = if v6 == Some(true) { MOST_V6 } else { MOST_V4 };
    if length > MOST_V6 || (length > most && (v6.is_some() || symptom)) {
        return Finding::Holds(format!("{length} bytes; a datagram holds at most {most}"));
    }
    if length > MOST_V4 && v6.is_none() {
        return Finding::Suggests(format!("{length} bytes; over IPv4, {MOST_V4} is the most"));
    }
    if symptom {
        return Finding::Suggests(format!(
            "{length} bytes fit into a datagram, so fragments must be forbidden (IP_MTU_DISCOVER)"
        ));
    }
    Finding::Excluded
}

fn no_destination(case: &Case<'_>) -> Finding {
    match case.facts.own() {
        Some(own) if own.state == State::Connected => Finding::Excluded,
        Some(_) if case.symptom.is_some() || case.facts.inet().is_none() => {
            Finding::Holds("the caller's socket is not connected".to_string())
        }
        None if case.symptom.is_some() => Finding::Unseen(OWN_STATE),
        _ => Finding::Excluded,
    }
}
