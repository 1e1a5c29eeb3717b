//! What was seen then and what is so now: elimination among causes that have changed proves little,
//! and what cannot be looked at is not taken for success.

mod scene;

use scene::*;
use sunpath_core::fact::Arguments;
use sunpath_core::fact::caller::{Capabilities, Ids};
use sunpath_core::fact::path::End;
use sunpath_core::fact::process::ProcessState;
use sunpath_core::fact::socket::{Peer, State};
use sunpath_core::fact::{Process, Seen};
use sunpath_core::{
    Call, Certainty, Diagnosis, Errno, Facts, Outcome, SocketType, Symptom, Unexplained, diagnose,
};

fn failed(call: Call, errno: Errno, facts: &Facts) -> Diagnosis {
    diagnose(call, SocketType::Stream, Some(errno.into()), facts)
}

fn named(d: &Diagnosis) -> Vec<(&str, Certainty)> {
    d.causes.iter().map(|r| (r.cause.id, r.certainty)).collect()
}

const CHANGED: Option<Unexplained> = Some(Unexplained::Excluded { now: Outcome::Succeeds });

#[test]
fn a_refusal_by_a_server_that_is_well_now_is_a_change_and_no_exotic_cause() {
    let d = failed(Call::Connect, Errno::ECONNREFUSED, &healthy());
    assert_eq!(d.outcome, Outcome::Fails(Errno::ECONNREFUSED));
    assert_eq!(d.unexplained, CHANGED);
    assert_eq!(named(&d), [("connect/listener-closed-while-waiting", Certainty::Possible)]);
    assert!(!d.explained() && d.to_string().contains("situation has changed"), "{d}");
    // Who knows that it waited knows more.
    let mut waited = own(State::Unconnected);
    waited.history.blocked = true;
    let d = failed(Call::Connect, Errno::ECONNREFUSED, &holding(healthy(), waited));
    assert_eq!(named(&d), [("connect/listener-closed-while-waiting", Certainty::Likely)]);
    assert_eq!(d.unexplained, None);
}

#[test]
fn the_only_cause_of_a_symptom_is_likely_even_if_it_is_over() {
    let d = failed(Call::Connect, Errno::EINTR, &healthy());
    assert_eq!(named(&d), [("connect/interrupted", Certainty::Likely)]);
    assert_eq!(d.unexplained, None);
}

fn root(mode: u32) -> Facts {
    with(|f| {
        f.caller.ids = Seen::Known(Ids::default());
        f.caller.capabilities = Seen::Known(Capabilities(u64::MAX));
        file(f).mode = mode;
    })
}

#[test]
fn root_is_told_that_modes_do_not_bind_it() {
    let directory = with(|f| {
        *f = root(0o666);
        walk(f).steps[1].mode = 0o700;
    });
    for facts in [root(0o660), root(0o755), directory] {
        let d = failed(Call::Connect, Errno::EACCES, &facts);
        assert_eq!(named(&d), [("connect/security-module", Certainty::Possible)]);
        assert_eq!(d.unexplained, CHANGED);
        assert!(d.causes[0].because.contains("ran as another user"), "{d}");
    }
    // Everybody may pass, or the process that failed looked at itself: it was not another user.
    for facts in [root(0o666), holding(root(0o660), own(State::Unconnected))] {
        let d = failed(Call::Connect, Errno::EACCES, &facts);
        assert_eq!(named(&d), [("connect/security-module", Certainty::Likely)]);
    }
}

#[test]
fn a_path_that_breaks_for_no_known_reason_does_not_lead_to_success() {
    let broken = |errno| {
        with(|f| {
            walk(f).steps.pop();
            walk(f).named = None;
            walk(f).end = End::Failed { errno };
        })
    };
    let outcome = |call, socket, facts: &Facts| diagnose(call, socket, None, facts).outcome;
    for errno in [Errno::EIO, Errno::ENOMEM] {
        let facts = broken(Some(errno));
        for call in [Call::Connect, Call::Bind] {
            assert_eq!(outcome(call, SocketType::Stream, &facts), Outcome::Fails(errno), "{call}");
        }
        assert_eq!(outcome(Call::Send, SocketType::Datagram, &facts), Outcome::Fails(errno));
        // A send on a connection does not look the path up.
        assert_eq!(outcome(Call::Send, SocketType::Stream, &facts), Outcome::Succeeds);
    }
    assert_eq!(outcome(Call::Connect, SocketType::Stream, &broken(None)), Outcome::Unknown);
    let denied = broken(Some(Errno::EACCES));
    let refused = Outcome::Fails(Errno::EACCES);
    assert_eq!(outcome(Call::Connect, SocketType::Stream, &denied), refused);
}

/// A datagram receiver with so many bytes to read in its first message.
fn receiver(bytes: u32) -> Facts {
    with(|f| {
        let mut socket = datagram(b"/run/app.sock", INODE);
        socket.queued_bytes = Seen::Known(bytes);
        *attached(f) = vec![socket];
    })
}

#[test]
fn a_receiver_with_unread_messages_may_be_full() {
    let predict = |facts: &Facts| diagnose(Call::Send, SocketType::Datagram, None, facts);
    let arguments = |nonblocking| Facts {
        arguments: Arguments { nonblocking, ..Arguments::default() },
        ..receiver(5)
    };
    let (fails, waits) = ("send/receiver-queue-full", "wait/receiver-queue-full");
    for (nonblocking, ids) in
        [(None, vec![fails, waits]), (Some(true), vec![fails]), (Some(false), vec![waits])]
    {
        let d = predict(&arguments(nonblocking));
        assert_eq!(d.outcome, Outcome::Unknown);
        let possible: Vec<_> = ids.iter().map(|id| (*id, Certainty::Possible)).collect();
        assert_eq!(named(&d), possible);
        assert!(d.unseen[0].what.contains("number of messages waiting"), "{d}");
    }
    assert_eq!(predict(&receiver(0)).outcome, Outcome::Succeeds);
    let seen = Some(Symptom::Errno(Errno::EAGAIN));
    let d = diagnose(Call::Send, SocketType::Datagram, seen, &receiver(5));
    assert_eq!(named(&d)[0], (fails, Certainty::Likely));
}

#[test]
fn the_queue_has_no_bound_for_the_receivers_own_peer() {
    let predict = |mut facts: Facts, peer| {
        let mut mine = own(State::Unconnected);
        mine.kind = SocketType::Datagram;
        attached(&mut facts)[0].peer = peer;
        diagnose(Call::Send, SocketType::Datagram, None, &holding(facts, mine)).outcome
    };
    assert_eq!(predict(receiver(5), None), Outcome::Unknown);
    assert_eq!(predict(receiver(5), Some(4242)), Outcome::Succeeds);
}

#[test]
fn a_call_that_was_told_to_wait_waits_whatever_the_socket_is_set_to() {
    let stopped = Process { state: Seen::Known(ProcessState::Stopped), ..server() };
    let mut mine = own(State::Connected);
    mine.nonblocking = true;
    mine.peer = Seen::Known(Some(Peer { process: Seen::Known(stopped), ..Peer::default() }));
    let mut facts = holding(Facts::default(), mine);
    facts.arguments.nonblocking = Some(false);
    let id = |symptom| {
        let d = diagnose(Call::Recv, SocketType::Stream, symptom, &facts);
        d.causes.first().map(|r| r.cause.id)
    };
    assert_eq!(id(None), Some("wait/server-stopped"));
    assert_eq!(id(Some(Symptom::Hangs)), id(None));
}
