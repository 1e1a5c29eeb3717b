//! `recv`.

use super::*;
use sunpath_core::fact::arguments::Received;
use sunpath_core::fact::socket::{History, SocketOptions};
use sunpath_core::fact::{AbstractTarget, SocketFact, Target};

#[test]
fn no_connection() {
    let cases = [(STREAM, Errno::EINVAL), (SEQPACKET, Errno::ENOTCONN)];
    for (kind, errno) in cases {
        for own in [OwnSocket::fresh(kind), listening(kind)] {
            failed(Call::Recv, kind, errno).is("recv/not-connected", &with(own.clone()));
            predicts(Call::Recv, kind, &with(own), fails(errno), "recv/not-connected");
        }
        failed(Call::Recv, kind, errno).is_not("recv/not-connected", &with(paired(kind)));
    }
}

#[test]
fn urgent_data_that_is_not_there() {
    let einval = failed(Call::Recv, STREAM, Errno::EINVAL);
    let urgent = Arguments { urgent: true, ..Arguments::default() };
    let none = passing(paired(STREAM), urgent.clone());
    einval.is("recv/no-urgent-data", &none);
    predicts(Call::Recv, STREAM, &none, fails(Errno::EINVAL), "recv/no-urgent-data");
    let there = OwnSocket { urgent: Seen::Known(true), readable: Seen::Known(1), ..paired(STREAM) };
    works(Call::Recv, STREAM, &passing(there.clone(), urgent.clone()));
    let options = SocketOptions { urgent_inline: true, ..SocketOptions::default() };
    let inline = passing(OwnSocket { options, ..there }, urgent.clone());
    predicts(Call::Recv, STREAM, &inline, fails(Errno::EINVAL), "recv/no-urgent-data");
    // The state comes first.
    einval.is("recv/not-connected", &passing(OwnSocket::fresh(STREAM), urgent));
    einval.may_be("recv/no-urgent-data", &with(paired(STREAM)));
    for kind in [DATAGRAM, SEQPACKET] {
        let urgent = Arguments { urgent: true, ..Arguments::default() };
        let facts = passing(paired(kind), urgent);
        failed(Call::Recv, kind, Errno::EOPNOTSUPP).is("send/no-urgent-data", &facts);
    }
}

#[test]
fn a_reset_by_a_peer_that_had_accepted() {
    for kind in CONNECTED {
        let reset = failed(Call::Recv, kind, Errno::ECONNRESET);
        let answered = History { answered: true, ..History::default() };
        let facts = with(OwnSocket { history: answered, ..abandoned(kind) });
        reset.is("recv/peer-closed-with-unread-data", &facts);
        reset.is_not("recv/closed-before-accept", &facts);
        let unnamed = Peer { name: Seen::Known(vec![]), ..gone() };
        let pair = OwnSocket { peer: Seen::Known(Some(unnamed)), ..abandoned(kind) };
        reset.is("recv/peer-closed-with-unread-data", &with(pair.clone()));
        let pending = OwnSocket { pending_error: Seen::Known(Some(Errno::ECONNRESET)), ..pair };
        let predicted = "recv/peer-closed-with-unread-data";
        predicts(Call::Recv, kind, &with(pending), fails(Errno::ECONNRESET), predicted);
    }
}

#[test]
fn a_reset_by_a_listener_that_had_not() {
    for kind in CONNECTED {
        let reset = failed(Call::Recv, kind, Errno::ECONNRESET);
        let silent = History { sent_nothing: true, ..History::default() };
        let facts = with(OwnSocket { history: silent, ..abandoned(kind) });
        reset.is("recv/closed-before-accept", &facts);
        reset.is_not("recv/peer-closed-with-unread-data", &facts);
        // Without the program's word nothing tells the two apart.
        let d = reset.diagnose(&with(abandoned(kind)));
        let named: Vec<_> = d.causes.iter().map(|r| (r.cause.id, r.certainty)).collect();
        let likely = Certainty::Likely;
        let both = ["recv/peer-closed-with-unread-data", "recv/closed-before-accept"];
        assert_eq!(named, both.map(|id| (id, likely)));
        reset.is_not("recv/closed-before-accept", &with(paired(kind)));
    }
}

/// A listener at the address makes it likely that one connection alone was closed.
#[test]
fn a_reset_while_the_listener_lives() {
    let server = SocketFact { state: State::Listening, ..SocketFact::new(5, STREAM) };
    let bound = Seen::Known(vec![server]);
    let name = AbstractTarget { name: b"app".to_vec(), bound, ..AbstractTarget::default() };
    let target = Target::Abstract(name);
    let reset = failed(Call::Recv, STREAM, Errno::ECONNRESET);
    let known = Facts { target: target.clone(), ..with(abandoned(STREAM)) };
    let unknown = Facts { target, ..Facts::default() };
    for facts in [known, unknown] {
        reset.may_be("recv/peer-closed-with-unread-data", &facts);
        let second = reset.diagnose(&facts).causes[1].clone();
        assert_eq!(second.cause.id, "recv/closed-before-accept");
        assert_eq!(second.certainty, Certainty::Possible);
    }
    let d = reset.diagnose(&Facts::default());
    assert!(d.causes.iter().all(|r| r.certainty == Certainty::Possible));
}

#[test]
fn a_stream_hands_out_data_before_a_reset() {
    let own = OwnSocket {
        pending_error: Seen::Known(Some(Errno::ECONNRESET)),
        readable: Seen::Known(3),
        ..abandoned(STREAM)
    };
    works(Call::Recv, STREAM, &with(own));
}

#[test]
fn a_datagram_peer_that_left() {
    for call in [Call::Recv, Call::Send] {
        let pending = Seen::Known(Some(Errno::ECONNRESET));
        let facts = with(OwnSocket { pending_error: pending, ..paired(DATAGRAM) });
        let reset = fails(Errno::ECONNRESET);
        predicts(call, DATAGRAM, &facts, reset, "recv/peer-left-with-unread-data");
        let reported = with(paired(DATAGRAM));
        let reset = failed(call, DATAGRAM, Errno::ECONNRESET);
        reset.is("recv/peer-left-with-unread-data", &reported);
    }
}

#[test]
fn the_end_of_a_connection() {
    for kind in CONNECTED {
        let facts = with(abandoned(kind));
        let end = Failed(Call::Recv, kind, Symptom::EndOfFile);
        let stopped = with(OwnSocket { shutdown: shut(true, false), ..paired(kind) });
        // An empty message returns 0 as well.
        for facts in [&facts, &stopped] {
            if kind == STREAM {
                end.is("recv/end-of-file", facts);
            } else {
                end.may_be("recv/end-of-file", facts);
            }
            let outcome = Outcome::Misleads(Symptom::EndOfFile);
            predicts(Call::Recv, kind, facts, outcome, "recv/end-of-file");
        }
        end.is_not("recv/end-of-file", &with(paired(kind)));
        works(Call::Recv, kind, &with(OwnSocket { readable: Seen::Known(2), ..abandoned(kind) }));
    }
}

#[test]
fn an_empty_queue() {
    for kind in UNIX {
        let again = failed(Call::Recv, kind, Errno::EAGAIN);
        let by_flag = passing(paired(kind), not_waiting());
        let by_socket = with(OwnSocket { nonblocking: true, ..paired(kind) });
        for facts in [&by_flag, &by_socket] {
            again.is("recv/nothing-to-read", facts);
            again.is_not("recv/timed-out", facts);
            predicts(Call::Recv, kind, facts, fails(Errno::EAGAIN), "recv/nothing-to-read");
        }
        let patient = with(OwnSocket { receive_timeout_us: 200_000, ..paired(kind) });
        again.is("recv/timed-out", &patient);
        again.is_not("recv/nothing-to-read", &patient);
        predicts(Call::Recv, kind, &patient, fails(Errno::EAGAIN), "recv/timed-out");
        let endless = with(paired(kind));
        predicts(Call::Recv, kind, &endless, Outcome::Waits, "wait/nothing-to-read");
        Failed(Call::Recv, kind, Symptom::Hangs).is("wait/nothing-to-read", &endless);
        failed(Call::Recv, kind, Errno::EINTR).is("recv/interrupted", &endless);
    }
}

/// A datagram socket that is shut down for reading says EAGAIN for ever, if it does not wait.
#[test]
fn an_end_that_a_datagram_socket_does_not_show() {
    let own = OwnSocket { shutdown: shut(true, false), nonblocking: true, ..paired(DATAGRAM) };
    let again = fails(Errno::EAGAIN);
    predicts(Call::Recv, DATAGRAM, &with(own), again, "recv/nothing-to-read");
}

#[test]
fn a_message_longer_than_the_buffer() {
    for kind in [DATAGRAM, SEQPACKET] {
        let received = Some(Received { message_length: Some(5), descriptors: 0 });
        let arguments = Arguments { length: Some(2), received, ..Arguments::default() };
        let truncated = Failed(Call::Recv, kind, Symptom::MessageTruncated);
        let facts = passing(paired(kind), arguments);
        truncated.is("recv/message-truncated", &facts);
        assert!(truncated.diagnose(&facts).causes[0].because.contains("5 bytes, the buffer 2"));
    }
    let own = OwnSocket { readable: Seen::Known(5), ..paired(DATAGRAM) };
    let short = Arguments { length: Some(2), ..Arguments::default() };
    let outcome = Outcome::Misleads(Symptom::MessageTruncated);
    let facts = passing(own.clone(), short);
    predicts(Call::Recv, DATAGRAM, &facts, outcome, "recv/message-truncated");
    let enough = Arguments { length: Some(5), ..Arguments::default() };
    works(Call::Recv, DATAGRAM, &passing(own, enough));
}

#[test]
fn descriptors_that_found_no_place() {
    for kind in UNIX {
        let truncated = Failed(Call::Recv, kind, Symptom::ControlTruncated);
        let received = Some(Received { message_length: None, descriptors: 1 });
        let arguments = Arguments { control_length: Some(20), received, ..Arguments::default() };
        let facts = passing(paired(kind), arguments.clone());
        truncated.is("recv/descriptors-truncated", &facts);
        let because = &truncated.diagnose(&facts).causes[0].because;
        assert!(because.contains("1 descriptors arrived"), "{because}");
        assert!(because.contains("20 bytes") && because.contains("5 of 1024"), "{because}");
        // Credentials can be what was dropped.
        let options = SocketOptions { pass_credentials: true, ..SocketOptions::default() };
        let facts = passing(OwnSocket { options, ..paired(kind) }, arguments);
        truncated.may_be("recv/descriptors-truncated", &facts);
    }
}
