//! Blocking sockets: who waits, who is woken, and that a run can be had again.

use std::io::{Read, Write};
use std::time::Duration;
use sunpath::Errno::{ECONNREFUSED, ENOENT};
use sunpath::model::Step;
use sunpath::sim::{self, Failure, Program, World};
use sunpath::{AddressRef, Listener, Stream};

#[test]
fn a_pair_of_streams_talks_across_threads() {
    let word = World::default().run(|program| {
        let (mut here, mut there) = Stream::pair().unwrap();
        program.spawn("writer", move || there.write_all(b"hello").unwrap());
        let mut word = String::new();
        here.read_to_string(&mut word).unwrap();
        word
    });
    assert_eq!(word, "hello");
}

/// Three clients ask a server, which answers in the order in which they came.
fn questions(program: &Program) {
    let listener = Listener::bind("/run/server").unwrap();
    for client in 0..3 {
        program.spawn(&format!("client {client}"), move || {
            let mut stream = Stream::connect("/run/server").unwrap();
            stream.write_all(&[client]).unwrap();
            let mut answer = [0];
            stream.read_exact(&mut answer).unwrap();
            assert_eq!(answer[0], client + 10);
        });
    }
    for _ in 0..3 {
        let mut stream = listener.accept().unwrap();
        let mut question = [0];
        stream.read_exact(&mut question).unwrap();
        stream.write_all(&[question[0] + 10]).unwrap();
    }
}

#[test]
fn clients_and_a_server_find_each_other() {
    World::default().run(questions);
}

#[test]
fn the_same_seed_gives_the_same_run_and_others_give_others() {
    let run = |seed| World::default().seed(seed).report(questions);
    let first = run(1);
    assert!(first.failure.is_none(), "{first}");
    assert_eq!(first.events, run(1).events);
    let different = (2..12).filter(|seed| run(*seed).events != first.events).count();
    assert!(different > 5, "only {different} of 10 seeds gave another order");
}

#[test]
fn two_that_wait_for_each_other_are_found() {
    let report = World::default().report(|program| {
        let (mut here, mut there) = Stream::pair().unwrap();
        program.spawn("other", move || there.read_exact(&mut [0]));
        here.read_exact(&mut [0]).unwrap();
    });
    let Some(Failure::Deadlock(stuck)) = &report.failure else { panic!("{report}") };
    let stuck: Vec<_> = stuck.iter().map(|s| (&*s.task, s.cause.unwrap().id)).collect();
    assert_eq!(stuck, [("main", "wait/nothing-to-read"), ("other", "wait/nothing-to-read")]);
}

#[test]
fn time_passes_only_when_everybody_waits() {
    let report = World::default().report(|_| {
        let _listener = Listener::options().backlog(0).bind(AddressRef::Abstract(b"full")).unwrap();
        let _first = Stream::connect(AddressRef::Abstract(b"full")).unwrap();
        let start = sim::now();
        let limit = Duration::from_secs(3600);
        let error = Stream::connect_timeout(AddressRef::Abstract(b"full"), limit).unwrap_err();
        assert_eq!(error.errno(), Some(sunpath::Errno::EAGAIN));
        assert!(sim::now() - start >= limit);
        sim::sleep(Duration::from_secs(86_400));
    });
    assert!(report.failure.is_none(), "{report}");
    assert_eq!(report.elapsed, Duration::from_secs(90_000));
}

#[test]
fn a_panic_ends_the_run_and_tells_the_seed() {
    let report = World::default().seed(5).report(|program| {
        let (mut here, there) = Stream::pair().unwrap();
        program.spawn("careless", move || {
            let _there = there;
            panic!("on purpose");
        });
        let _ = here.read(&mut [0]);
        sim::sleep(Duration::from_secs(1));
    });
    let Some(Failure::Panicked { task, message, .. }) = &report.failure else { panic!("{report}") };
    assert_eq!((&**task, &**message), ("careless", "on purpose"));
    assert!(report.to_string().contains("seed 5"));
}

#[test]
fn a_descriptor_that_is_lost_is_reported() {
    let report = World::default().report(|_| {
        let (a, b) = Stream::pair().unwrap();
        std::mem::forget(a);
        drop(b);
    });
    let Some(Failure::Leaked(who)) = &report.failure else { panic!("{report}") };
    assert_eq!(who, &["descriptor 3 of main"]);
}

#[test]
fn a_duplicate_of_any_origin_keeps_a_socket_open() {
    World::default().run(|program| {
        let (a, mut b) = Stream::pair().unwrap();
        let copy = std::os::fd::AsFd::as_fd(&a).try_clone_to_owned().unwrap();
        drop(a);
        let reader = program.spawn("reader", move || {
            let mut word = [0; 3];
            b.read_exact(&mut word).unwrap();
            assert_eq!(b.read(&mut word).unwrap(), 0);
            word
        });
        let again = Stream::try_from(copy).unwrap();
        again.send(b"yes").unwrap();
        drop(again);
        assert_eq!(reader.join(), Some(*b"yes"));
    });
}

#[test]
fn a_server_in_the_background_ends_with_the_rest() {
    let report = World::default().report(|program| {
        let listener = Listener::bind("/run/echo").unwrap();
        program.spawn_background("server", move || {
            loop {
                let mut stream = listener.accept().unwrap();
                let mut byte = [0];
                while stream.read(&mut byte).unwrap() == 1 {
                    stream.write_all(&byte).unwrap();
                }
            }
        });
        let mut stream = Stream::connect("/run/echo").unwrap();
        stream.write_all(b"x").unwrap();
        stream.read_exact(&mut [0]).unwrap();
    });
    assert!(report.failure.is_none(), "{report}");
    assert!(report.events.iter().any(|event| matches!(event.step, Step::Blocked(_))));
}

#[test]
fn what_a_killed_server_leaves_is_its_file() {
    World::default().run(|program| {
        let server = program.spawn("server", || {
            let listener = Listener::bind("/run/killed").unwrap();
            let stream = listener.accept().unwrap();
            stream.send(b"!").unwrap();
            let _ = stream.recv(&mut [0]);
        });
        let mut stream = loop {
            match Stream::connect("/run/killed") {
                Ok(stream) => break stream,
                // It has no file yet, or does not listen yet.
                Err(error) => assert!([ENOENT, ECONNREFUSED].contains(&error.errno().unwrap())),
            }
        };
        stream.read_exact(&mut [0]).unwrap();
        server.kill();
        assert_eq!(stream.read(&mut [0]).unwrap(), 0);
        assert_eq!(server.join(), None);
        let error = Stream::connect("/run/killed").unwrap_err();
        assert_eq!(error.errno(), Some(ECONNREFUSED));
    });
}

#[test]
fn a_run_without_end_is_cut_off() {
    let report = World::default().most_calls(500).report(|_| {
        let (a, _b) = Stream::pair().unwrap();
        a.set_nonblocking(true).unwrap();
        while a.recv(&mut [0]).is_err() {}
    });
    assert!(matches!(report.failure, Some(Failure::Endless { calls: 500 })), "{report}");
}
