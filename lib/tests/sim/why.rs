//! Diagnoses of what happens in a simulation.

use std::time::Duration;
use sunpath::model::Credentials;
use sunpath::sim::{self, World};
use sunpath::{Call, Certainty, Datagram, Diagnosis, Errno, Listener, Platform, Stream};

const PATH: &str = "/run/server";

#[track_caller]
fn certainly(diagnosis: &Diagnosis, cause: &str) {
    let first = diagnosis.causes.first().expect("it has a cause");
    assert_eq!((first.cause.id, first.certainty), (cause, Certainty::Certain), "{diagnosis:#}");
}

fn refused() -> Diagnosis {
    Stream::connect(PATH).unwrap_err().why()
}

#[test]
fn an_error_explains_itself_by_the_simulated_system() {
    World::default().run(|program| {
        certainly(&refused(), "connect/no-such-file");
        let server = program.spawn("server", || {
            let _listener = Listener::bind(PATH).unwrap();
            sim::sleep(Duration::from_secs(1000));
        });
        sim::sleep(Duration::from_secs(1));
        server.kill();
        certainly(&refused(), "connect/stale-socket");
        let again = Listener::bind(PATH).unwrap_err().why();
        certainly(&again, "bind/stale-socket");
        let _listener = Listener::options().replace_dead().mode(0o600).bind(PATH).unwrap();
        let alice = program.spawn_as("alice", Credentials::user(1000, 1000), refused);
        certainly(&alice.join().unwrap(), "connect/no-write-permission");
        // Another type of socket has the name.
        let datagram = Datagram::unbound().unwrap().connect(PATH).unwrap_err();
        certainly(&datagram.why(), "connect/wrong-type");
        assert!(!std::path::Path::new(PATH).exists());
    });
}

#[test]
fn a_full_backlog_is_known_on_each_platform() {
    for platform in [Platform::Linux, Platform::FreeBsd14, Platform::MacOs] {
        World::default().platform(platform).run(|_| {
            let _listener = Listener::options().backlog(1).bind(PATH).unwrap();
            let connect = || Stream::connect_timeout(PATH, Duration::ZERO);
            let mut waiting = Vec::new();
            let error = loop {
                match connect() {
                    Ok(stream) => waiting.push(stream),
                    Err(error) => break error,
                }
            };
            certainly(&error.why(), "connect/backlog-full");
        });
    }
}

#[test]
fn a_socket_that_is_shown_tells_more() {
    World::default().run(|_| {
        let (a, b) = Stream::pair().unwrap();
        a.send(b"unread").unwrap();
        drop(b);
        let error = a.send(b"x").unwrap_err();
        assert_eq!(error.errno(), Some(Errno::EPIPE));
        certainly(&error.why_on(&a), "send/peer-closed");
    });
}

#[test]
fn errors_of_other_libraries_are_explained_as_well() {
    World::default().run(|_| {
        let error: std::io::Error = Stream::connect(PATH).unwrap_err().into();
        let diagnosis = sunpath::why(Call::Connect, &PATH.into(), &error);
        certainly(&diagnosis, "connect/no-such-file");
        assert!(format!("{error:#}").contains("/run"));
    });
}
