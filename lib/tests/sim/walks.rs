//! What a walk tries, and what it says.

use std::cell::Cell;
use std::error::Error;
use std::io::{Read, Write};
use sunpath::model::{At, Effect, Fault};
use sunpath::sim::{Failure, Program, World};
use sunpath::{Call, Errno, Listener, Stream};

/// A program that forgets that calls fail.
fn careless(program: &Program) {
    let (mut a, mut b) = Stream::pair().unwrap();
    program.spawn("writer", move || a.write_all(b"hello").unwrap());
    let mut word = [0; 5];
    b.read_exact(&mut word).unwrap();
}

#[test]
fn equal_failures_are_told_once_and_can_be_had_again() {
    let walked = World::default().seed(3).for_each_fault(careless);
    let (text, groups) = (walked.to_string(), walked.groups());
    assert!(walked.failed.len() > groups.len() && groups.len() > 1, "{text}");
    let grouped: usize = groups.iter().map(|group| group.runs.len()).sum();
    assert_eq!(grouped, walked.failed.len());
    assert!(text.lines().count() < 100, "{text}");
    assert!(text.contains("seed 3") && text.contains("panicked at walks.rs:"), "{text}");
    for group in &groups {
        let (Some(struck), _) = group.runs[0] else { panic!("{text}") };
        let world = World::default().seed(3);
        let again = if struck.persistent {
            assert!(struck.code().contains("fault_of("), "{}", struck.code());
            let at = At::nth(struck.call, struck.among);
            world.fault_of(&struck.task, Fault::lasting(at, struck.effect)).unwrap()
        } else {
            world.fault(Fault::once(At::number(struck.number), struck.effect)).unwrap()
        };
        let report = again.report(careless);
        let failure = report.failure.as_ref().map(ToString::to_string);
        assert_eq!(failure.as_ref(), Some(&group.failure), "{}", struck.code());
    }
}

#[test]
fn much_that_fails_differently_is_cut_off() {
    let runs = Cell::new(0);
    let walk = World::default().walk().invariant({
        move |_| {
            runs.set(runs.get() + 1);
            if runs.get() == 1 { Ok(()) } else { Err(format!("{} ", runs.get()).repeat(10_000)) }
        }
    });
    let walked = walk.run(|_| drop(Stream::pair()));
    let text = walked.to_string();
    assert!(walked.failed.len() > 8 && walked.groups().len() == walked.failed.len());
    assert!(text.len() < 10_000 && text.contains("more way"), "{text}");
}

#[test]
fn a_program_that_does_not_repeat_itself_fails() {
    let before = Cell::new(false);
    let walked = World::default().for_each_fault(|_| {
        if before.replace(true) {
            return;
        }
        drop(Stream::pair());
    });
    assert_eq!((walked.fired.len(), walked.failed.len()), (0, walked.runs - 1));
    let diverged = |failure: &Failure| matches!(failure, Failure::Diverged { instead: None, .. });
    assert!(walked.failed.iter().all(|(_, run)| run.failure.as_ref().is_some_and(diverged)));
    let text = walked.to_string();
    assert_eq!(walked.groups().len(), 1);
    assert!(text.contains("did not make the same calls again"), "{text}");
    assert!(text.contains("call 1 (socketpair of main): socket/"), "{text}");
    let report = &walked.failed[0].1;
    assert!(report.to_string().contains("that call was not made"), "{report}");
}

#[test]
fn a_fault_that_comes_to_another_call_is_no_proof() {
    let runs = Cell::new(0);
    let walk = World::default().walk().persistent(false);
    let walked = walk.causes(|_, cause| cause.id == "recv/interrupted").run(|_| {
        let (a, b) = Stream::pair().unwrap();
        a.send(b"xy").unwrap();
        runs.set(runs.get() + 1);
        if runs.get() > 1 {
            a.send(b"z").unwrap();
        }
        let _ = b.recv(&mut [0; 1]);
        let _ = b.recv(&mut [0; 1]);
    });
    assert!(!walked.failed.is_empty(), "{walked}");
    assert!(walked.to_string().contains("did not make the same calls again"), "{walked}");
}

#[test]
fn a_programs_own_mistakes_are_tried_only_if_they_are_asked_for() {
    let program = |_: &Program| {
        let Ok((a, b)) = Stream::pair() else { return };
        if a.send(b"x").is_ok() {
            let _ = b.recv(&mut [0; 8]);
        }
    };
    let world = World::default();
    let tried = |walked: &sunpath::sim::Walked, id: &str| {
        walked.fired.iter().any(|struck| struck.effect.to_string() == id)
    };
    let (usual, all) =
        (world.for_each_fault(program), world.walk().causes(|_, _| true).run(program));
    usual.unwrap();
    all.unwrap();
    for mistake in ["recv/bad-descriptor", "recv/bad-pointer", "socket/bad-type"] {
        assert!(tried(&all, mistake) && !tried(&usual, mistake), "{mistake}");
    }
    for real in ["recv/interrupted", "send/peer-closed", "socket/descriptor-limit"] {
        assert!(tried(&usual, real), "{real}");
    }
}

#[test]
fn a_fault_is_planned_for_a_thread_by_its_name() -> Result<(), Box<dyn Error>> {
    let full = Effect::fail("socket/descriptor-limit")?;
    let world =
        World::default().fault_of("client", Fault::lasting(At::nth(Call::Socket, 2), full))?;
    world.run(|program| {
        let _listener = Listener::bind("/run/server").unwrap();
        let client = program.spawn("client", || {
            let _first = Stream::connect("/run/server").unwrap();
            Stream::connect("/run/server").unwrap_err().errno()
        });
        assert_eq!(client.join(), Some(Some(Errno::EMFILE)));
        Stream::connect("/run/server").unwrap();
    });
    let report = world.report(|_| {});
    let text = report.to_string();
    assert!(text.contains("socket/descriptor-limit at socket 2 of client"), "{text}");
    let never = World::default().fault(Fault::once(At::number(0), full)).unwrap_err();
    assert_eq!(never.to_string(), "calls are counted from 1, and a short transfer has a byte");
    Ok(())
}
