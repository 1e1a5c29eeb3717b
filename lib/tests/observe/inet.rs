//! Internet addresses.

use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream};
use sunpath::fact::inet::{InetTarget, Route};
use sunpath::observe::{Query, observe};
use sunpath::{Call, Endpoint, SocketType};

fn target(host: &str, port: u16) -> InetTarget {
    let transport = SocketType::Tcp;
    let endpoint = Endpoint::Inet { transport, host: host.into(), port };
    observe(&Query::new(Call::Connect, transport, endpoint)).unwrap().inet().unwrap().clone()
}

#[test]
fn a_listener_on_this_machine() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let local = listener.local_addr().unwrap();
    let _client = TcpStream::connect(local).unwrap();
    let target = target("127.0.0.1", local.port());
    assert_eq!(target.addresses.known(), Some(&vec![IpAddr::from(Ipv4Addr::LOCALHOST)]));
    assert_eq!(target.route.known(), Some(&Route::Local));
    assert_eq!(target.is_local.known(), Some(&true));
    let listeners = target.listeners.known().unwrap();
    assert_eq!(listeners.len(), 1);
    assert_eq!(listeners[0].backlog.map(|b| b.pending), Some(1));
    assert!(listeners[0].owners.is(|o| o.iter().any(|p| p.pid == std::process::id())));
    let (low, high) = *target.port_range.known().unwrap();
    assert!(low < high);
    assert!(target.ports_used.is(|n| *n > 0));
    assert!(target.in_use_by.is(|s| s.len() >= 2), "the listener and a connection");
}

#[test]
fn a_port_that_only_another_address_serves() {
    let listener = TcpListener::bind(("127.0.0.2", 0)).unwrap();
    let target = target("127.0.0.1", listener.local_addr().unwrap().port());
    assert_eq!(target.listeners.known(), Some(&vec![]));
    assert_eq!(target.in_use_by.known().map(Vec::len), Some(1));
}

#[test]
fn an_empty_network_has_no_route() {
    let thread = std::thread::spawn(|| {
        #[allow(deprecated)]
        let alone = rustix::thread::unshare(rustix::thread::UnshareFlags::NEWNET);
        let admitted = alone.is_ok() && std::net::TcpListener::bind("192.0.2.1:0").is_ok();
        alone.ok().map(|()| (target("192.0.2.1", 9), target("2001:db8::1", 9), admitted))
    });
    let Some((v4, v6, admitted)) = thread.join().unwrap() else {
        eprintln!("skipped: needs CAP_SYS_ADMIN to make a network namespace");
        return;
    };
    // Most kernels have no table of local addresses there yet, and let bind take any address.
    assert!(!(admitted && v4.is_local.known().is_some()), "{:?}", v4.is_local);
    assert_eq!(v6.is_local.known(), Some(&false));
    for target in [v4, v6] {
        assert_eq!(target.route.known(), Some(&Route::None), "{}", target.host);
        assert_eq!(target.listeners.known(), Some(&vec![]));
        assert_eq!(target.ports_used.known(), Some(&0));
    }
}

#[test]
fn a_host_that_is_none_says_why() {
    for host in ["a\0b", "no such host\n", "..", &"x".repeat(100_000)] {
        let target = target(host, 1);
        let shown = &host[..host.len().min(20)];
        assert!(target.addresses.unseen().is_some(), "{shown:?}");
        assert!(target.route.known().is_none(), "{shown:?}");
    }
}
