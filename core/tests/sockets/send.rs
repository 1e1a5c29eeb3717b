//! `send`: states, destinations, room.

use super::*;
use sunpath_core::Errno::*;
use sunpath_core::fact::arguments::AddressArgument;
use sunpath_core::fact::socket::History;
use sunpath_core::fact::{AbstractTarget, SocketFact, Target};

/// To an abstract name to which this socket is bound.
fn to(receiver: SocketFact) -> Target {
    let bound = Seen::Known(vec![receiver]);
    Target::Abstract(AbstractTarget { name: b"app".to_vec(), bound, ..AbstractTarget::default() })
}

fn receiver() -> SocketFact {
    SocketFact { name: Some(b"\0app".to_vec()), ..SocketFact::new(88, DATAGRAM) }
}

/// An address that was passed to a stream.
fn given() -> Arguments {
    let address = Some(AddressArgument { length: 10, family: None });
    Arguments { address, ..Arguments::default() }
}

#[test]
fn no_connection() {
    for kind in CONNECTED {
        for own in [OwnSocket::fresh(kind), listening(kind)] {
            failed(Call::Send, kind, ENOTCONN).is("send/not-connected", &with(own.clone()));
            predicts(Call::Send, kind, &with(own), fails(ENOTCONN), "send/not-connected");
        }
        failed(Call::Send, kind, ENOTCONN).is_not("send/not-connected", &with(paired(kind)));
    }
}

#[test]
fn no_destination() {
    let lost = failed(Call::Send, DATAGRAM, ENOTCONN);
    let facts = with(OwnSocket::fresh(DATAGRAM));
    lost.is("send/no-destination", &facts);
    predicts(Call::Send, DATAGRAM, &facts, fails(ENOTCONN), "send/no-destination");
    let addressed = Facts { target: to(receiver()), ..facts };
    lost.is_not("send/no-destination", &addressed);
    works(Call::Send, DATAGRAM, &addressed);
    lost.is_not("send/no-destination", &with(paired(DATAGRAM)));
}

#[test]
fn a_reset_that_waits() {
    let pending = Seen::Known(Some(ECONNRESET));
    let own = OwnSocket { pending_error: pending, ..abandoned(SEQPACKET) };
    predicts(Call::Send, SEQPACKET, &with(own.clone()), fails(ECONNRESET), "send/pending-reset");
    let reset = failed(Call::Send, SEQPACKET, ECONNRESET);
    reset.is("send/pending-reset", &with(own.clone()));
    reset.is("send/pending-reset", &with(abandoned(SEQPACKET)));
    reset.is_not("send/pending-reset", &with(paired(SEQPACKET)));
    // A stream leaves it to recv.
    let stream = OwnSocket { kind: STREAM, ..own };
    predicts(Call::Send, STREAM, &with(stream), fails(EPIPE), "send/peer-closed");
}

#[test]
fn the_peer_has_closed() {
    for kind in CONNECTED {
        let facts = with(abandoned(kind));
        let broken = failed(Call::Send, kind, EPIPE);
        broken.is("send/peer-closed", &facts);
        broken.is_not("send/after-shutdown", &facts);
        broken.is_not("send/peer-stopped-reading", &facts);
        predicts(Call::Send, kind, &facts, fails(EPIPE), "send/peer-closed");
    }
}

#[test]
fn sending_was_shut_down() {
    for kind in UNIX {
        let broken = failed(Call::Send, kind, EPIPE);
        let told = History { shut_down_sending: true, ..History::default() };
        let own = OwnSocket { shutdown: shut(false, true), ..paired(kind) };
        let facts = with(OwnSocket { history: told, ..own.clone() });
        broken.is("send/after-shutdown", &facts);
        predicts(Call::Send, kind, &facts, fails(EPIPE), "send/after-shutdown");
        if kind == DATAGRAM {
            broken.is("send/after-shutdown", &with(own));
        } else {
            // The kernel marks both ends alike, so it may have been the peer.
            let d = broken.diagnose(&with(own));
            let ids: Vec<_> = d.causes.iter().map(|r| r.cause.id).collect();
            assert_eq!(ids, ["send/after-shutdown", "send/peer-stopped-reading"]);
            assert!(d.causes.iter().all(|r| r.certainty == Certainty::Likely));
        }
        broken.is_not("send/after-shutdown", &with(paired(kind)));
    }
}

#[test]
fn a_datagram_receiver_that_stopped_reading() {
    let broken = failed(Call::Send, DATAGRAM, EPIPE);
    let theirs = Peer { shutdown: shut(true, false), ..peer() };
    let own = OwnSocket { peer: Seen::Known(Some(theirs)), ..paired(DATAGRAM) };
    broken.is("send/peer-stopped-reading", &with(own.clone()));
    predicts(Call::Send, DATAGRAM, &with(own), fails(EPIPE), "send/peer-stopped-reading");
    let shut = Directions { read: true, write: false };
    let target = to(SocketFact { shutdown: shut, ..receiver() });
    let facts = Facts { target, ..with(OwnSocket::fresh(DATAGRAM)) };
    broken.is("send/peer-stopped-reading", &facts);
}

#[test]
fn the_peer_closed_during_the_call() {
    let reset = failed(Call::Send, STREAM, ECONNRESET);
    let blocked = History { blocked: true, ..History::default() };
    let own = OwnSocket { history: blocked, ..abandoned(STREAM) };
    reset.is("send/peer-closed-while-blocked", &with(own));
    reset.is("send/peer-closed-while-blocked", &with(abandoned(STREAM)));
    reset.is_not("send/peer-closed-while-blocked", &with(paired(STREAM)));
}

#[test]
fn a_datagram_receiver_that_closed() {
    let refused = failed(Call::Send, DATAGRAM, ECONNREFUSED);
    let before = with(abandoned(DATAGRAM));
    refused.is(
        "send/receiver-closed",
        &with(OwnSocket { shutdown: shut(false, false), ..abandoned(DATAGRAM) }),
    );
    // The call dissolves the association.
    refused.is("send/receiver-closed", &with(OwnSocket::fresh(DATAGRAM)));
    refused.is("send/receiver-closed", &Facts { descriptor: Seen::default(), ..before });
    refused.is_not("send/receiver-closed", &with(paired(DATAGRAM)));
    let addressed = Facts { target: to(receiver()), ..with(OwnSocket::fresh(DATAGRAM)) };
    refused.is_not("send/receiver-closed", &addressed);
}

#[test]
fn an_address_for_a_stream() {
    let connected = passing(paired(STREAM), given());
    let isconn = failed(Call::Send, STREAM, EISCONN);
    isconn.is("send/address-on-connected-stream", &connected);
    predicts(Call::Send, STREAM, &connected, fails(EISCONN), "send/address-on-connected-stream");
    let fresh = passing(OwnSocket::fresh(STREAM), given());
    let nosupport = failed(Call::Send, STREAM, EOPNOTSUPP);
    nosupport.is("send/address-on-unconnected-stream", &fresh);
    let predicted = "send/address-on-unconnected-stream";
    predicts(Call::Send, STREAM, &fresh, fails(EOPNOTSUPP), predicted);
    isconn.is_not("send/address-on-connected-stream", &fresh);
    nosupport.is_not("send/address-on-unconnected-stream", &connected);
}

/// Other systems and unix(7) have an error for it; Linux has not.
#[test]
fn an_address_for_connected_messages() {
    let datagram = Facts { target: to(receiver()), ..with(paired(DATAGRAM)) };
    works(Call::Send, DATAGRAM, &datagram);
    let d = failed(Call::Send, DATAGRAM, EISCONN).diagnose(&datagram);
    assert!(d.causes.is_empty() && !d.explained());
    works(Call::Send, SEQPACKET, &passing(paired(SEQPACKET), given()));
}

#[test]
fn urgent_data() {
    let urgent = |length| Arguments { urgent: true, length: Some(length), ..Arguments::default() };
    for kind in [DATAGRAM, SEQPACKET] {
        let facts = passing(paired(kind), urgent(1));
        failed(Call::Send, kind, EOPNOTSUPP).is("send/no-urgent-data", &facts);
        predicts(Call::Send, kind, &facts, fails(EOPNOTSUPP), "send/no-urgent-data");
    }
    let nosupport = failed(Call::Send, STREAM, EOPNOTSUPP);
    let facts = passing(paired(STREAM), urgent(0));
    nosupport.is("send/empty-urgent-data", &facts);
    predicts(Call::Send, STREAM, &facts, fails(EOPNOTSUPP), "send/empty-urgent-data");
    nosupport.is_not("send/empty-urgent-data", &passing(paired(STREAM), urgent(1)));
    works(Call::Send, STREAM, &passing(paired(STREAM), urgent(1)));
}

#[test]
fn a_receiver_with_another_peer() {
    let denied = failed(Call::Send, DATAGRAM, EPERM);
    let taken = |peer| to(SocketFact { peer: Some(peer), ..receiver() });
    let sender = OwnSocket { inode: 76, ..OwnSocket::fresh(DATAGRAM) };
    let facts = Facts { target: taken(5), ..with(sender.clone()) };
    denied.is("send/receiver-has-another-peer", &facts);
    predicts(Call::Send, DATAGRAM, &facts, fails(EPERM), "send/receiver-has-another-peer");
    let ours = Facts { target: taken(76), ..with(sender) };
    denied.is_not("send/receiver-has-another-peer", &ours);
    works(Call::Send, DATAGRAM, &ours);
    let elsewhere = Peer { mutual: false.into(), elsewhere: true.into(), ..peer() };
    let own = OwnSocket { peer: Seen::Known(Some(elsewhere)), ..paired(DATAGRAM) };
    denied.is("send/receiver-has-another-peer", &with(own));
    denied.is_not("send/receiver-has-another-peer", &with(paired(DATAGRAM)));
}

/// A sender whose buffer is full.
fn full(kind: SocketType) -> OwnSocket {
    OwnSocket { unread_by_peer: Seen::Known(213_504), ..paired(kind) }
}

#[test]
fn a_full_buffer() {
    for kind in UNIX {
        let again = failed(Call::Send, kind, EAGAIN);
        let facts = passing(full(kind), not_waiting());
        again.is("send/buffer-full", &facts);
        again.is_not("send/timed-out", &facts);
        predicts(Call::Send, kind, &facts, fails(EAGAIN), "send/buffer-full");
        // By now the peer has read: nothing else can have been the reason on a pair.
        again.is("send/buffer-full", &passing(paired(kind), not_waiting()));
        let patient = with(OwnSocket { send_timeout_us: 200_000, ..full(kind) });
        again.is("send/timed-out", &patient);
        again.is_not("send/buffer-full", &patient);
        predicts(Call::Send, kind, &patient, fails(EAGAIN), "send/timed-out");
        let endless = with(full(kind));
        predicts(Call::Send, kind, &endless, Outcome::Waits, "wait/send-buffer-full");
        Failed(Call::Send, kind, Symptom::Hangs).is("wait/send-buffer-full", &endless);
        failed(Call::Send, kind, EINTR).is("send/interrupted", &endless);
        // One that waits goes on only when three quarters are free.
        let half = with(OwnSocket { unread_by_peer: Seen::Known(100_000), ..paired(kind) });
        Failed(Call::Send, kind, Symptom::Hangs).is("wait/send-buffer-full", &half);
        works(Call::Send, kind, &half);
    }
}

#[test]
fn a_full_queue_of_datagrams() {
    let again = failed(Call::Send, DATAGRAM, EAGAIN);
    let queue = Seen::Known(Backlog { pending: 11, limit: 10 });
    let theirs = Peer { mutual: false.into(), queue, ..peer() };
    let own = OwnSocket { peer: Seen::Known(Some(theirs)), ..paired(DATAGRAM) };
    let facts = passing(own.clone(), not_waiting());
    again.is("send/receiver-queue-full", &facts);
    again.is_not("send/buffer-full", &facts);
    predicts(Call::Send, DATAGRAM, &facts, fails(EAGAIN), "send/receiver-queue-full");
    predicts(Call::Send, DATAGRAM, &with(own.clone()), Outcome::Waits, "wait/receiver-queue-full");
    Failed(Call::Send, DATAGRAM, Symptom::Hangs).is("wait/receiver-queue-full", &with(own));
    // By address nothing shows the number of messages: it is likely, because the buffer has room.
    let target = to(SocketFact { queued_bytes: Seen::Known(1), ..receiver() });
    let stranger = passing(OwnSocket::fresh(DATAGRAM), not_waiting());
    let facts = Facts { target, ..stranger };
    again.may_be("send/receiver-queue-full", &facts);
    let d = diagnose(Call::Send, DATAGRAM, None, &facts);
    assert_eq!(d.outcome, Outcome::Unknown, "it may be full");
    again.is_not("send/receiver-queue-full", &passing(full(DATAGRAM), not_waiting()));
}
