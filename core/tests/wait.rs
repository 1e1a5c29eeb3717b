//! A full backlog, and servers that do not answer.

mod scene;

use scene::*;
use sunpath_core::fact::process::{DescriptorUse, ProcessState, WaitsIn};
use sunpath_core::fact::socket::{Backlog, Peer, State};
use sunpath_core::fact::{Process, Seen, Unseen};
use sunpath_core::{
    Call, Certainty, Errno, Facts, Outcome, Platform, SocketType, Symptom, diagnose, diagnose_on,
};

const REFUSED: Errno = Errno::ECONNREFUSED;

fn full(stuck: Seen<u32>) -> Facts {
    serving(|s| {
        s.backlog = Some(Backlog { pending: 2, limit: 1 });
        s.stuck_ms = stuck;
    })
}

#[test]
fn a_full_backlog() {
    let mut quick = full(Seen::Known(60));
    quick.arguments.nonblocking = Some(true);
    connect(Errno::EAGAIN, "connect/backlog-full", quick).both();
    hangs("wait/backlog-full", full(Seen::Known(60))).both();
    hangs("wait/backlog-full", full(Seen::default())).both();
    hangs("wait/backlog-full", full(Seen::Known(0))).likely().both();
}

/// Each system counts in its own way how many connections may wait.
#[test]
fn a_backlog_is_full_by_the_arithmetic_of_the_platform() {
    use Platform::*;
    for (platform, limit, most) in [
        (Linux, 4, 5),
        (FreeBsd14, 4, 7),
        (FreeBsd14, 5, 8),
        (FreeBsd15, 4, 7),
        (MacOs, 4, 4),
        (OpenServer, 4, 7),
    ] {
        let facts = |pending| {
            let mut facts = serving(|s| s.backlog = Some(Backlog { pending, limit }));
            facts.arguments.nonblocking = Some(true);
            facts
        };
        let on = |pending, symptom| {
            let facts = facts(pending);
            diagnose_on(platform, Call::Connect, SocketType::Stream, symptom, &facts)
        };
        let shown = if platform == Linux { Errno::EAGAIN } else { REFUSED };
        let room = on(most - 1, None);
        assert_eq!(room.outcome, Outcome::Succeeds, "{platform}: {:?}", room.causes);
        for symptom in [None, Some(shown.into())] {
            let full = on(most, symptom);
            assert_eq!(full.outcome, Outcome::Fails(shown), "{platform}: {:?}", full.causes);
            let cause = &full.causes[0];
            assert_eq!(
                (cause.cause.id, cause.certainty),
                ("connect/backlog-full", Certainty::Certain)
            );
        }
        // A server that takes nothing keeps waiting only whom its backlog admits.
        let mut stuck = facts(most - 1);
        attached(&mut stuck)[0].stuck_ms = Seen::Known(60);
        let idle = WaitsIn::Elsewhere { call: "nanosleep".into() };
        let owner = Process { waits_in: Seen::Known(idle), ..server() };
        attached(&mut stuck)[0].owners = Seen::Known(vec![owner]);
        let waits = |facts: &Facts| {
            let hangs = Some(Symptom::Hangs);
            let d = diagnose_on(platform, Call::Connect, SocketType::Stream, hangs, facts);
            d.causes.iter().any(|r| r.cause.id == "wait/server-not-accepting")
        };
        assert!(waits(&stuck), "{platform}");
        attached(&mut stuck)[0].backlog = Some(Backlog { pending: most, limit });
        assert!(!waits(&stuck), "{platform}");
    }
}

#[test]
fn servers_that_do_not_answer() {
    let spoilt = |change: fn(&mut Process)| {
        serving(|s| {
            s.backlog = Some(Backlog { pending: 1, limit: 128 });
            s.stuck_ms = Seen::Known(60);
            let mut owner = server();
            change(&mut owner);
            s.owners = Seen::Known(vec![owner]);
        })
    };
    let stop: fn(&mut Process) = |p| p.state = Seen::Known(ProcessState::Stopped);
    hangs("wait/server-stopped", spoilt(stop)).both();
    hangs("wait/server-stopped", spoilt(|p| p.frozen = Seen::Known(true))).both();
    let full: fn(&mut Process) =
        |p| p.descriptors = Seen::Known(DescriptorUse { used: 64, limit: 64 });
    hangs("wait/server-out-of-descriptors", spoilt(full)).both();
    let asleep: fn(&mut Process) =
        |p| p.waits_in = Seen::Known(WaitsIn::Elsewhere { call: "nanosleep".into() });
    hangs("wait/server-not-accepting", spoilt(asleep)).likely().both();

    let mut mine = own(State::Connected);
    let mut peer = Peer { inode: Seen::Known(0), closed: Seen::Known(false), ..Peer::default() };
    peer.process = Seen::Known(server());
    mine.peer = Seen::Known(Some(peer));
    let facts = holding(healthy(), mine);
    hangs("wait/server-not-accepting", facts).call(Call::Recv).explained();
}

fn hangs(id: &'static str, facts: Facts) -> Expect {
    Expect { symptom: Symptom::Hangs, ..connect(REFUSED, id, facts) }
}

/// Nothing moves in the queue of a listener with these owners.
fn held_by(owners: &[Process], all: Seen<()>) -> Facts {
    serving(|s| {
        s.backlog = Some(Backlog { pending: 1, limit: 128 });
        s.stuck_ms = Seen::Known(60);
        s.owners = Seen::Known(owners.to_vec());
        s.all_owners = all;
    })
}

fn halted() -> Process {
    Process { pid: 400, state: Seen::Known(ProcessState::Stopped), ..server() }
}

fn exhausted() -> Process {
    let used = DescriptorUse { used: 64, limit: 64 };
    Process { pid: 400, descriptors: Seen::Known(used), ..server() }
}

/// It keeps a copy of the listener, and waits for something else.
fn manager() -> Process {
    let call = "epoll_wait without this socket".into();
    let waits_in = Seen::Known(WaitsIn::Elsewhere { call });
    Process { pid: 1, name: "manager".into(), waits_in, ..server() }
}

#[test]
fn an_owner_that_was_not_seen_leaves_a_doubt() {
    let denied = || Seen::Unseen(Unseen::Denied { needs: "CAP_SYS_PTRACE, or the same user" });
    for (id, owner) in
        [("wait/server-stopped", halted()), ("wait/server-out-of-descriptors", exhausted())]
    {
        hangs(id, held_by(std::slice::from_ref(&owner), Seen::Known(()))).both();
        let facts = held_by(&[owner], denied());
        let d = diagnose(Call::Connect, SocketType::Stream, None, &facts);
        assert!(d.causes[0].because.contains("CAP_SYS_PTRACE"), "{}", d.causes[0].because);
        hangs(id, facts).likely().both();
    }
}

#[test]
fn who_only_keeps_a_copy_does_not_hide_the_cause() {
    for (id, owner) in
        [("wait/server-stopped", halted()), ("wait/server-out-of-descriptors", exhausted())]
    {
        let facts = held_by(&[manager(), owner], Seen::Known(()));
        let d = diagnose(Call::Connect, SocketType::Stream, None, &facts);
        let first = &d.causes[0];
        assert!(first.because.contains("manager (pid 1) holds the socket too"), "{first:?}");
        assert!(first.commands.iter().any(|c| c.contains("400")), "{:?}", first.commands);
        hangs(id, facts).likely().both();
    }
    let call = "clock_nanosleep".into();
    let asleep = Process { waits_in: Seen::Known(WaitsIn::Elsewhere { call }), ..server() };
    let facts = held_by(&[manager(), asleep], Seen::Known(()));
    let d = diagnose(Call::Connect, SocketType::Stream, None, &facts);
    assert!(d.causes[0].because.contains("app (pid 314) waits in clock_nanosleep"));
    hangs("wait/server-not-accepting", facts).likely().both();
}

#[test]
fn one_owner_that_can_accept_is_enough() {
    let healthy = Process { pid: 500, ..server() };
    let mut facts = held_by(&[manager(), halted(), healthy], Seen::Known(()));
    works(Call::Connect, SocketType::Stream, &facts, "one worker is stopped, one is not");
    attached(&mut facts)[0].backlog = Some(Backlog { pending: 200, limit: 128 });
    hangs("wait/backlog-full", facts).both();
    // It may go back to work at any time, but nobody is stopped.
    let mut facts = held_by(&[manager()], Seen::Known(()));
    attached(&mut facts)[0].backlog = Some(Backlog { pending: 0, limit: 128 });
    works(Call::Connect, SocketType::Stream, &facts, "a manager that starts the server later");
}
