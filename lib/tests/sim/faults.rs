//! Faults, one at a time and all of them.

use std::io::{Read, Write};
use sunpath::model::{At, Effect, Fault, NoFault};
use sunpath::sim::{Failure, Program, World};
use sunpath::{AddressRef, Call, Errno, Listener, Platform, Stream};

const NAME: AddressRef<'static> = AddressRef::Abstract(b"server");

#[test]
fn a_call_fails_for_the_cause_that_was_planned() {
    let fault = Fault::once(At::nth(Call::Send, 2), Effect::fail("send/peer-closed").unwrap());
    World::default().fault(fault).unwrap().run(|_| {
        let (a, b) = Stream::pair().unwrap();
        assert_eq!(a.send(b"one").unwrap(), 3);
        assert_eq!(a.send(b"two").unwrap_err().errno(), Some(Errno::EPIPE));
        assert_eq!(a.send(b"three").unwrap(), 5);
        let mut bytes = [0; 16];
        assert_eq!(b.recv(&mut bytes[..3]).unwrap(), 3);
        assert_eq!(b.recv(&mut bytes[3..]).unwrap(), 5);
        assert_eq!(&bytes[..8], b"onethree");
    });
}

#[test]
fn a_fault_that_does_not_fire_fails_the_run() {
    let fault = Fault::once(At::nth(Call::Accept, 1), Effect::fail("accept/interrupted").unwrap());
    let report = World::default().fault(fault).unwrap().report(|_| {
        Stream::pair().unwrap();
    });
    assert!(matches!(&report.failure, Some(Failure::NotFired(which)) if which.len() == 1));
    assert!(report.to_string().contains("accept/interrupted at accept 1"), "{report}");
}

#[test]
fn a_cause_that_a_platform_never_shows_cannot_be_planned() {
    let fault = Fault::once(At::nth(Call::Bind, 1), Effect::fail("bind/no-free-name").unwrap());
    assert!(World::default().fault(fault).is_ok());
    let bsd = World::default().platform(Platform::FreeBsd14);
    assert_eq!(bsd.fault(fault).unwrap_err(), NoFault::NeverThere);
}

#[test]
fn interruptions_and_short_transfers_go_unnoticed_where_they_should() {
    for effect in [Effect::fail("recv/interrupted").unwrap(), Effect::Short(1)] {
        let fault = Fault::once(At::nth(Call::Recv, 1), effect);
        World::default().fault(fault).unwrap().run(|_| {
            let (mut a, mut b) = Stream::pair().unwrap();
            a.write_all(b"hello").unwrap();
            let mut word = [0; 5];
            b.read_exact(&mut word).unwrap();
            assert_eq!(&word, b"hello");
        });
    }
}

#[test]
fn a_process_dies_at_its_call() {
    let fault = Fault::once(At::nth(Call::Recv, 1), Effect::Die);
    World::default().fault(fault).unwrap().run(|program| {
        let (a, b) = Stream::pair().unwrap();
        let victim = program.spawn("victim", move || b.recv(&mut [0; 8]).unwrap());
        assert_eq!(victim.join(), None);
        assert_eq!(a.send(b"x").unwrap_err().errno(), Some(Errno::EPIPE));
    });
}

/// A client and a server that give up at the first error, and say so.
fn careful(program: &Program) {
    let server = program.spawn_background(
        "server",
        || -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
            let listener = Listener::bind(NAME)?;
            let mut stream = listener.accept()?;
            let mut word = [0; 4];
            stream.read_exact(&mut word)?;
            stream.write_all(&word)?;
            Ok(())
        },
    );
    for _ in 0..100 {
        if server.is_finished() {
            return;
        }
        let Ok(mut stream) = Stream::connect(NAME) else {
            sunpath::sim::sleep(std::time::Duration::from_millis(1));
            continue;
        };
        let asked = stream.write_all(b"ping");
        let mut answer = [0; 4];
        if asked.and_then(|()| stream.read_exact(&mut answer)).is_ok() {
            assert_eq!(&answer, b"ping");
            return;
        }
    }
}

#[test]
fn a_careful_program_survives_every_fault() {
    let walked = World::default().walk().deaths(true).causes(|_, _| true).run(careful);
    eprintln!("{} runs, {} faults at {} calls", walked.runs, walked.fired.len(), walked.calls);
    walked.unwrap();
    assert_eq!(walked.fired.len() + 1, walked.runs);
}

#[test]
fn a_careless_program_is_caught_by_many() {
    let walked = World::default().for_each_fault(|_| {
        let (mut a, mut b) = Stream::pair().unwrap();
        let _ = a.write(b"hello");
        let mut word = [0; 5];
        // It forgets that a write may be short, and never come back.
        b.read_exact(&mut word).unwrap();
    });
    let text = walked.to_string();
    assert!(text.contains("(send of main): at most 1 bytes"), "{text}");
    let deadlocks = walked
        .failed
        .iter()
        .filter(|(_, report)| matches!(report.failure, Some(Failure::Deadlock(_))));
    assert!(deadlocks.count() > 0, "{text}");
}

#[test]
fn ancillary_data_is_cut_off() {
    use std::os::fd::AsFd;
    use sunpath::{Ancillary, AncillaryBuffer};
    let fault = Fault::once(At::nth(Call::Recv, 1), Effect::ControlRoom(0));
    World::default().fault(fault).unwrap().run(|_| {
        let (a, b) = Stream::pair().unwrap();
        b.sockopt().set_pass_rights(true).unwrap();
        a.send_with(b"x", &Ancillary::descriptors(&[a.as_fd()])).unwrap();
        let mut beside = AncillaryBuffer::new(1);
        let received = b.recv_with(&mut [0; 8], &mut beside).unwrap();
        assert!(received.ancillary_truncated);
        assert_eq!(beside.take_descriptors().len(), 0);
    });
}
