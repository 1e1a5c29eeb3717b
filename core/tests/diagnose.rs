//! What a diagnosis promises, whatever the facts.

mod dice;

use dice::Dice;
use proptest::prelude::*;
use sunpath_core::fact::arguments::AddressArgument;
use sunpath_core::fact::path::End;
use sunpath_core::fact::socket::{Backlog, Descriptor, Directions, History, OwnSocket, State};
use sunpath_core::fact::{Seen, Target};
use sunpath_core::{
    Call, Certainty, Diagnosis, Errno, Facts, Outcome, Platform, SocketType, Symptom, Unexplained,
    cause, diagnose, diagnose_on,
};

fn any_of<T: Clone + std::fmt::Debug + 'static>(all: &'static [T]) -> impl Strategy<Value = T> {
    prop::sample::select(all)
}

fn symptoms() -> impl Strategy<Value = Option<Symptom>> {
    let silent = [
        Symptom::Hangs,
        Symptom::EndOfFile,
        Symptom::ControlTruncated,
        Symptom::MessageTruncated,
        Symptom::DescriptorsLost,
    ];
    prop_oneof![
        3 => Just(None),
        6 => any_of(Errno::ALL).prop_map(|e| Some(Symptom::Errno(e))),
        1 => prop::sample::select(silent.to_vec()).prop_map(Some),
    ]
}

/// The order and the number of certain causes.
fn well_ranked(d: &Diagnosis) -> Result<(), TestCaseError> {
    let certainties: Vec<_> = d.causes.iter().map(|r| r.certainty).collect();
    prop_assert!(certainties.is_sorted(), "{:?}", certainties);
    if certainties.contains(&Certainty::Certain) {
        prop_assert_eq!(certainties.len(), 1);
        prop_assert!(d.unseen.is_empty());
    }
    Ok(())
}

/// No control character reaches a terminal or a shell, and no sentence is empty.
fn well_worded(d: &Diagnosis) -> Result<(), TestCaseError> {
    for ranked in &d.causes {
        let id = ranked.cause.id;
        prop_assert!(!ranked.because.is_empty(), "{}", id);
        for text in ranked.commands.iter().chain([&ranked.because]) {
            prop_assert!(!text.chars().any(char::is_control), "{}: {:?}", id, text);
        }
        for command in &ranked.commands {
            prop_assert!(!command.contains(" '-") && !command.contains(" -rf"), "{}", command);
        }
    }
    Ok(())
}

/// Whether the path was seen to lead elsewhere than where the call could succeed.
fn breaks(call: Call, socket: SocketType, facts: &Facts) -> bool {
    let looks_up = matches!(call, Call::Connect | Call::Bind)
        || call == Call::Send && socket == SocketType::Datagram;
    let Target::Path(path) = &facts.target else { return false };
    let Some(walk) = path.walk.known().filter(|_| looks_up) else { return false };
    let free = matches!(walk.end, End::Missing { last: true, .. }) && call == Call::Bind;
    walk.end != End::Found && !free
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_facts_give_an_honest_answer(
        bytes in prop::collection::vec(any::<u8>(), 0..400),
        platform in any_of(Platform::ALL),
        call in any_of(Call::ALL),
        socket in any_of(SocketType::ALL),
        symptom in symptoms(),
    ) {
        let facts: Facts = Dice(&bytes).roll();
        let d = diagnose_on(platform, call, socket, symptom, &facts);
        well_ranked(&d)?;
        well_worded(&d)?;
        let shown = |r: &sunpath_core::Ranked| r.cause.symptom(platform, socket);
        match symptom {
            Some(symptom) => {
                prop_assert_eq!(d.outcome, Outcome::from(symptom));
                prop_assert!(d.causes.iter().all(|r| shown(r) == Some(symptom)));
                prop_assert!(!d.causes.is_empty() || d.unexplained.is_some());
                prop_assert_eq!(d.unexplained.is_some(), !d.explained());
                let vague = d.causes.iter().all(|r| r.certainty == Certainty::Possible);
                prop_assert!(vague || d.unexplained.is_none());
            }
            None => {
                prop_assert!(d.unexplained.is_none());
                let works = d.outcome == Outcome::Succeeds;
                let blind = d.unseen.iter().any(|u| u.decides.is_empty());
                prop_assert!(!blind || d.outcome == Outcome::Unknown && d.causes.is_empty());
                let open = blind || breaks(call, socket, &facts);
                prop_assert_eq!(works, d.causes.is_empty() && !open);
                if let Some(first) = d.causes.first().filter(|_| d.explained()) {
                    prop_assert_eq!(Some(d.outcome), shown(first).map(Outcome::from));
                }
            }
        }
        prop_assert!(d.causes.iter().all(|r| r.cause.concerns(call)));
        let again = diagnose_on(platform, call, socket, symptom, &facts);
        prop_assert_eq!(format!("{d:?}"), format!("{again:?}"));
    }

    #[test]
    fn a_certain_prediction_is_a_certain_explanation(
        bytes in prop::collection::vec(any::<u8>(), 0..400),
        call in any_of(Call::ALL),
        socket in any_of(SocketType::ALL),
    ) {
        let mut facts: Facts = Dice(&bytes).roll();
        if let Seen::Known(Descriptor::Socket(own)) = &mut facts.descriptor {
            // What happened before the failure says nothing of the next call.
            own.history = History::default();
        }
        let predicted = diagnose(call, socket, None, &facts);
        let Some(first) = predicted.causes.first() else { return Ok(()) };
        if first.certainty == Certainty::Certain {
            let symptom = first.cause.symptom(Platform::Linux, socket);
            let d = diagnose(call, socket, symptom, &facts);
            let named = d.causes.iter().any(|r| r.cause.id == first.cause.id);
            prop_assert!(named, "{} is not in {:?}", first.cause.id, d);
        }
    }
}

#[test]
fn without_facts_nothing_is_certain_unless_the_error_alone_decides() {
    for socket in [SocketType::Stream, SocketType::Datagram, SocketType::SeqPacket] {
        for errno in [Errno::ECONNREFUSED, Errno::ENOENT, Errno::EACCES, Errno::EPERM] {
            let d = diagnose(Call::Connect, socket, Some(errno.into()), &Facts::default());
            assert!(d.causes.iter().all(|r| r.certainty != Certainty::Certain), "{d:?}");
        }
    }
}

#[test]
fn a_symptom_that_no_cause_shows_is_said_to_be_unknown() {
    let d =
        diagnose(Call::Connect, SocketType::Stream, Some(Errno::ESPIPE.into()), &Facts::default());
    assert_eq!(d.unexplained, Some(Unexplained::NotListed));
    assert!(!d.explained() && d.to_string().contains("No known cause"), "{d}");
}

#[test]
fn every_cause_can_be_found_by_what_it_shows() {
    for entry in cause::all() {
        for socket in entry.sockets.iter() {
            let Some(symptom) = entry.symptom(Platform::Linux, socket) else { continue };
            for place in entry.calls {
                let d = diagnose(place.call, socket, Some(symptom), &Facts::default());
                assert_ne!(d.unexplained, Some(Unexplained::NotListed), "{}", entry.id);
            }
        }
    }
}

#[test]
fn a_listener_that_is_shut_down_still_hands_out_what_waits() {
    let listener = |pending| {
        let mut own = OwnSocket::fresh(SocketType::Stream);
        own.state = State::Listening;
        own.shutdown = Seen::Known(Directions { read: true, write: false });
        own.backlog = Some(Backlog { pending, limit: 8 });
        let descriptor = Seen::Known(Descriptor::Socket(own));
        let mut facts = Facts { descriptor, ..Facts::default() };
        facts.arguments.address = Some(AddressArgument { length: -1, family: None });
        facts
    };
    let named = |symptom, pending| {
        let d = diagnose(Call::Accept, SocketType::Stream, symptom, &listener(pending));
        d.causes.iter().map(|r| (r.cause.id, r.certainty)).collect::<Vec<_>>()
    };
    let length = ("name/bad-address-length", Certainty::Certain);
    let symptom = Some(Errno::EINVAL.into());
    assert_eq!(named(None, 1), [length]);
    assert_eq!(named(symptom, 1), [length]);
    assert_eq!(named(None, 0), [("accept/shut-down", Certainty::Certain)]);
    // The connection that the call took and lost is not in the queue any more.
    let either = ["accept/shut-down", "name/bad-address-length"];
    assert_eq!(named(symptom, 0), either.map(|id| (id, Certainty::Likely)));
}
