//! Options, requests, names, and `shutdown`.

use super::*;
use sunpath_core::fact::arguments::{OptionArgument, OptionNature};

fn option(nature: OptionNature) -> OptionArgument {
    OptionArgument {
        level: Some(1),
        name: 9999,
        level_known: Seen::Known(true),
        nature,
        ..OptionArgument::default()
    }
}

fn using(own: OwnSocket, option: OptionArgument) -> Facts {
    passing(own, Arguments { option: Some(option), ..Arguments::default() })
}

/// An option of this nature shows this cause, and a valid one does not.
fn shows(call: Call, kind: SocketType, nature: OptionNature, errno: Errno, id: &str) {
    let facts = using(OwnSocket::fresh(kind), option(nature));
    failed(call, kind, errno).is(id, &facts);
    predicts(call, kind, &facts, fails(errno), id);
    let valid = using(OwnSocket::fresh(kind), option(OptionNature::Valid));
    failed(call, kind, errno).is_not(id, &valid);
    works(call, kind, &valid);
}

#[test]
fn options_by_their_nature() {
    use OptionNature::*;
    for kind in UNIX {
        let (get, set, ioctl) = (Call::Getsockopt, Call::Setsockopt, Call::Ioctl);
        shows(set, kind, Unknown, Errno::ENOPROTOOPT, "option/unknown");
        shows(get, kind, Unknown, Errno::ENOPROTOOPT, "option/unknown");
        shows(set, kind, PeerName, Errno::ENOPROTOOPT, "option/read-only");
        shows(set, kind, PeerCredentials, Errno::ENOPROTOOPT, "option/read-only");
        shows(set, kind, ReadOnly, Errno::ENOPROTOOPT, "option/read-only");
        shows(set, kind, OtherSockets, Errno::EOPNOTSUPP, "option/not-for-this-socket");
        shows(ioctl, kind, OtherSockets, Errno::EOPNOTSUPP, "option/not-for-this-socket");
        shows(ioctl, kind, Unknown, Errno::ENOTTY, "option/unknown-request");
        shows(set, kind, Privileged, Errno::EPERM, "option/needs-privilege");
        shows(ioctl, kind, Privileged, Errno::EPERM, "option/needs-privilege");
        shows(get, kind, PeerCredentials, Errno::ENODATA, "option/no-peer-credentials");
    }
}

#[test]
fn a_level_that_the_family_lacks() {
    for call in [Call::Getsockopt, Call::Setsockopt] {
        let tcp = OptionArgument {
            level: Some(6),
            level_known: Seen::Known(false),
            ..option(OptionNature::Unknown)
        };
        let facts = using(OwnSocket::fresh(STREAM), tcp);
        failed(call, STREAM, Errno::EOPNOTSUPP).is("option/wrong-level", &facts);
        predicts(call, STREAM, &facts, fails(Errno::EOPNOTSUPP), "option/wrong-level");
        failed(call, STREAM, Errno::ENOPROTOOPT).is_not("option/unknown", &facts);
    }
}

#[test]
fn a_privilege_lifts_the_refusal() {
    let mut facts = using(OwnSocket::fresh(STREAM), option(OptionNature::Privileged));
    facts.caller.capabilities = Seen::Known(Capabilities(1 << Capabilities::NET_ADMIN));
    works(Call::Setsockopt, STREAM, &facts);
    failed(Call::Setsockopt, STREAM, Errno::EPERM).is_not("option/needs-privilege", &facts);
    facts.caller.capabilities = Seen::default();
    let d = diagnose(Call::Setsockopt, STREAM, None, &facts);
    assert_eq!(d.outcome, Outcome::Unknown);
}

#[test]
fn times_that_are_none() {
    for us in [-1, 1_000_000] {
        let time = OptionArgument { microseconds: Some(us), ..option(OptionNature::Valid) };
        let facts = using(OwnSocket::fresh(STREAM), time);
        failed(Call::Setsockopt, STREAM, Errno::EDOM).is("option/bad-time", &facts);
        predicts(Call::Setsockopt, STREAM, &facts, fails(Errno::EDOM), "option/bad-time");
    }
    let time = OptionArgument { microseconds: Some(999_999), ..option(OptionNature::Valid) };
    works(Call::Setsockopt, STREAM, &using(OwnSocket::fresh(STREAM), time));
}

#[test]
fn values_that_are_too_short() {
    for (call, length, least) in [(Call::Setsockopt, 1, 4), (Call::Getsockopt, -1, 0)] {
        let of = |length| OptionArgument { length: Some(length), ..option(OptionNature::Valid) };
        let facts = using(OwnSocket::fresh(STREAM), of(length));
        failed(call, STREAM, Errno::EINVAL).is("option/bad-length", &facts);
        predicts(call, STREAM, &facts, fails(Errno::EINVAL), "option/bad-length");
        works(call, STREAM, &using(OwnSocket::fresh(STREAM), of(least)));
    }
}

#[test]
fn filters_that_are_too_large() {
    let filter =
        |bytes| OptionArgument { filter_bytes: Some(bytes), ..option(OptionNature::Valid) };
    let facts = using(OwnSocket::fresh(STREAM), filter(160_000));
    failed(Call::Setsockopt, STREAM, Errno::ENOMEM).is("option/filter-too-large", &facts);
    predicts(Call::Setsockopt, STREAM, &facts, fails(Errno::ENOMEM), "option/filter-too-large");
    works(Call::Setsockopt, STREAM, &using(OwnSocket::fresh(STREAM), filter(100_000)));
}

#[test]
fn questions_about_a_peer() {
    let option = option(OptionNature::PeerCredentials);
    works(Call::Getsockopt, STREAM, &using(paired(STREAM), option.clone()));
    works(Call::Getsockopt, STREAM, &using(listening(STREAM), option));
    // A label that no security module gives.
    let label = using(paired(STREAM), self::option(OptionNature::ReadOnly));
    failed(Call::Getsockopt, STREAM, Errno::ENOPROTOOPT).is("option/unknown", &label);
    works(Call::Getsockopt, STREAM, &label);
    for own in [OwnSocket::fresh(STREAM), listening(STREAM), OwnSocket::fresh(DATAGRAM)] {
        let (kind, facts) = (own.kind, with(own));
        failed(Call::Getpeername, kind, Errno::ENOTCONN).is("name/no-peer", &facts);
        predicts(Call::Getpeername, kind, &facts, fails(Errno::ENOTCONN), "name/no-peer");
    }
    let name = self::option(OptionNature::PeerName);
    let unnamed = using(OwnSocket::fresh(STREAM), name.clone());
    failed(Call::Getsockopt, STREAM, Errno::ENOTCONN).is("name/no-peer", &unnamed);
    predicts(Call::Getsockopt, STREAM, &unnamed, fails(Errno::ENOTCONN), "name/no-peer");
    works(Call::Getsockopt, STREAM, &using(paired(STREAM), name));
    // Linux keeps the name of a peer that has closed.
    failed(Call::Getpeername, STREAM, Errno::ENOTCONN)
        .is_not("name/no-peer", &with(abandoned(STREAM)));
    works(Call::Getpeername, STREAM, &with(abandoned(STREAM)));
}

#[test]
fn bytes_of_a_listener() {
    let counts = option(OptionNature::ReadableBytes);
    for kind in CONNECTED {
        let facts = using(listening(kind), counts.clone());
        failed(Call::Ioctl, kind, Errno::EINVAL).is("option/queue-of-listener", &facts);
        predicts(Call::Ioctl, kind, &facts, fails(Errno::EINVAL), "option/queue-of-listener");
        works(Call::Ioctl, kind, &using(paired(kind), counts.clone()));
    }
}

#[test]
fn directions_that_are_none() {
    for direction in [-1, 3] {
        let arguments = Arguments { direction: Some(direction), ..Arguments::default() };
        let facts = passing(paired(STREAM), arguments);
        failed(Call::Shutdown, STREAM, Errno::EINVAL).is("shutdown/bad-direction", &facts);
        predicts(Call::Shutdown, STREAM, &facts, fails(Errno::EINVAL), "shutdown/bad-direction");
    }
    let both = Arguments { direction: Some(2), ..Arguments::default() };
    works(Call::Shutdown, STREAM, &passing(OwnSocket::fresh(STREAM), both));
}
