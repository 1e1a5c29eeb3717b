//! Causes on internet sockets, recognised in facts.

use sunpath_core::fact::arguments::{AddressArgument, Family};
use sunpath_core::fact::caller::{Capabilities, UserNamespace};
use sunpath_core::fact::inet::{InetSocket, InetTarget, Neighbour, Route};
use sunpath_core::fact::socket::{Backlog, Descriptor, History, OwnSocket, State};
use sunpath_core::fact::{Facts, Process, Seen, Target, Unseen};
use sunpath_core::{Call, Certainty, Diagnosis, Errno, Outcome, SocketType, Symptom, diagnose};

fn target(address: &str, route: Route, is_local: bool) -> InetTarget {
    InetTarget {
        host: address.into(),
        port: 80,
        addresses: vec![address.parse().unwrap()].into(),
        route: route.into(),
        listeners: vec![].into(),
        is_local: is_local.into(),
        in_use_by: vec![].into(),
        ..InetTarget::default()
    }
}

fn local() -> InetTarget {
    target("127.0.0.1", Route::Local, true)
}

fn remote() -> InetTarget {
    let gateway = Some("192.0.2.254".parse().unwrap());
    target("192.0.2.1", Route::Unicast { device: "eth0".into(), gateway }, false)
}

fn to(target: InetTarget) -> Facts {
    Facts { target: Target::Inet(target), ..Facts::default() }
}

fn listener(at: &str, pending: u32, limit: u32) -> InetSocket {
    let process = Process { pid: 42, name: "httpd".into(), ..Process::default() };
    InetSocket {
        inode: 7,
        local: at.parse().unwrap(),
        remote: None,
        listening: true,
        v6_only: false,
        backlog: Some(Backlog { pending, limit }),
        owners: vec![process].into(),
    }
}

fn own(kind: SocketType) -> OwnSocket {
    OwnSocket::fresh(kind)
}

fn with(facts: Facts, own: OwnSocket) -> Facts {
    Facts { descriptor: Descriptor::Socket(own).into(), ..facts }
}

fn predict(call: Call, socket: SocketType, facts: &Facts) -> Diagnosis {
    diagnose(call, socket, None, facts)
}

fn seen(call: Call, socket: SocketType, errno: Errno, facts: &Facts) -> Diagnosis {
    diagnose(call, socket, Some(Symptom::Errno(errno)), facts)
}

#[track_caller]
fn expect(diagnosis: &Diagnosis, outcome: Outcome, id: &str, certainty: Certainty) {
    assert_eq!(diagnosis.outcome, outcome, "{diagnosis:?}");
    let first = &diagnosis.causes[0];
    assert_eq!((first.cause.id, first.certainty), (id, certainty), "{diagnosis:?}");
}

use Call::{Bind, Connect, Recv, Send};
use Certainty::{Certain, Likely, Possible};
use Outcome::{Fails, Succeeds, Unknown};
use SocketType::{Tcp, Udp};

#[test]
fn a_local_port_without_listener_refuses() {
    let d = predict(Connect, Tcp, &to(local()));
    expect(&d, Fails(Errno::ECONNREFUSED), "connect/refused-inet", Certain);
    assert!(d.causes[0].because.contains("port 80 of 127.0.0.1"));
    assert_eq!(d.causes[0].commands[0], "ss -lntup sport = :80");
    assert_eq!(predict(Connect, Udp, &to(local())).outcome, Succeeds);
}

#[test]
fn a_listener_on_another_address_is_named() {
    let other = vec![listener("192.0.2.7:80", 0, 5)];
    let d = predict(Connect, Tcp, &to(InetTarget { in_use_by: other.into(), ..local() }));
    expect(&d, Fails(Errno::ECONNREFUSED), "connect/refused-inet", Certain);
    assert!(d.causes[0].because.contains("192.0.2.7:80 only"), "{d:?}");
}

#[test]
fn a_listener_with_room_is_healthy() {
    let facts = to(InetTarget { listeners: vec![listener("0.0.0.0:80", 0, 5)].into(), ..local() });
    let d = predict(Connect, Tcp, &facts);
    assert_eq!((d.outcome, d.causes.len()), (Succeeds, 0), "{d:?}");
    // It refused all the same: something else does, which is not to be seen.
    let d = seen(Connect, Tcp, Errno::ECONNREFUSED, &facts);
    expect(&d, Fails(Errno::ECONNREFUSED), "connect/refused-inet", Likely);
}

#[test]
fn a_full_accept_queue_ends_in_silence() {
    let full = vec![listener("127.0.0.1:80", 6, 5)];
    let facts = to(InetTarget { listeners: full.into(), ..local() });
    let d = predict(Connect, Tcp, &facts);
    expect(&d, Fails(Errno::ETIMEDOUT), "connect/timed-out-inet", Likely);
    let d = seen(Connect, Tcp, Errno::ETIMEDOUT, &facts);
    expect(&d, Fails(Errno::ETIMEDOUT), "connect/timed-out-inet", Certain);
}

#[test]
fn a_remote_host_cannot_be_judged_from_here() {
    let d = predict(Connect, Tcp, &to(remote()));
    assert_eq!(d.outcome, Unknown);
    let ids: Vec<_> = d.causes.iter().map(|r| (r.cause.id, r.certainty)).collect();
    assert_eq!(
        ids,
        [("connect/refused-inet", Possible), ("connect/timed-out-inet", Possible)],
        "{d:?}"
    );
    assert!(d.unseen.iter().any(|u| u.what == "whether the remote host listens on the port"));
    for (errno, id) in [
        (Errno::ECONNREFUSED, "connect/refused-inet"),
        (Errno::ETIMEDOUT, "connect/timed-out-inet"),
        (Errno::EHOSTUNREACH, "connect/host-unreachable"),
        (Errno::ECONNRESET, "connect/reset-inet"),
        (Errno::EINTR, "connect/interrupted-inet"),
    ] {
        expect(&seen(Connect, Tcp, errno, &to(remote())), Fails(errno), id, Certain);
    }
}

#[test]
fn routes_decide() {
    let by = |route| to(target("192.0.2.255", route, false));
    let cases = [
        (Route::None, Udp, Errno::ENETUNREACH, "connect/network-unreachable"),
        (Route::None, Tcp, Errno::ENETUNREACH, "connect/network-unreachable"),
        (Route::Broadcast, Tcp, Errno::ENETUNREACH, "connect/network-unreachable"),
        (Route::Multicast, Tcp, Errno::ENETUNREACH, "connect/network-unreachable"),
        (Route::Unreachable, Udp, Errno::EHOSTUNREACH, "connect/host-unreachable"),
        (Route::Unreachable, Tcp, Errno::EHOSTUNREACH, "connect/host-unreachable"),
        (Route::Prohibited, Udp, Errno::EACCES, "connect/route-prohibited"),
        (Route::Prohibited, Tcp, Errno::EACCES, "connect/route-prohibited"),
        (Route::Blackhole, Tcp, Errno::EINVAL, "connect/route-blackhole"),
        (Route::Broadcast, Udp, Errno::EACCES, "connect/broadcast-not-allowed"),
    ];
    for (route, socket, errno, id) in cases {
        let facts = by(route);
        expect(&predict(Connect, socket, &facts), Fails(errno), id, Certain);
        expect(&seen(Connect, socket, errno, &facts), Fails(errno), id, Certain);
    }
    assert_eq!(predict(Connect, Udp, &by(Route::Multicast)).outcome, Succeeds);
    let mut may = own(Udp);
    may.options.broadcast = true;
    assert_eq!(predict(Connect, Udp, &with(by(Route::Broadcast), may)).outcome, Succeeds);
}

#[test]
fn a_route_that_is_not_seen_leaves_the_outcome_open() {
    let facts = to(InetTarget { route: Seen::default(), ..remote() });
    let d = predict(Connect, Udp, &facts);
    assert_eq!(d.outcome, Unknown);
    assert_eq!(d.unseen[0].what, "the route to the address");
}

#[test]
fn a_name_without_an_address_is_one_gap_not_three() {
    let error = "Name or service not known".to_string();
    let addresses = Seen::Unseen(Unseen::Failed { error });
    let host = "nosuch.invalid".to_string();
    let facts = to(InetTarget { host, port: 80, addresses, ..Default::default() });
    for socket in [Tcp, Udp] {
        let d = predict(Connect, socket, &facts);
        assert_eq!((d.outcome, d.unseen.len()), (Unknown, 1), "{d:?}");
        assert!(d.causes.is_empty(), "{d:?}");
        let what = &d.unseen[0].what;
        assert!(what.contains("nosuch.invalid does not resolve: Name or service"), "{what}");
    }
}

#[test]
fn a_next_hop_that_is_silent() {
    let facts = to(InetTarget { neighbour: Neighbour::Failed.into(), ..remote() });
    let d = predict(Connect, Udp, &facts);
    expect(&d, Fails(Errno::EHOSTUNREACH), "connect/host-unreachable", Likely);
    assert!(d.causes[0].because.contains("192.0.2.254"), "{d:?}");
    let d = seen(Connect, Tcp, Errno::EHOSTUNREACH, &facts);
    expect(&d, Fails(Errno::EHOSTUNREACH), "connect/host-unreachable", Certain);
}

#[test]
fn several_addresses_are_never_certain() {
    let addresses = vec!["192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap()];
    let facts =
        to(InetTarget { addresses: addresses.into(), route: Route::None.into(), ..remote() });
    let d = predict(Connect, Tcp, &facts);
    expect(&d, Fails(Errno::ENETUNREACH), "connect/network-unreachable", Likely);
    let localhost = vec!["::1".parse().unwrap(), "127.0.0.1".parse().unwrap()];
    let d = predict(Connect, Tcp, &to(InetTarget { addresses: localhost.into(), ..local() }));
    expect(&d, Fails(Errno::ECONNREFUSED), "connect/refused-inet", Certain);
}

#[test]
fn ipv6_without_an_address() {
    let facts = to(target("::1", Route::None, false));
    let d = predict(Connect, Tcp, &facts);
    expect(&d, Fails(Errno::EADDRNOTAVAIL), "connect/address-not-available", Likely);
    let d = seen(Connect, Tcp, Errno::EADDRNOTAVAIL, &facts);
    expect(&d, Fails(Errno::EADDRNOTAVAIL), "connect/address-not-available", Certain);
}

#[test]
fn ports_run_out() {
    let ports = |used: u32| InetTarget {
        port_range: (40000, 40003).into(),
        ports_used: used.into(),
        listeners: vec![listener("127.0.0.1:80", 0, 9)].into(),
        ..local()
    };
    let full = to(ports(4));
    let d = seen(Connect, Tcp, Errno::EADDRNOTAVAIL, &full);
    expect(&d, Fails(Errno::EADDRNOTAVAIL), "connect/no-free-port", Certain);
    let d = predict(Connect, Tcp, &full);
    expect(&d, Fails(Errno::EADDRNOTAVAIL), "connect/no-free-port", Likely);
    let d = predict(Connect, Udp, &full);
    expect(&d, Fails(Errno::EAGAIN), "connect/no-free-port-datagram", Certain);
    assert_eq!(predict(Connect, Tcp, &to(ports(3))).outcome, Succeeds);
    let d = seen(Connect, Tcp, Errno::EADDRNOTAVAIL, &to(ports(3)));
    expect(&d, Fails(Errno::EADDRNOTAVAIL), "connect/no-free-port", Likely);
    let bound = OwnSocket { name: vec![2, 0], ..own(Udp) };
    assert_eq!(predict(Connect, Udp, &with(full.clone(), bound)).outcome, Succeeds);
    let any = to(InetTarget { port: 0, ..ports(4) });
    let d = seen(Bind, Tcp, Errno::EADDRINUSE, &any);
    expect(&d, Fails(Errno::EADDRINUSE), "bind/port-in-use", Certain);
}

fn as_user(mut facts: Facts, capabilities: u64) -> Facts {
    facts.caller.capabilities = Capabilities(capabilities).into();
    facts.caller.user_namespace =
        UserNamespace { initial: true, ..UserNamespace::default() }.into();
    facts
}

#[test]
fn bind_to_a_port_that_is_taken() {
    let root = u64::MAX;
    let taken = |at: &str| {
        let rival = vec![listener(at, 0, 5)];
        as_user(to(InetTarget { in_use_by: rival.into(), ..local() }), root)
    };
    for at in ["127.0.0.1:80", "0.0.0.0:80", "[::]:80"] {
        let d = predict(Bind, Tcp, &taken(at));
        expect(&d, Fails(Errno::EADDRINUSE), "bind/port-in-use", Certain);
        assert!(d.causes[0].because.contains("process 42, httpd"), "{d:?}");
        assert_eq!(d.causes[0].commands[1], "ps -fp 42");
    }
    assert_eq!(predict(Bind, Tcp, &taken("127.0.0.2:80")).outcome, Succeeds);
    let v6_only = InetSocket { v6_only: true, ..listener("[::]:80", 0, 5) };
    let beside = as_user(to(InetTarget { in_use_by: vec![v6_only].into(), ..local() }), root);
    assert_eq!(predict(Bind, Tcp, &beside).outcome, Succeeds);
    // A connection that is left over gives way to SO_REUSEADDR, which servers set.
    let left = InetSocket { listening: false, ..listener("127.0.0.1:80", 0, 0) };
    let left = as_user(to(InetTarget { in_use_by: vec![left].into(), ..local() }), root);
    let d = predict(Bind, Tcp, &left);
    expect(&d, Fails(Errno::EADDRINUSE), "bind/port-in-use", Likely);
    let d = predict(Bind, Udp, &left);
    expect(&d, Fails(Errno::EADDRINUSE), "bind/port-in-use", Certain);
    let d = seen(Bind, Tcp, Errno::EADDRINUSE, &taken("127.0.0.2:80"));
    expect(&d, Fails(Errno::EADDRINUSE), "bind/port-in-use", Likely);
}

#[test]
fn bind_to_an_address_of_another_machine() {
    let facts = as_user(to(remote()), u64::MAX);
    let d = predict(Bind, Tcp, &facts);
    expect(&d, Fails(Errno::EADDRNOTAVAIL), "connect/address-not-available", Likely);
    let d = seen(Bind, Tcp, Errno::EADDRNOTAVAIL, &facts);
    expect(&d, Fails(Errno::EADDRNOTAVAIL), "connect/address-not-available", Certain);
    let strict = InetTarget { nonlocal_bind: false.into(), ..remote() };
    let d = predict(Bind, Tcp, &as_user(to(strict), u64::MAX));
    expect(&d, Fails(Errno::EADDRNOTAVAIL), "connect/address-not-available", Certain);
    let any = to(target("0.0.0.0", Route::Local, false));
    assert_eq!(predict(Bind, Tcp, &as_user(any, u64::MAX)).outcome, Succeeds);
}

#[test]
fn low_ports_ask_for_a_privilege() {
    let border = |from: u16| to(InetTarget { unprivileged_from: from.into(), ..local() });
    let d = predict(Bind, Tcp, &as_user(border(1024), 0));
    expect(&d, Fails(Errno::EACCES), "bind/privileged-port", Certain);
    assert_eq!(predict(Bind, Tcp, &as_user(border(80), 0)).outcome, Succeeds);
    assert_eq!(predict(Bind, Tcp, &as_user(border(1024), 1 << 10)).outcome, Succeeds);
    let d = predict(Bind, Tcp, &as_user(to(local()), 0));
    expect(&d, Fails(Errno::EACCES), "bind/privileged-port", Likely);
}

#[test]
fn the_own_state_comes_before_the_address() {
    let facts = || to(target("192.0.2.1", Route::None, false));
    let connected = OwnSocket { state: State::Connected, ..own(Tcp) };
    let d = predict(Connect, Tcp, &with(facts(), connected));
    expect(&d, Fails(Errno::EISCONN), "connect/already-connected-inet", Certain);
    let listening = OwnSocket { state: State::Listening, ..own(Tcp) };
    let d = predict(Connect, Tcp, &with(facts(), listening));
    expect(&d, Fails(Errno::EISCONN), "connect/already-connected-inet", Certain);
    let d = seen(Connect, Tcp, Errno::EISCONN, &facts());
    expect(&d, Fails(Errno::EISCONN), "connect/already-connected-inet", Likely);
}

#[test]
fn attempts_under_way() {
    let trying = OwnSocket { connecting: true, nonblocking: true, ..own(Tcp) };
    let facts = with(to(local()), trying.clone());
    let d = predict(Connect, Tcp, &facts);
    expect(&d, Fails(Errno::EALREADY), "connect/already-in-progress", Certain);
    let d = seen(Connect, Tcp, Errno::EINPROGRESS, &facts);
    expect(&d, Fails(Errno::EINPROGRESS), "connect/in-progress", Certain);
    let waits = with(to(local()), OwnSocket { nonblocking: false, ..trying });
    assert_ne!(predict(Connect, Tcp, &waits).outcome, Fails(Errno::EALREADY));
    let fresh = with(to(local()), OwnSocket { nonblocking: true, ..own(Tcp) });
    let d = predict(Connect, Tcp, &fresh);
    expect(&d, Fails(Errno::EINPROGRESS), "connect/in-progress", Certain);
}

#[test]
fn aborted_by_whom() {
    let past = |history| with(to(local()), OwnSocket { history, ..own(Tcp) });
    let failed = past(History { connect_failed: true, ..History::default() });
    let d = seen(Connect, Tcp, Errno::ECONNABORTED, &failed);
    expect(&d, Fails(Errno::ECONNABORTED), "connect/aborted-earlier", Certain);
    let blocked = past(History { blocked: true, ..History::default() });
    let d = seen(Connect, Tcp, Errno::ECONNABORTED, &blocked);
    expect(&d, Fails(Errno::ECONNABORTED), "recv/destroyed-by-administrator", Certain);
    let d = seen(Connect, Tcp, Errno::ECONNABORTED, &past(History::default()));
    assert_eq!(d.causes.len(), 2, "{d:?}");
    assert!(d.causes.iter().all(|r| r.certainty == Possible), "{d:?}");
}

#[test]
fn errors_that_wait_in_the_socket() {
    for (errno, id) in [
        (Errno::ECONNRESET, "recv/reset-inet"),
        (Errno::ECONNABORTED, "recv/destroyed-by-administrator"),
        (Errno::ETIMEDOUT, "connect/timed-out-inet"),
        (Errno::ECONNREFUSED, "connect/refused-inet"),
    ] {
        let pending = OwnSocket { pending_error: Some(errno).into(), ..own(Tcp) };
        let facts = with(Facts::default(), pending);
        expect(&predict(Recv, Tcp, &facts), Fails(errno), id, Certain);
        expect(&seen(Recv, Tcp, errno, &Facts::default()), Fails(errno), id, Certain);
        // Reading the error took it out of the socket.
        let read = OwnSocket { pending_error: None.into(), ..own(Tcp) };
        expect(&seen(Recv, Tcp, errno, &with(Facts::default(), read)), Fails(errno), id, Certain);
    }
}

#[test]
fn datagrams_are_refused_afterwards() {
    let d = seen(Send, Udp, Errno::ECONNREFUSED, &to(local()));
    expect(&d, Fails(Errno::ECONNREFUSED), "connect/refused-inet", Certain);
    assert!(d.causes[0].because.contains("port 80"), "{d:?}");
    let d = predict(Send, Udp, &to(local()));
    expect(&d, Fails(Errno::ECONNREFUSED), "connect/refused-inet", Likely);
}

#[test]
fn messages() {
    let long = |length| {
        let mut facts = to(local());
        facts.arguments.length = Some(length);
        facts
    };
    let bound = InetTarget { listeners: vec![listener("127.0.0.1:80", 0, 0)].into(), ..local() };
    let mut fits = to(bound);
    fits.arguments.length = Some(65507);
    assert_eq!(predict(Send, Udp, &fits).outcome, Succeeds);
    let d = predict(Send, Udp, &long(65508));
    expect(&d, Fails(Errno::EMSGSIZE), "send/message-too-long-inet", Certain);
    let d = seen(Send, Udp, Errno::EMSGSIZE, &long(9000));
    expect(&d, Fails(Errno::EMSGSIZE), "send/message-too-long-inet", Likely);
    let d = predict(Send, Udp, &with(Facts::default(), own(Udp)));
    expect(&d, Fails(Errno::EDESTADDRREQ), "send/no-destination-inet", Certain);
}

#[test]
fn raw_addresses() {
    let passed = |length, family| {
        let mut facts = to(local());
        facts.arguments.address = Some(AddressArgument { length, family });
        facts
    };
    for (length, family) in
        [(15, Some(Family::Inet)), (129, None), (-1, None), (23, Some(Family::Inet6))]
    {
        let d = predict(Connect, Tcp, &passed(length, family));
        expect(&d, Fails(Errno::EINVAL), "connect/bad-address-length-inet", Certain);
    }
    for family in [Family::Unix, Family::Other(99)] {
        let d = predict(Connect, Tcp, &passed(16, Some(family)));
        expect(&d, Fails(Errno::EAFNOSUPPORT), "connect/family-mismatch-inet", Certain);
    }
}

#[test]
fn parts_that_are_missing() {
    let port_0 = to(InetTarget { port: 0, ..local() });
    let d = predict(Send, Udp, &port_0);
    expect(&d, Fails(Errno::EINVAL), "connect/incomplete-address-inet", Certain);
    assert_eq!(predict(Connect, Udp, &port_0).outcome, Succeeds);
    let way = || Route::Unicast { device: "eth0".into(), gateway: None };
    let d = predict(Connect, Tcp, &to(target("fe80::1", way(), false)));
    expect(&d, Fails(Errno::EINVAL), "connect/incomplete-address-inet", Certain);
    let scoped = InetTarget { host: "fe80::1%eth0".into(), ..target("fe80::1", way(), false) };
    assert_eq!(predict(Connect, Udp, &to(scoped)).outcome, Succeeds);
}
