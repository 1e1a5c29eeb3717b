//! Every interleaving of small programs.

use crate::service::*;
use sunpath_core::Errno;
use sunpath_core::model::{Explored, Step, TaskId};
use sunpath_core::op::{Events, Fd, Message, Op, ProcessOp, Ret};
use sunpath_core::profile::LINUX;

const STATES: usize = 100_000;

#[track_caller]
fn explore(host: &Host, programs: &[(TaskId, Vec<Op>)]) -> Explored {
    let explored = host.world.explore(programs, STATES);
    assert!(explored.complete);
    explored
}

fn write(fd: Fd, data: &[u8]) -> Op {
    Op::Send(Message::new(fd, data))
}

/// The messages that a program got, as text.
fn texts(results: &[Step]) -> Vec<String> {
    let text = |step: &Step| match step {
        Step::Done(Ret::Received(r)) => Some(String::from_utf8_lossy(&r.data).into_owned()),
        _ => None,
    };
    results.iter().filter_map(text).collect()
}

#[test]
fn one_program_has_one_outcome() {
    let mut host = Host::new(LINUX);
    let (a, b) = host.pair(PACKETS);
    let program = vec![write(a, b"1"), write(a, b"2"), read(b), read(b)];
    let before = format!("{:?}", host.world);
    let explored = explore(&host, &[(host.task, program)]);
    assert_eq!((explored.outcomes.len(), explored.states), (1, 5));
    assert_eq!(texts(&explored.outcomes[0].results[0]), ["1", "2"]);
    // The world was only looked at.
    assert_eq!(format!("{:?}", host.world), before);
}

#[test]
fn two_writers_interleave_in_every_way() {
    let mut host = Host::new(LINUX);
    let (a, b) = host.pair(PACKETS);
    let (first, second) = (host.thread(), host.thread());
    let reads = (host.task, vec![read(b), read(b), read(b), read(b)]);
    let explored = explore(
        &host,
        &[
            reads,
            (first, vec![write(a, b"1"), write(a, b"2")]),
            (second, vec![write(a, b"x"), write(a, b"y")]),
        ],
    );
    let mut orders: Vec<String> =
        explored.outcomes.iter().map(|o| texts(&o.results[0]).concat()).collect();
    orders.sort();
    assert_eq!(orders, ["12xy", "1x2y", "1xy2", "x12y", "x1y2", "xy12"]);
    assert!(!explored.can_hang());
}

#[test]
fn the_turns_of_an_outcome_lead_to_it() {
    let mut host = Host::new(LINUX);
    let (a, b) = host.pair(PACKETS);
    let (first, second) = (host.thread(), host.thread());
    let programs = [
        (host.task, vec![read(b), read(b)]),
        (first, vec![write(a, b"1")]),
        (second, vec![write(a, b"2")]),
    ];
    for outcome in explore(&host, &programs).outcomes {
        let mut world = host.world.clone();
        let mut results = vec![vec![]; 3];
        for turn in outcome.turns {
            let place = programs.iter().position(|(task, _)| *task == turn).expect("it has one");
            let waits = world.blocked().chain(world.runnable()).any(|t| t == turn);
            let step = match waits {
                true => world.resume(turn),
                false => world.step(turn, &programs[place].1[results[place].len()]),
            };
            if !matches!(step, Step::Blocked(_)) {
                results[place].push(step);
            }
        }
        assert_eq!(results, outcome.results);
    }
}

#[test]
fn a_message_for_two_readers_leaves_one_waiting() {
    let mut host = Host::new(LINUX);
    let (a, b) = host.pair(PACKETS);
    let (first, second) = (host.thread(), host.thread());
    let writes = (host.task, vec![write(a, b"one")]);
    let explored = explore(&host, &[writes, (first, vec![read(b)]), (second, vec![read(b)])]);
    assert!(explored.can_hang());
    let mut hang: Vec<_> = explored
        .outcomes
        .iter()
        .map(|o| match &o.hangs[..] {
            [(task, wait)] => (*task, wait.cause.id),
            other => panic!("{other:?}"),
        })
        .collect();
    hang.sort();
    assert_eq!(hang, [(first, "wait/nothing-to-read"), (second, "wait/nothing-to-read")]);
}

#[test]
fn two_who_wait_for_each_other_hang_in_one_order_only() {
    // Each asks and then answers, but only if nothing came by then: the classic mistake.
    let mut host = Host::new(LINUX);
    let (a, b) = host.pair(PACKETS);
    let other = host.thread();
    let explored = explore(
        &host,
        &[
            (host.task, vec![read(a), write(a, b"answer")]),
            (other, vec![read(b), write(b, b"answer")]),
        ],
    );
    assert_eq!(explored.outcomes.len(), 1);
    assert_eq!(explored.outcomes[0].hangs.len(), 2);
    let explored = explore(
        &host,
        &[
            (host.task, vec![write(a, b"question"), read(a)]),
            (other, vec![read(b), write(b, b"answer")]),
        ],
    );
    assert!(!explored.can_hang());
    assert_eq!(explored.outcomes.len(), 1);
}

#[test]
fn a_server_and_its_clients_all_come_through() {
    let mut host = Host::new(LINUX);
    let listener = host.listener(STREAM, "/l", 0);
    let (a, b) = (host.socket(STREAM), host.socket(STREAM));
    let (first, second) = (host.thread(), host.thread());
    let explored = explore(
        &host,
        &[
            (host.task, vec![accept(listener), accept(listener)]),
            (first, vec![connect(a, "/l")]),
            (second, vec![connect(b, "/l")]),
        ],
    );
    assert!(!explored.can_hang());
    let done = vec![Step::Done(Ret::Unit)];
    for outcome in explored.outcomes {
        assert_eq!(outcome.results[1..], [done.clone(), done.clone()]);
    }
}

#[test]
fn a_backlog_that_is_never_emptied_hangs_whoever_comes_last() {
    let mut host = Host::new(LINUX);
    host.listener(STREAM, "/l", 0);
    let (a, b) = (host.socket(STREAM), host.socket(STREAM));
    let other = host.thread();
    let explored =
        explore(&host, &[(host.task, vec![connect(a, "/l")]), (other, vec![connect(b, "/l")])]);
    assert_eq!(explored.outcomes.len(), 2);
    for outcome in &explored.outcomes {
        let [(_, wait)] = &outcome.hangs[..] else { panic!("{outcome:?}") };
        assert_eq!(wait.cause.id, "wait/backlog-full");
    }
}

#[test]
fn a_listener_closed_meanwhile_gives_every_outcome_there_is() {
    let mut host = Host::new(LINUX);
    let listener = host.listener(STREAM, "/l", 0);
    host.client(STREAM, "/l");
    let client = host.socket(STREAM);
    let other = host.thread();
    let explored = explore(
        &host,
        &[
            (host.task, vec![accept(listener), Op::Close { fd: listener }]),
            (other, vec![connect(client, "/l"), read(client)]),
        ],
    );
    assert!(!explored.can_hang());
    let mut seen: Vec<_> = explored
        .outcomes
        .iter()
        .map(|o| o.results[1].iter().map(|s| s.cause().map_or("done", |c| c.id)).collect())
        .map(|causes: Vec<_>| causes.join(", "))
        .collect();
    seen.sort();
    seen.dedup();
    assert_eq!(
        seen,
        [
            "connect/listener-closed-while-waiting, recv/not-connected",
            "connect/stale-socket, recv/not-connected",
            "done, recv/closed-before-accept",
        ]
    );
}

#[test]
fn two_threads_that_connect_one_socket() {
    let mut host = Host::new(LINUX);
    let listener = host.listener(STREAM, "/l", 0);
    host.client(STREAM, "/l");
    let shared = host.socket(STREAM);
    let (first, second) = (host.thread(), host.thread());
    let explored = explore(
        &host,
        &[
            (host.task, vec![accept(listener), accept(listener)]),
            (first, vec![connect(shared, "/l")]),
            (second, vec![connect(shared, "/l")]),
        ],
    );
    for outcome in &explored.outcomes {
        let mut told: Vec<_> = outcome.results[1..].concat();
        told.sort_by_key(|step| step.errno());
        assert_eq!(told[0], Step::Done(Ret::Unit));
        assert_eq!(told[1].errno(), Some(Errno::EISCONN));
    }
    assert_eq!(explored.outcomes.len(), 2);
}

#[test]
fn time_passes_only_when_nobody_can_go_on() {
    let mut host = Host::new(LINUX);
    let (a, b) = host.pair(STREAM);
    let other = host.thread();
    let asks = |ms| poll(&[(a, Events::IN)], Some(ms));
    let writes = (other, vec![write(b, b"x")]);
    let explored = explore(&host, &[(host.task, vec![asks(10)]), writes]);
    let ready = |step: &Step| match step {
        Step::Done(Ret::Polled(found)) => !found[0].events.is_empty(),
        other => panic!("{other:?}"),
    };
    assert!(explored.outcomes.iter().all(|o| ready(&o.results[0][0])));
    let explored = explore(&host, &[(host.task, vec![asks(10), asks(5)])]);
    assert!(explored.outcomes.iter().all(|o| !ready(&o.results[0][1])));
    assert!(!explored.can_hang());
}

#[test]
fn a_process_that_exits_ends_its_program() {
    let mut host = Host::new(LINUX);
    let other = host.world.spawn();
    let program = vec![Op::Process(ProcessOp::Exit), Op::Process(ProcessOp::Getpid)];
    let explored = explore(&host, &[(other, program)]);
    assert_eq!(explored.outcomes.len(), 1);
    assert_eq!(explored.outcomes[0].results[0].len(), 1);
}

#[test]
fn a_program_may_be_that_of_a_child_to_come() {
    let mut host = Host::new(LINUX);
    let (a, b) = host.pair(PACKETS);
    let child = TaskId(host.task.0 + 1);
    let explored = explore(
        &host,
        &[
            (host.task, vec![Op::Process(ProcessOp::Fork), read(a)]),
            (child, vec![write(b, b"from the child")]),
        ],
    );
    assert_eq!(explored.outcomes.len(), 1);
    assert_eq!(texts(&explored.outcomes[0].results[0]), ["from the child"]);
}

#[test]
fn the_limit_of_states_is_kept_and_told() {
    let mut host = Host::new(LINUX);
    let (a, _) = host.pair(PACKETS);
    let (first, second) = (host.thread(), host.thread());
    let writes = || vec![write(a, b"x"); 8];
    let programs = [(first, writes()), (second, writes())];
    let explored = host.world.explore(&programs, 10);
    assert_eq!((explored.complete, explored.states), (false, 10));
    // 9 by 9 states lie on the ways, not the 12870 ways themselves.
    let explored = host.world.explore(&programs, STATES);
    assert_eq!((explored.complete, explored.states), (true, 81));
    assert!(
        explored.always(&[vec![Step::Done(Ret::Count(1)); 8], vec![Step::Done(Ret::Count(1)); 8]])
    );
}
