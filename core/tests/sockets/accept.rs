//! `listen` and `accept`.

use super::*;

#[test]
fn listen_on_a_datagram_socket() {
    let facts = with(OwnSocket::fresh(DATAGRAM));
    failed(Call::Listen, DATAGRAM, Errno::EOPNOTSUPP).is("listen/datagram", &facts);
    predicts(Call::Listen, DATAGRAM, &facts, fails(Errno::EOPNOTSUPP), "listen/datagram");
}

#[test]
fn listen_without_a_name_or_on_a_connection() {
    for kind in CONNECTED {
        let einval = failed(Call::Listen, kind, Errno::EINVAL);
        let unbound = with(OwnSocket::fresh(kind));
        einval.is("listen/unbound", &unbound);
        einval.is_not("listen/connected", &unbound);
        predicts(Call::Listen, kind, &unbound, fails(Errno::EINVAL), "listen/unbound");
        let accepted = with(OwnSocket { name: b"\0app".to_vec(), ..paired(kind) });
        einval.is("listen/connected", &accepted);
        einval.is_not("listen/unbound", &accepted);
        // A connected socket without a name is stopped by the lack of one.
        einval.is("listen/unbound", &with(paired(kind)));
        let unseen = einval.diagnose(&Facts::default());
        assert_eq!(unseen.causes.len(), 2);
        assert_eq!(unseen.causes[0].certainty, Certainty::Possible);
        assert_eq!(unseen.unseen[0].what, "the state of the caller's socket");
    }
}

#[test]
fn accept_on_what_is_no_listener() {
    let datagram = with(OwnSocket::fresh(DATAGRAM));
    failed(Call::Accept, DATAGRAM, Errno::EOPNOTSUPP).is("accept/datagram", &datagram);
    for kind in CONNECTED {
        let einval = failed(Call::Accept, kind, Errno::EINVAL);
        for own in [OwnSocket::fresh(kind), paired(kind)] {
            einval.is("accept/not-listening", &with(own.clone()));
            einval.is_not("accept/shut-down", &with(own));
        }
    }
}

#[test]
fn accept_on_a_listener_that_was_shut_down() {
    for kind in CONNECTED {
        let own = OwnSocket { shutdown: shut(true, false), ..listening(kind) };
        let facts = with(own.clone());
        failed(Call::Accept, kind, Errno::EINVAL).is("accept/shut-down", &facts);
        predicts(Call::Accept, kind, &facts, fails(Errno::EINVAL), "accept/shut-down");
        let waiting = Some(Backlog { pending: 1, limit: 8 });
        works(Call::Accept, kind, &with(OwnSocket { backlog: waiting, ..own.clone() }));
        let never_waits = with(OwnSocket { nonblocking: true, ..own });
        let again = fails(Errno::EAGAIN);
        predicts(Call::Accept, kind, &never_waits, again, "accept/nothing-pending");
    }
}

#[test]
fn accept_with_an_empty_queue() {
    for kind in CONNECTED {
        let again = failed(Call::Accept, kind, Errno::EAGAIN);
        let never_waits = with(OwnSocket { nonblocking: true, ..listening(kind) });
        again.is("accept/nothing-pending", &never_waits);
        again.is_not("accept/timed-out", &never_waits);
        predicts(Call::Accept, kind, &never_waits, fails(Errno::EAGAIN), "accept/nothing-pending");
        let patient = with(OwnSocket { receive_timeout_us: 1_500_000, ..listening(kind) });
        again.is("accept/timed-out", &patient);
        again.is_not("accept/nothing-pending", &patient);
        let because = &again.diagnose(&patient).causes[0].because;
        assert!(because.contains("1.500 s"), "{because}");
        let endless = with(listening(kind));
        predicts(Call::Accept, kind, &endless, Outcome::Waits, "wait/nothing-pending");
        Failed(Call::Accept, kind, Symptom::Hangs).is("wait/nothing-pending", &endless);
    }
}

#[test]
fn accept_with_a_flag_or_a_length_that_is_none() {
    use sunpath_core::fact::arguments::AddressArgument;
    let einval = failed(Call::Accept, STREAM, Errno::EINVAL);
    let flag = Arguments { unknown_flag: true, ..Arguments::default() };
    let facts = passing(listening(STREAM), flag);
    einval.is("accept/unknown-flag", &facts);
    predicts(Call::Accept, STREAM, &facts, fails(Errno::EINVAL), "accept/unknown-flag");
    let address = Some(AddressArgument { length: -1, family: None });
    let length = Arguments { address, ..Arguments::default() };
    einval.is("name/bad-address-length", &passing(listening(STREAM), length.clone()));
    einval.is("accept/not-listening", &passing(paired(STREAM), length.clone()));
    for call in [Call::Getsockname, Call::Getpeername] {
        let facts = passing(paired(STREAM), length.clone());
        failed(call, STREAM, Errno::EINVAL).is("name/bad-address-length", &facts);
        predicts(call, STREAM, &facts, fails(Errno::EINVAL), "name/bad-address-length");
    }
}

#[test]
fn accept_without_a_descriptor() {
    let mut facts = with(listening(STREAM));
    let emfile = failed(Call::Accept, STREAM, Errno::EMFILE);
    emfile.may_be("accept/descriptor-limit", &facts);
    facts.caller.descriptors = Seen::Known(DescriptorUse { used: 64, limit: 64 });
    emfile.is("accept/descriptor-limit", &facts);
    predicts(Call::Accept, STREAM, &facts, fails(Errno::EMFILE), "accept/descriptor-limit");
}
