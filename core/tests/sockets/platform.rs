//! Where other systems differ from Linux.

use super::*;
use sunpath_core::Platform::*;
use sunpath_core::{Platform, diagnose_on};

fn errno(id: &str, platform: Platform, kind: SocketType) -> Option<Errno> {
    cause::find(id).and_then(|c| c.symptom(platform, kind)).and_then(Symptom::errno)
}

/// One cause has other errors elsewhere, or none.
#[test]
fn the_same_cause_has_other_errors() {
    use Errno::*;
    let rows: &[(&str, SocketType, [Option<Errno>; 5])] = &[
        (
            "recv/not-connected",
            STREAM,
            [Some(EINVAL), Some(ENOTCONN), Some(ENOTCONN), Some(ENOTCONN), Some(ENOTCONN)],
        ),
        (
            "listen/unbound",
            STREAM,
            [Some(EINVAL), Some(EDESTADDRREQ), Some(EDESTADDRREQ), Some(EINVAL), Some(EINVAL)],
        ),
        (
            "accept/datagram",
            DATAGRAM,
            [Some(EOPNOTSUPP), Some(EINVAL), Some(EINVAL), Some(EOPNOTSUPP), Some(EOPNOTSUPP)],
        ),
        ("accept/aborted", STREAM, [None, None, None, None, Some(ECONNABORTED)]),
        (
            "accept/shut-down",
            STREAM,
            [Some(EINVAL), Some(ECONNABORTED), Some(ECONNABORTED), None, None],
        ),
        ("connect/listener-shut-down", STREAM, [Some(ECONNREFUSED), None, None, None, None]),
        ("credentials/malformed", STREAM, [Some(EINVAL), None, None, None, None]),
        ("send/peer-closed-while-blocked", STREAM, [Some(ECONNRESET), None, None, None, None]),
        (
            "send/no-destination",
            DATAGRAM,
            [
                Some(ENOTCONN),
                Some(EDESTADDRREQ),
                Some(EDESTADDRREQ),
                Some(EDESTADDRREQ),
                Some(ENOTCONN),
            ],
        ),
        (
            "send/receiver-closed",
            DATAGRAM,
            [
                Some(ECONNREFUSED),
                Some(ECONNRESET),
                Some(ECONNRESET),
                Some(ECONNRESET),
                Some(ECONNRESET),
            ],
        ),
        (
            "recv/receiver-closed",
            DATAGRAM,
            [None, Some(ECONNRESET), Some(ECONNRESET), Some(ECONNRESET), Some(ECONNRESET)],
        ),
        ("recv/peer-left-with-unread-data", DATAGRAM, [Some(ECONNRESET), None, None, None, None]),
        (
            "bind/exists-and-already-bound",
            STREAM,
            [Some(EADDRINUSE), Some(EINVAL), Some(EINVAL), Some(EINVAL), Some(EINVAL)],
        ),
        (
            "send/after-shutdown",
            STREAM,
            [Some(EPIPE), Some(EPIPE), Some(EPIPE), Some(EPIPE), Some(ESHUTDOWN)],
        ),
        (
            "send/receiver-buffer-full",
            DATAGRAM,
            [None, Some(ENOBUFS), Some(ENOBUFS), Some(ENOBUFS), Some(ENOBUFS)],
        ),
        (
            "send/address-on-connected-datagram",
            DATAGRAM,
            [None, Some(EISCONN), Some(EISCONN), Some(EISCONN), Some(EISCONN)],
        ),
        ("send/address-on-connected-seqpacket", SEQPACKET, [None; 5]),
        (
            "rights/too-many",
            STREAM,
            [Some(EINVAL), Some(EMSGSIZE), Some(EMSGSIZE), Some(EINVAL), Some(EINVAL)],
        ),
        (
            "rights/descriptor-limit",
            STREAM,
            [None, Some(EMFILE), Some(EMFILE), Some(EMSGSIZE), Some(EMSGSIZE)],
        ),
        (
            "recv/closed-before-accept",
            STREAM,
            [Some(ECONNRESET), Some(ECONNRESET), Some(EPIPE), None, None],
        ),
        (
            "recv/peer-closed-with-unread-data",
            STREAM,
            [Some(ECONNRESET), None, None, None, Some(ECONNRESET)],
        ),
        (
            "shutdown/not-connected",
            STREAM,
            [None, Some(ENOTCONN), Some(ENOTCONN), Some(ENOTCONN), Some(ENOTCONN)],
        ),
        (
            "socket/type-unsupported",
            STREAM,
            [
                Some(ESOCKTNOSUPPORT),
                Some(EPROTOTYPE),
                Some(EPROTOTYPE),
                Some(EPROTONOSUPPORT),
                Some(ESOCKTNOSUPPORT),
            ],
        ),
        (
            "socket/type-without-protocol",
            STREAM,
            [None, Some(EPROTOTYPE), Some(EPROTOTYPE), Some(EPROTOTYPE), Some(EPROTOTYPE)],
        ),
        (
            "socket/protocol-family-unsupported",
            STREAM,
            [None, None, None, None, Some(EPFNOSUPPORT)],
        ),
        ("connect/timed-out", STREAM, [Some(EAGAIN), None, None, None, None]),
    ];
    for (id, kind, expected) in rows {
        for (platform, expected) in
            [Linux, FreeBsd14, FreeBsd15, MacOs, OpenServer].iter().zip(expected)
        {
            assert_eq!(errno(id, *platform, *kind), *expected, "{id} on {platform}");
        }
    }
}

#[test]
fn urgent_data_on_streams_is_linux_only() {
    assert_eq!(errno("send/no-urgent-data", Linux, STREAM), None);
    for platform in [FreeBsd14, FreeBsd15, MacOs] {
        assert_eq!(errno("send/no-urgent-data", platform, STREAM), Some(Errno::EOPNOTSUPP));
    }
    assert_eq!(errno("send/no-urgent-data", Linux, DATAGRAM), Some(Errno::EOPNOTSUPP));
}

/// Causes that Linux does not have are recognised where they happen.
#[test]
fn what_only_others_have() {
    use sunpath_core::fact::arguments::AddressArgument;
    let named = |platform, call, kind, errno: Errno, facts: &Facts| {
        let d = diagnose_on(platform, call, kind, Some(errno.into()), facts);
        (d.causes[0].cause.id, d.causes[0].certainty)
    };
    let certain = Certainty::Certain;
    let listener = with(OwnSocket { shutdown: shut(true, false), ..listening(STREAM) });
    let aborted = named(OpenServer, Call::Accept, STREAM, Errno::ECONNABORTED, &listener);
    assert_eq!(aborted, ("accept/aborted", certain));
    let fresh = with(OwnSocket::fresh(STREAM));
    let shutdown = named(MacOs, Call::Shutdown, STREAM, Errno::ENOTCONN, &fresh);
    assert_eq!(shutdown, ("shutdown/not-connected", certain));
    let both = Arguments { direction: Some(2), ..Arguments::default() };
    let half = OwnSocket { shutdown: shut(true, false), ..paired(STREAM) };
    let again = named(MacOs, Call::Shutdown, STREAM, Errno::ENOTCONN, &passing(half, both));
    assert_eq!(again, ("shutdown/not-connected", certain));
    let address = Some(AddressArgument { length: 10, family: None });
    let given = passing(paired(DATAGRAM), Arguments { address, ..Arguments::default() });
    let isconn = named(FreeBsd15, Call::Send, DATAGRAM, Errno::EISCONN, &given);
    assert_eq!(isconn, ("send/address-on-connected-datagram", certain));
    let queue = Seen::Known(Backlog { pending: 11, limit: 10 });
    let slow = OwnSocket { peer: Seen::Known(Some(Peer { queue, ..peer() })), ..paired(DATAGRAM) };
    let full = named(FreeBsd14, Call::Send, DATAGRAM, Errno::ENOBUFS, &with(slow));
    assert_eq!(full, ("send/receiver-buffer-full", certain));
    let mut crowded = with(paired(STREAM));
    crowded.caller.descriptors = Seen::Known(DescriptorUse { used: 64, limit: 64 });
    let limit = named(FreeBsd15, Call::Recv, STREAM, Errno::EMFILE, &crowded);
    assert_eq!(limit, ("rights/descriptor-limit", certain));
}

/// Where a datagram peer that closes leaves an error, the next call reports it, whichever it is.
#[test]
fn a_datagram_peer_that_closed() {
    let pending = Seen::Known(Some(Errno::ECONNRESET));
    let told = OwnSocket { pending_error: pending, ..OwnSocket::fresh(DATAGRAM) };
    let reported = with(OwnSocket::fresh(DATAGRAM));
    let message = with(OwnSocket { readable: Seen::Known(3), ..told.clone() });
    for platform in [FreeBsd14, FreeBsd15, MacOs, OpenServer] {
        for (call, id) in
            [(Call::Recv, "recv/receiver-closed"), (Call::Send, "send/receiver-closed")]
        {
            let reset = Errno::ECONNRESET;
            let d = diagnose_on(platform, call, DATAGRAM, Some(reset.into()), &reported);
            assert_eq!(d.causes[0].cause.id, id, "{platform} {call}");
            assert_eq!(d.causes[0].certainty, Certainty::Certain, "{platform} {call}");
            let d = diagnose_on(platform, call, DATAGRAM, None, &with(told.clone()));
            assert_eq!(d.outcome, fails(reset), "{platform} {call}: {:?}", d.causes);
            assert_eq!(d.causes[0].cause.id, id, "{platform} {call}");
        }
        let d = diagnose_on(platform, Call::Recv, DATAGRAM, None, &message);
        assert_eq!(d.outcome, Outcome::Succeeds, "{platform}: {:?}", d.causes);
    }
    let again = failed(Call::Recv, DATAGRAM, Errno::EAGAIN);
    again.is_not("recv/receiver-closed", &reported);
}

#[test]
fn a_timeout_of_connect() {
    let patient = with(OwnSocket { send_timeout_us: 50_000, ..OwnSocket::fresh(STREAM) });
    let again = failed(Call::Connect, STREAM, Errno::EAGAIN);
    again.is_not("connect/backlog-full", &patient);
    again.is("connect/timed-out", &patient);
    let never_waits = with(OwnSocket { nonblocking: true, ..OwnSocket::fresh(STREAM) });
    again.is_not("connect/timed-out", &never_waits);
}
