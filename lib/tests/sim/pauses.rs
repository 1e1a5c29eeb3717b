//! Time that passes: pauses, time limits, and what a background process still holds at the end.

use std::time::{Duration, Instant};
use sunpath::model::{At, Effect, Fault};
use sunpath::sim::{self, Failure, World};
use sunpath::{Call, Errno, Listener, Stream};

const PATH: &str = "/run/server";
const SECOND: Duration = Duration::from_secs(1);

/// A client that tries again, as it would without a simulation.
fn connect_in_the_end() -> Result<Stream, sunpath::Error> {
    let start = sunpath::now();
    loop {
        match Stream::connect(PATH) {
            Err(_) if sunpath::now() - start < 3600 * SECOND => sunpath::sleep(SECOND),
            done => return done,
        }
    }
}

#[test]
fn a_pause_takes_virtual_time_in_a_simulation_only() {
    let start = Instant::now();
    let report = World::default().report(|program| {
        program.spawn("server", || {
            sim::sleep(1000 * SECOND);
            drop(Listener::bind(PATH).unwrap().accept().unwrap());
        });
        drop(connect_in_the_end().unwrap());
    });
    assert!(report.failure.is_none(), "{report}");
    assert!(report.elapsed >= 1000 * SECOND && start.elapsed() < 900 * SECOND);
    let start = Instant::now();
    sunpath::sleep(Duration::from_millis(20));
    sim::sleep(Duration::from_millis(20));
    assert!(start.elapsed() >= Duration::from_millis(40));
    assert!(sunpath::now() >= start && sim::now() >= start);
}

#[test]
fn a_fault_at_the_end_of_a_time_limit_takes_the_time() {
    for cause in ["connect/backlog-full", "connect/timed-out"] {
        let fault = Fault::lasting(At::nth(Call::Connect, 1), Effect::fail(cause).unwrap());
        let report = World::default().fault(fault).unwrap().report(|_| {
            let _listener = Listener::bind(PATH).unwrap();
            let error = Stream::connect_timeout(PATH, SECOND).unwrap_err();
            assert_eq!(error.errno(), Some(Errno::EAGAIN));
        });
        assert!(report.failure.is_none(), "{report}");
        assert!(report.elapsed >= SECOND && report.elapsed < 2 * SECOND, "{report}");
    }
    let fault = Fault::once(At::nth(Call::Recv, 1), Effect::fail("recv/timed-out").unwrap());
    let report = World::default().fault(fault).unwrap().report(|_| {
        let (a, b) = Stream::pair().unwrap();
        a.send(b"x").unwrap();
        b.sockopt().set_receive_timeout(Some(SECOND)).unwrap();
        assert_eq!(b.recv(&mut [0]).unwrap_err().errno(), Some(Errno::EAGAIN));
        assert_eq!(sim::elapsed(), SECOND);
        assert_eq!(b.recv(&mut [0]).unwrap(), 1);
    });
    assert!(report.failure.is_none(), "{report}");
}

#[test]
fn a_client_with_a_time_limit_survives_every_fault() {
    let walked = World::default().for_each_fault(|program| {
        let Ok(listener) = Listener::bind(PATH) else { return };
        program.spawn_background("server", move || while listener.accept().is_ok() {});
        let _ = Stream::connect_timeout(PATH, SECOND);
    });
    walked.unwrap();
    let planned = |id: &str| walked.fired.iter().any(|fault| fault.effect.to_string() == id);
    assert!(planned("connect/backlog-full") && planned("connect/timed-out"));
}

#[test]
fn a_socket_that_a_background_process_has_not_used_yet_is_no_leak() {
    for seed in 0..20 {
        World::default().seed(seed).run(|program| {
            let listener = Listener::bind(PATH).unwrap();
            program.spawn_background("server", move || {
                sim::sleep(10 * SECOND);
                let _ = listener.accept();
            });
            let _ = Stream::connect(PATH);
            sim::sleep(SECOND);
        });
        World::default().seed(seed).run(|program| {
            let (a, b) = Stream::pair().unwrap();
            let listener = Listener::bind(PATH).unwrap();
            program.spawn_background("server", move || {
                let _ = b.recv(&mut [0]);
                let _ = listener.accept();
            });
            sim::sleep(SECOND);
            drop(a);
        });
    }
}

#[test]
fn a_socket_that_nobody_lets_go_of_is_a_leak_even_so() {
    let report = World::default().report(|program| {
        let (a, b) = Stream::pair().unwrap();
        let lost = a.try_clone().unwrap();
        program.spawn_background("server", move || {
            sim::sleep(10 * SECOND);
            drop(a);
        });
        std::mem::forget(lost);
        drop(b);
    });
    let Some(Failure::Leaked(who)) = &report.failure else { panic!("{report}") };
    assert_eq!(who.len(), 1, "{report}");
}
