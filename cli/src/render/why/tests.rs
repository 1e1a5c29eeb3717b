use super::*;
use sunpath::fact::Process;
use sunpath::fact::caller::{Capabilities, Group, Ids};
use sunpath::fact::path::{FileId, FileKind, Step, Walk};
use sunpath::fact::process::{ProcessState, WaitsIn};
use sunpath::fact::socket::{Backlog, State};
use sunpath::{Address, Errno, Symptom, diagnose};

fn step(path: &str, kind: FileKind, mode: u32) -> Step {
    Step {
        path: path.into(),
        kind,
        mode,
        owner_name: Some("root".into()),
        group_name: Some("root".into()),
        file: FileId { device: 1, inode: 42 },
        ..Step::default()
    }
}

/// A socket file in /run, with these sockets behind it.
fn facts(attached: Vec<SocketFact>) -> Facts {
    let steps = vec![
        step("/", FileKind::Directory, 0o755),
        step("/run", FileKind::Directory, 0o755),
        step("/run/app.sock", FileKind::Socket, 0o666),
    ];
    let path = PathTarget {
        given: b"/run/app.sock".to_vec(),
        walk: Seen::Known(Walk { steps, end: End::Found, ..Walk::default() }),
        attached: Seen::Known(attached),
        namesakes: Seen::Known(vec![]),
        everywhere: Seen::Known(()),
        ..PathTarget::default()
    };
    let mut facts = Facts { target: Target::Path(path), ..Facts::default() };
    facts.caller.ids = Seen::Known(Ids::default());
    facts.caller.capabilities = Seen::Known(Capabilities(u64::MAX));
    facts
}

fn listener(name: &str) -> SocketFact {
    SocketFact {
        state: State::Listening,
        backlog: Some(Backlog { pending: 0, limit: 128 }),
        owners: Seen::Known(vec![Process {
            pid: 4711,
            name: name.into(),
            fd: Some(7),
            uid: Seen::Known(33),
            state: Seen::Known(ProcessState::Sleeping),
            waits_in: Seen::Known(WaitsIn::Events),
            ..Process::default()
        }]),
        ..SocketFact::new(7, SocketType::Stream)
    }
}

fn told(facts: &Facts, symptom: Option<Symptom>, who: Option<&str>) -> String {
    let endpoint = Endpoint::Unix(Address::Path(b"/run/app.sock".to_vec()));
    let diagnosis = diagnose(Call::Connect, SocketType::Stream, symptom, facts);
    let now = symptom.map(|_| diagnose(Call::Connect, SocketType::Stream, None, facts).outcome);
    let answer = Answer {
        endpoint: &endpoint,
        who: who.map(String::from),
        diagnosis: &diagnosis,
        now,
        tried: false,
        facts,
        instead: None,
        notes: Vec::new(),
    };
    anstream::adapter::strip_str(&report(&answer, 80)).to_string()
}

#[test]
fn a_stale_socket_is_told_with_its_remedy() {
    let text = told(&facts(vec![]), None, None);
    let verdict = "connect to /run/app.sock would fail with ECONNREFUSED: the socket file was left";
    assert!(text.starts_with(verdict), "{text}");
    for part in [
        "└ run         directory  root:root  rwxr-xr-x 0755",
        "▲ no process has this socket open",
        "[connect/stale-socket, certain]",
        "\n\n    rm /run/app.sock\n",
        "More: sunpath explain connect/stale-socket",
    ] {
        assert!(text.contains(part), "no {part:?} in:\n{text}");
    }
    assert!(!text.contains("Caller"), "{text}");
}

#[test]
fn a_healthy_socket_says_who_serves_it() {
    let text = told(&facts(vec![listener("app\x1b]0;x\x07")]), None, None);
    let verdict = "connect to /run/app.sock would succeed: app\\x1b]0;x\\x07 (pid 4711) listens.";
    assert!(text.starts_with(verdict), "{text}");
    assert!(text.contains("stream, listening"), "{text}");
    assert!(text.contains("0 waiting to be accepted, limit 128"), "{text}");
    assert!(!text.contains("What to do") && !text.contains('▲'), "{text}");
    assert!(!text.contains(['\x1b', '\x07']), "{text}");
}

#[test]
fn a_symptom_is_explained_and_compared_with_now() {
    let text = told(&facts(vec![]), Some(Errno::ECONNREFUSED.into()), None);
    let verdict = "connect to /run/app.sock failed with ECONNREFUSED because the socket file was";
    assert!(text.starts_with(verdict), "{text}");
    assert!(!text.contains("Now it would"), "{text}");
    let text = told(&facts(vec![listener("app")]), Some(Errno::ECONNREFUSED.into()), None);
    for part in [
        "failed with ECONNREFUSED; nothing that can be seen now explains it.",
        "Now it would succeed: the server was probably not listening yet, or was restarted.",
        "[connect/listener-closed-while-waiting, possible]",
    ] {
        assert!(text.replace('\n', " ").contains(part), "no {part:?} in:\n{text}");
    }
    assert!(!text.contains("probably because") && !text.contains("What to do"), "{text}");
}

#[test]
fn root_is_sent_to_the_user_of_the_program_that_was_denied() {
    let mut facts = facts(vec![listener("app")]);
    if let Target::Path(PathTarget { walk: Seen::Known(walk), .. }) = &mut facts.target {
        walk.steps[2].mode = 0o660;
    }
    let text = told(&facts, Some(Errno::EACCES.into()), None).replace('\n', " ");
    for part in ["root is not bound by file modes", "--as USER or --pid PID", "possible]"] {
        assert!(text.contains(part), "no {part:?} in:\n{text}");
    }
    assert!(!text.contains("probably because"), "{text}");
}

#[test]
fn a_path_that_breaks_for_no_known_reason_is_told_with_its_error() {
    let mut facts = facts(vec![]);
    if let Target::Path(PathTarget { walk: Seen::Known(walk), .. }) = &mut facts.target {
        walk.steps.pop();
        walk.end = End::Failed { errno: Some(Errno::EIO) };
    }
    let text = told(&facts, None, None).replace('\n', " ");
    assert!(text.contains("would probably fail with EIO: that is what the kernel"), "{text}");
    assert!(text.contains("failed with EIO"), "{text}");
}

#[test]
fn another_caller_is_shown_with_groups_that_its_session_lacks() {
    let mut facts = facts(vec![listener("app")]);
    facts.caller.user_name = Some("deploy".into());
    facts.caller.ids = Seen::Known(Ids { uid: 1000, gid: 1000, groups: vec![27] });
    facts.caller.capabilities = Seen::Known(Capabilities(0));
    let group = |gid, name: &str| Group { gid, name: name.into() };
    facts.caller.account_groups = Seen::Known(vec![group(27, "sudo"), group(999, "docker")]);
    let text = told(&facts, None, Some("deploy"));
    assert!(text.starts_with("For deploy, connect to"), "{text}");
    assert!(text.contains("deploy, uid 1000, gid 1000"), "{text}");
    assert!(text.contains("sudo (27)"), "{text}");
    assert!(text.contains("docker (999): in the group database, but not in this"), "{text}");
    assert!(text.contains("bound by file modes"), "{text}");
}

#[test]
fn what_could_not_be_seen_is_said_with_what_would_show_it() {
    let mut facts = facts(vec![]);
    if let Target::Path(path) = &mut facts.target {
        path.attached = Seen::Unseen(Unseen::Denied { needs: "sock_diag" });
    }
    let text = told(&facts, Some(Errno::ECONNREFUSED.into()), None);
    assert!(text.contains("Not visible"), "{text}");
    assert!(text.contains("needs sock_diag"), "{text}");
}

#[test]
fn every_line_fits_80_columns() {
    let mut facts = facts(vec![listener("app")]);
    facts.caller.user_name = Some("a-user-with-a-long-name".into());
    for symptom in [None, Some(Errno::EAGAIN.into()), Some(Errno::ECONNREFUSED.into())] {
        let text = told(&facts, symptom, Some("a-user-with-a-long-name"));
        for line in text.lines() {
            let wide = super::super::text::columns(line) > 80;
            assert!(!wide || line.starts_with("    "), "{line}");
        }
    }
}

proptest::proptest! {
    #[test]
    fn nothing_from_outside_reaches_the_terminal_raw(
        path in proptest::collection::vec(1u8..=255, 1..300),
        process in proptest::prelude::any::<String>(),
        link in proptest::collection::vec(1u8..=255, 1..40),
    ) {
        let mut facts = facts(vec![listener(&process)]);
        facts.caller.user_name = Some(process.clone());
        if let Target::Path(target) = &mut facts.target {
            target.given = path.clone();
            if let Seen::Known(walk) = &mut target.walk {
                walk.steps[1].link = Some(link);
                walk.steps[2].path = path;
                walk.steps[2].owner_name = Some(process.clone());
            }
        }
        for symptom in [None, Some(Errno::EACCES.into()), Some(Symptom::Hangs)] {
            let text = told(&facts, symptom, Some("somebody"));
            let raw = text.chars().find(|c| c.is_control() && *c != '\n');
            proptest::prop_assert_eq!(raw, None, "{:?}", text);
        }
    }
}
