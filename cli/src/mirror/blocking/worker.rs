//! A process of a program, with a thread for each of its tasks.

use super::super::house::House;
use super::super::worker::{answers, orders, prepare, read_all, write_all};
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use sunpath::host::{self, Outcome};
use sunpath::op::{Op, ProcessOp, Ret};
use sunpath::sys::{self, bare, process, thread};

/// Another thread was started, so that the process cannot be copied any more.
static HAS_THREADS: AtomicBool = AtomicBool::new(false);

/// Makes this process, a child of `parent`, one of a program; its exit status.
pub fn run(task: usize, house: &House, parent: u32, ends: &[BorrowedFd<'_>]) -> i32 {
    let known = house.dictionary();
    let ready =
        prepare(&known, house, house.own, ends, parent).and_then(|()| thread::allow_interrupts());
    match ready {
        Ok(()) => obey(task, parent),
        Err(errno) => say(task, &format!("cannot begin: {errno}")),
    }
    0
}

/// Makes calls until nobody asks for more.
fn obey(task: usize, parent: u32) {
    say(task, &format!("here {} {}", std::process::id(), thread::id()));
    while let Some((new, op)) = hear(task) {
        let outcome = match op {
            Op::Process(ProcessOp::Exit) => bare::exit(0),
            Op::Process(ProcessOp::Thread) => start_thread(new, parent),
            Op::Process(ProcessOp::Fork) => match fork() {
                Ok(0) => match process::die_with(parent) {
                    Ok(()) => return obey(new, parent),
                    Err(_) => bare::exit(1),
                },
                Ok(_) => Ok(Ret::Task(new as u32)),
                Err(errno) => Err(errno.into()),
            },
            op => host::perform(&op),
        };
        say(
            task,
            &match outcome {
                Ok(ret) => format!("ok {ret}"),
                Err(failed) => format!("no {} {}", failed.number, u8::from(failed.signal)),
            },
        );
    }
}

fn start_thread(task: usize, parent: u32) -> Outcome {
    HAS_THREADS.store(true, Ordering::Relaxed);
    let started = std::thread::Builder::new().spawn(move || obey(task, parent));
    started.map_err(|_| sys::Errno::AGAIN)?;
    Ok(Ret::Task(task as u32))
}

fn fork() -> sys::Result<i32> {
    if HAS_THREADS.load(Ordering::Relaxed) {
        return Err(sys::Errno::BUSY);
    }
    bare::fork_sibling()
}

/// The next call, and the number of the task that it makes, if it makes one.
fn hear(task: usize) -> Option<(usize, Op)> {
    let mut head = [0; 8];
    read_all(orders(task), &mut head)?;
    let [new, length] = [&head[..4], &head[4..]]
        .map(|bytes| bytes.iter().rev().fold(0, |number, byte| number << 8 | usize::from(*byte)));
    let mut text = vec![0; length];
    read_all(orders(task), &mut text)?;
    Some((new, String::from_utf8(text).ok()?.parse().ok()?))
}

fn say(task: usize, text: &str) {
    let mut bytes = (text.len() as u32).to_le_bytes().to_vec();
    bytes.extend(text.as_bytes());
    write_all(answers(task), &bytes);
}
