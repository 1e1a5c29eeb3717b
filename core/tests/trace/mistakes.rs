//! What the messages say to whoever writes a trace for the first time.

use super::dice::Dice;
use std::collections::BTreeSet;
use sunpath_core::model::World;
use sunpath_core::op::Op;
use sunpath_core::profile::LINUX;
use sunpath_core::trace::{ParseError, Trace, play};

const BEFORE: &str = "spawn server\nserver: a, b = socketpair stream\n";

fn error(line: &str) -> ParseError {
    format!("{BEFORE}{line}").parse::<Trace>().unwrap_err()
}

#[test]
fn a_slip_is_told_with_what_was_probably_meant() {
    for (line, meant) in [
        ("server: sendd a \"x\"", "send"),
        ("server: sendmsg a \"x\"", "send"),
        ("server: read a 9", "recv"),
        ("server: socket dgram", "datagram"),
        ("server: setsockopt a SO_RCVTIME 1", "SO_RCVTIMEO"),
        ("server: send a \"x\" dontwiat", "dontwait"),
        ("server: send a \"x\" rigths=[b]", "rights"),
        ("server: close a ! ECONNREFUSD", "ECONNREFUSED"),
        ("server: close a ! connect/stale-sokcet", "connect/stale-socket"),
        ("server: close a [linxu] -> ok", "linux"),
        ("sever: close a", "server"),
        ("spwan client", "spawn"),
        ("sleep 200ms", "advance"),
        ("mount \"/data\" readonly", "read-only"),
    ] {
        let error = error(line);
        assert_eq!(error.hint, format!("did you mean {meant}?"), "{line}: {error}");
    }
    let whole = error("server: setsockopt a SO_FOO 1").to_string();
    assert!(whole.contains("SO_PASSCRED, ") && whole.contains("unknown), found `SO_FOO`"));
    assert_eq!(error("server: foo").hint, "");
}

#[test]
fn what_stands_in_the_wrong_place_is_told_where_it_belongs() {
    for (line, hint) in [
        ("server: resume", "resume is no call, and stands at the beginning of its line"),
        ("fork server", "a call has its process before it: `PROCESS: fork`"),
        ("server: send a \"x\"   # c", "a comment needs a line of its own"),
        ("server: send a \"x\" -> 1 # c", "a comment needs a line of its own"),
        ("spawn client # c", "a comment needs a line of its own"),
        ("server: setsockopt b SO_RCVTIMEO 100ms", "a time is written time=100ms"),
    ] {
        let error = error(line);
        assert_eq!(error.hint, hint, "{line}: {error}");
        assert!(error.to_string().ends_with(&format!("; {hint}")));
    }
}

#[test]
fn forms_are_shown() {
    for (line, form) in [
        ("server: send a \"x\" rights=a", "descriptors in brackets, such as [a, b]"),
        ("server: send a \"x\" fds=[b]", "rights=[a, b]"),
        ("server: recv a 9 foo", "control=BYTES"),
        ("server: close a ok", "-> RESULT, ! ERROR, ~ for a wait"),
        ("server: setsockopt b SO_RCVTIMEO 100ms", "time=200ms"),
        ("gather", "spawn, resume, interrupt, advance, collect, only, about, mount"),
        ("spawn p uid=1000 uid=3", "uid only once"),
        ("server: recv a 9 control=1 control=2", "control only once"),
        ("server: send a \"x\" to @a to @b", "to only once"),
    ] {
        let error = error(line);
        assert!(error.expected.contains(form), "{line}: {error}");
    }
}

/// Whatever can be written as a call begins with one of the names that the error lists.
#[test]
fn every_call_is_listed() {
    let error = "foo".parse::<Op>().unwrap_err().expected;
    let list = error.strip_prefix("a call (").and_then(|list| list.strip_suffix(')')).unwrap();
    let names: Vec<&str> = list.split(", ").collect();
    let mut seen = BTreeSet::new();
    let mut state = 1u32;
    for _ in 0..5000 {
        let mut byte = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        let bytes: Vec<u8> = (0..40).map(|_| byte()).collect();
        let op: Op = Dice(&bytes).roll();
        let text = op.to_string();
        let name = text.split(' ').next().unwrap();
        assert!(names.contains(&name), "{name} is not in {error}");
        seen.insert(name.to_string());
    }
    assert_eq!(seen.len(), names.len(), "not thrown, or no call: {names:?}, {seen:?}");
}

#[track_caller]
fn faults(text: &str) -> Vec<String> {
    let trace: Trace = text.parse().unwrap();
    let played = play(&trace, &mut World::new(LINUX)).unwrap();
    played.iter().filter_map(|step| step.fault()).collect()
}

#[test]
fn what_an_expectation_lacks_is_said() {
    let signal =
        faults("spawn p\np: a, b = socketpair stream\np: close b\np: send a \"x\" ! EPIPE\n");
    let expected = "expected ! EPIPE, got ! EPIPE send/peer-closed SIGPIPE; where a signal comes, \
                    SIGPIPE must be expected, too";
    assert_eq!(signal, [expected]);
    let rights = faults(
        "spawn p\np: a, b = socketpair stream\np: send a \"x\" rights=[a]\n\
         p: recv b 9 control=64 -> \"x\"\n",
    );
    let expected = "expected -> \"x\", got -> \"x\" rights=[5]; what comes beside the bytes must \
                    be expected, too";
    assert_eq!(rights, [expected]);
}

#[test]
fn what_cannot_happen_is_told_of_its_process() {
    let text = "\
spawn p
spawn q
p: a, b = socketpair stream
p: recv a 9 ~
p: close b
p: close b -> ok
interrupt q
q: exit
interrupt q
resume q -> ok
";
    let expected = [
        "cannot happen: p waits in another call",
        "expected -> ok, but p waits in another call",
        "cannot happen: q is not there",
        "expected -> ok, but q is not there",
    ];
    assert_eq!(faults(text), expected);
    let trace: Trace = text.parse().unwrap();
    let played = play(&trace, &mut World::new(LINUX)).unwrap();
    let idle = played[6].outcome.as_ref().map(|outcome| outcome.to_string());
    assert_eq!(idle.as_deref(), Some("# waits in no call"));
}
