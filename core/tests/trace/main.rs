//! The text form of traces: everything can be written and read back, and no text is too odd.

mod dice;
mod mistakes;
mod reference;

use dice::Dice;
use proptest::prelude::*;
use std::time::Duration;
use sunpath_core::model::World;
use sunpath_core::op::{Op, Ret, Setting};
use sunpath_core::profile::{LINUX, MACOS};
use sunpath_core::trace::{Event, Trace, play};
use sunpath_core::{Platform, cause};

fn chance() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..60)
}

/// Pieces of the text form, whole and broken.
fn odd_text() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "spawn",
        "a",
        "bob",
        ":",
        " ",
        "  ",
        "=",
        ",",
        "\n",
        "\n    ",
        "socket",
        "stream",
        "bind",
        "send",
        "recv",
        "\"",
        "\"x\"",
        "*",
        "+",
        "99999999999999999999",
        "-1",
        "4096",
        "->",
        "!",
        "~",
        "[",
        "]",
        "linux",
        "macos",
        "EAGAIN",
        "connect/backlog-full",
        "SIGPIPE",
        "#",
        "@",
        "@x",
        "unnamed",
        "rights=[",
        "credentials=",
        "poll",
        "timeout=",
        "200ms",
        "in,out",
        "only",
        "about",
        "resume",
        "advance",
        "collect",
        "\\",
        "\\x",
        "\u{202e}",
        "ä",
        "name=",
        "family=",
        "10.0.0.1",
        ":80",
        "mount",
        "restrict",
        "busy",
        "mkdir",
        "0755",
        "uid=",
        "caps=",
        "\t",
    ]);
    prop::collection::vec(pieces, 0..30).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn every_call_can_be_written_and_read(bytes in chance()) {
        let op: Op = Dice(&bytes).roll();
        let text = op.to_string();
        prop_assert_eq!(text.parse::<Op>(), Ok(op), "{}", text);
    }

    #[test]
    fn every_result_can_be_written_and_read(bytes in chance()) {
        let ret: Ret = Dice(&bytes).roll();
        let text = ret.to_string();
        prop_assert_eq!(text.parse::<Ret>(), Ok(ret), "{}", text);
    }

    #[test]
    fn every_event_can_be_written_and_read(bytes in chance()) {
        let mut dice = Dice(&bytes);
        let mut trace = Trace::new();
        trace.push(Event::Spawn { name: "bob".into(), credentials: dice.roll() });
        trace.push(Event::call("bob", dice.roll()));
        trace.push(Event::Set(dice.roll::<Setting>().into()));
        trace.push(Event::Advance(dice.roll()));
        trace.push(Event::Resume { task: "bob".into() });
        trace.push(Event::Interrupt { task: "bob".into() });
        trace.push(Event::Collect);
        let text = trace.to_string();
        let read: Trace = match text.parse() {
            Ok(read) => read,
            Err(error) => return Err(TestCaseError::fail(format!("{error}\n{text}"))),
        };
        prop_assert_eq!(read.to_string(), text);
    }

    #[test]
    fn no_text_is_too_odd(text in odd_text()) {
        match text.parse::<Trace>() {
            Ok(trace) => {
                let printed = trace.to_string();
                prop_assert_eq!(printed.parse::<Trace>().unwrap().to_string(), printed);
            }
            Err(error) => {
                prop_assert!(error.line >= 1 && error.column >= 1);
                prop_assert!(!error.expected.is_empty());
            }
        }
    }

    #[test]
    fn no_bytes_are_too_odd(text in ".{0,60}") {
        let text = format!("spawn a\na: {text}");
        let _ = text.parse::<Trace>();
    }
}

const STORY: &str = "\
# Everything that a person would write

only linux macos
about recv/end-of-file
spawn server
spawn client uid=1000 gid=1000 groups=4,27
server: s = socket stream
server: bind s \"app.sock\" -> ok
server: listen s 0
client: c = socket stream nonblocking
client: connect c \"app.sock\" [linux] ! EAGAIN connect/backlog-full
    [macos] ! ECONNREFUSED connect/backlog-full
server: x = accept s
server: recv s 64 control=64 peek ~ wait/nothing-to-read
server: a, b = socketpair datagram
client: send c \"x\"*4096+\"tail\" to @name rights=[c, 4] credentials=server:0:0 dontwait -> 1
client: recv c 64 -> \"abc\" from @name truncated rights=[c]
client: poll c:in,out 7:none timeout=200ms -> poll c:out
client: child = fork
child: shutdown c write
advance 200ms
resume server ! recv/timed-out
interrupt client
mount \"/data\" read-only
busy client c on
collect
";

#[test]
fn what_was_read_is_written_the_same() {
    let trace: Trace = STORY.parse().unwrap();
    assert_eq!(trace.to_string(), STORY);
    assert_eq!(trace.title(), Some("Everything that a person would write"));
    assert_eq!(trace.platforms(), [Platform::Linux, Platform::MacOs]);
    assert_eq!(
        trace.causes(),
        ["recv/end-of-file", "connect/backlog-full", "wait/nothing-to-read", "recv/timed-out"]
    );
    assert_eq!(trace.steps().last().unwrap().line, STORY.lines().count());
}

#[track_caller]
fn wrong(text: &str, message: &str) {
    assert_eq!(text.parse::<Trace>().unwrap_err().to_string(), message);
}

#[test]
fn errors_say_where_and_what() {
    wrong("spawn", "line 1, column 6: expected a name for the process, found the end of the line");
    wrong("spawn a\nspawn a", "line 2, column 7: expected a name that no process has, found `a`");
    wrong(
        "spawn a\n\nb: close 3",
        "line 3, column 1: expected a process that an earlier line names, found `b:`",
    );
    wrong(
        "spawn a\na: close s",
        "line 2, column 10: expected a descriptor that an earlier line names, found `s`",
    );
    wrong(
        "spawn a\na: recv 3 sixty",
        "line 2, column 11: expected the size of the buffer in bytes, found `sixty`",
    );
    wrong(
        "spawn a\na: listen 3 99999999999",
        "line 2, column 13: expected how many connections may wait that is not out of range, \
         found `99999999999`",
    );
    wrong(
        "spawn a\na: close 3 ! EVIL",
        "line 2, column 14: expected an error by its name, such as ECONNREFUSED, found `EVIL`",
    );
    wrong(
        "spawn a\na: close 3 ! close/bad",
        "line 2, column 14: expected the id of a cause, such as connect/stale-socket, \
         found `close/bad`",
    );
    wrong(
        "spawn a\na: send 3 \"\u{e4}\" -> 1 2",
        "line 2, column 20: expected the end of the line, found `2`",
    );
    wrong(
        "spawn a\na: send 3 \"x\"*99999999999",
        "line 2, column 14: expected fewer bytes in all messages together, found `*99999999999`",
    );
    wrong("spawn a -> ok", "line 1, column 9: expected the end of the line, found `->`");
}

#[test]
fn a_played_trace_tells_what_was_not_expected() {
    let text = "\
spawn a
a: x, y = socketpair stream nonblocking
a: send x \"hello\" -> 4
a: recv y 2 -> \"he\"
a: close x ! EBADF
a: recv y 9 ~
a: close 77 ! EBADF
a: exit
a: close y
";
    let trace: Trace = text.parse().unwrap();
    let played = play(&trace, &mut World::new(LINUX)).unwrap();
    let faults: Vec<_> = played.iter().filter_map(|p| Some((p.step.line, p.fault()?))).collect();
    let expected = [
        (3, "expected -> 4, got -> 5"),
        (5, "expected ! EBADF, got -> ok"),
        (6, "expected ~, got -> \"llo\""),
        (9, "cannot happen: a is not there"),
    ];
    assert_eq!(faults, expected.map(|(line, text)| (line, text.to_string())));
}

#[test]
fn what_was_recorded_is_expected_where_it_was() {
    let text = "\
spawn a
a: s = socket seqpacket
a: x, y = socketpair stream
a: recv x 9 dontwait
";
    let mut trace: Trace = text.parse().unwrap();
    for profile in [LINUX, MACOS] {
        let played = play(&trace, &mut World::new(profile.clone())).unwrap();
        let told: Vec<_> = played.into_iter().map(|played| played.told).collect();
        trace.record(profile.platform, &told);
    }
    let recorded = "\
spawn a
a: s = socket seqpacket [linux] -> ok
    [macos] ! EPROTONOSUPPORT socket/protocol-unsupported
a: x, y = socketpair stream [linux macos] -> ok
a: recv x 9 dontwait [linux macos] ! EAGAIN recv/nothing-to-read
";
    assert_eq!(trace.to_string(), recorded);
    let again = play(&trace, &mut World::new(MACOS)).unwrap();
    assert!(again.iter().all(|played| played.fault().is_none()));
}

#[test]
fn names_stand_for_what_a_call_gave() {
    let text = "\
spawn a
a: x, y = socketpair stream
a: z = dup x -> fd z
a: child = fork
a: close z
child: send z \"from the child\" -> 14
a: recv y 64 -> \"from the child\"
a: w = socket family=inet6 stream protocol=99 ! socket/family-unsupported
a: close w ! EBADF
";
    let trace: Trace = text.parse().unwrap();
    let played = play(&trace, &mut World::new(LINUX)).unwrap();
    let faults: Vec<_> = played.iter().filter_map(|p| p.fault()).collect();
    assert_eq!(faults, [""; 0]);
}

#[test]
fn what_is_left_out_leaves_a_trace_that_can_be_read() {
    let text = "\
spawn a
spawn b
a: x, y = socketpair stream
b: s = socket stream
a: send x \"1\" rights=[y]
a: join-net b
stop b
resume b
";
    let trace: Trace = text.parse().unwrap();
    let left = |steps: &[usize]| {
        let short = trace.without(&steps.iter().copied().collect());
        short.to_string().parse::<Trace>().unwrap().to_string()
    };
    assert_eq!(left(&[]), text);
    assert_eq!(left(&[1, 2]), "spawn a\na: send -1 \"1\" rights=[-1]\n");
    assert_eq!(left(&[0, 7]), "spawn b\nb: s = socket stream\nstop b\n");
}

#[test]
fn time_does_not_overflow() {
    let text = "spawn a\nadvance 18446744073709551615s\nadvance 1s\n";
    let trace: Trace = text.parse().unwrap();
    let error = play(&trace, &mut World::new(LINUX)).unwrap_err();
    assert_eq!(error.to_string(), "line 3: that is beyond the end of time");
    assert_eq!(Duration::MAX.as_secs(), 18446744073709551615);
    assert!(cause::find("socket/family-unsupported").is_some());
}
