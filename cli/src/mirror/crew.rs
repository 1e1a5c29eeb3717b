//! Plays a script on the kernel: one worker for each task, told in turn which calls to make.

use super::compare::Dictionary;
use super::house::House;
use super::script::{Expected, Line, MOST_TASKS, Play, Role};
use super::wire::{Answer, Order};
use super::worker::{self, Worker};
use crate::stage::{Step, Trouble};
use crate::tasks::pipes::Pipes;
use std::io::{PipeReader, PipeWriter, Read, Write};
use std::os::fd::AsFd;
use std::time::Duration;
use sunpath::op::{Op, ProcessOp, Ret};
use sunpath::sys::process::{self, Child};
use sunpath::sys::socket::{self, PollFlags};

/// How a script is played.
#[derive(Debug, Clone, Copy)]
pub struct Manner {
    /// How long the calls of an order may take. None waits, if the model is right.
    pub patience: Duration,
    /// Each order is for one call, so that it is known which does not come back.
    pub one_by_one: bool,
}

impl Manner {
    /// Fast as long as all is well.
    pub const USUAL: Manner = Manner { patience: Duration::from_secs(5), one_by_one: false };
    /// For a script in which a call is known to wait.
    pub const HASTY: Manner = Manner { patience: Duration::from_millis(300), one_by_one: true };
}

/// What the kernel says of a call that does not come back.
pub const STUCK: &str = "does not come back";

/// How it went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// Both sides agree on every call.
    Agreed,
    /// They do not on this one, to which the kernel said something else.
    Differs {
        /// The number of the call.
        at: usize,
        /// What the kernel said.
        kernel: String,
    },
}

/// The processes of a script.
struct Crew<'a> {
    play: &'a Play,
    orders: Vec<PipeWriter>,
    answers: Vec<PipeReader>,
    children: Vec<Option<Child>>,
    ended: [bool; MOST_TASKS],
    manner: Manner,
    known: Dictionary,
}

/// Plays a script on the kernel.
pub fn perform(
    play: &Play,
    cast: &[Role],
    house: &mut House,
    manner: Manner,
) -> Result<Ending, Trouble> {
    match attempt(play, cast, house, manner)? {
        Some(ending) => Ok(ending),
        None => {
            let ending = attempt(play, cast, house, Manner { one_by_one: true, ..manner })?;
            Ok(ending.unwrap_or(Ending::Agreed))
        }
    }
}

/// `None` if calls did not come back and nobody knows which.
fn attempt(
    play: &Play,
    cast: &[Role],
    house: &mut House,
    manner: Manner,
) -> Result<Option<Ending>, Trouble> {
    house.fresh_root()?;
    let mut crew = Crew::start(play, cast, house, manner)?;
    let mut from = 0;
    while from < play.lines.len() {
        let to = crew.end_of_order(from);
        match crew.order(from, to)? {
            Told::Agreed => match play.lines[to - 1].left {
                Some(left) if !house.waits_for(left)? => {
                    let kernel = format!("has not {left} sockets left");
                    return Ok(Some(Ending::Differs { at: to - 1, kernel }));
                }
                _ => from = to,
            },
            Told::Differs { at, kernel } => return Ok(Some(Ending::Differs { at, kernel })),
            Told::Nothing if to - from > 1 => return Ok(None),
            Told::Nothing => {
                let kernel = STUCK.to_string();
                return Ok(Some(Ending::Differs { at: from, kernel }));
            }
        }
    }
    Ok(Some(Ending::Agreed))
}

/// What a worker answers.
enum Told {
    Agreed,
    Differs { at: usize, kernel: String },
    Nothing,
}

impl Crew<'_> {
    fn start<'a>(
        play: &'a Play,
        cast: &[Role],
        house: &House,
        manner: Manner,
    ) -> Result<Crew<'a>, Trouble> {
        let Pipes { orders, answers, ends } = Pipes::new(MOST_TASKS)?;
        let known = house.dictionary();
        let ended = [false; MOST_TASKS];
        let children = Vec::new();
        let mut crew = Crew { play, orders, answers, children, ended, manner, known };
        let ends: Vec<_> = ends.iter().map(AsFd::as_fd).collect();
        let lane = std::process::id();
        for (task, role) in cast.iter().enumerate() {
            let child = process::fork(|| {
                let worker = Worker { play, task, known: crew.known.clone(), lane };
                worker::run(worker, house, *role, &ends)
            });
            crew.welcome(task, child.step("make a process")?);
        }
        Ok(crew)
    }

    fn welcome(&mut self, task: usize, child: Child) {
        let real = child.pid().cast_signed();
        self.known.pids.push((self.play.members[task].pid, real));
        self.children.resize_with(task + 1, || None);
        self.children[task] = Some(child);
    }

    /// The end of the calls that are made in one go: of one task, up to one that makes a new
    /// task, or garbage that the kernel is to collect; a process that ends has an order of its
    /// own, as it does not answer.
    fn end_of_order(&self, from: usize) -> usize {
        if self.manner.one_by_one {
            return from + 1;
        }
        let lines = &self.play.lines[from..];
        let task = lines[0].made.task;
        let goes_on = |line: &Line| match &line.made.op {
            _ if line.left.is_some() => false,
            Op::Process(ProcessOp::Fork | ProcessOp::Thread | ProcessOp::Exit) => false,
            _ => line.made.task == task,
        };
        let plain = lines.iter().take_while(|line| goes_on(line)).count();
        match lines.get(plain).map(|line| &line.made) {
            Some(next) if next.task == task && next.op != Op::Process(ProcessOp::Exit) => {
                from + plain + 1
            }
            _ => from + plain.max(1),
        }
    }

    /// Has calls made.
    fn order(&mut self, from: usize, to: usize) -> Result<Told, Trouble> {
        let last = &self.play.lines[to - 1];
        let task = last.made.task as usize;
        let order = Order::new(from, to, &self.known);
        self.orders[task].write_all(&order.to_bytes()).step("give an order")?;
        if last.made.op == Op::Process(ProcessOp::Exit) {
            self.see_off(self.play.members[task].process)?;
            return Ok(Told::Agreed);
        }
        let Some(answer) = self.answer(task)? else { return Ok(Told::Nothing) };
        self.known.names = answer.names;
        if let Some(kernel) = answer.differs {
            return Ok(Told::Differs { at: from + answer.agreed as usize, kernel });
        }
        if let (Op::Process(ProcessOp::Fork), Expected::Done(Ret::Task(new))) =
            (&last.made.op, &last.expected)
        {
            let child = Child::adopt(answer.child.cast_unsigned()).step("know a new process")?;
            self.welcome(*new as usize, child);
        }
        Ok(Told::Agreed)
    }

    fn answer(&mut self, task: usize) -> Result<Option<Answer>, Trouble> {
        let pipe = &mut self.answers[task];
        let ready = socket::poll(pipe.as_fd(), PollFlags::IN, self.manner.patience)
            .step("wait for a worker")?;
        if ready.is_empty() {
            return Ok(None);
        }
        let mut source = |buffer: &mut [u8]| pipe.read_exact(buffer).ok();
        Ok(Answer::read(&mut source))
    }

    /// Waits until a process has ended. Its number stays its own until the process that made it
    /// ends too, as nobody asks how it ended.
    fn see_off(&mut self, task: usize) -> Result<(), Trouble> {
        if let Some(child) = &self.children[task] {
            child.wait_without_reaping().step("see a process off")?;
        }
        self.ended[task] = true;
        for number in 0..self.children.len() {
            let parent = self.play.members[number].parent;
            if self.ended[number] && parent.is_some_and(|parent| self.ended[parent]) {
                self.children[number] = None;
            }
        }
        Ok(())
    }
}
