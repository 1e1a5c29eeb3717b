//! A process of a script on the kernel's side, with a thread for each of its tasks.

use super::compare::Dictionary;
use super::house::House;
use super::script::{Expected, Line, MOST_TASKS, Play, Role};
use super::wire::{Answer, Order};
use crate::failure::Told;
use crate::tasks::pipes::{after, answers, orders, write_all};
use std::os::fd::{AsFd, BorrowedFd};
use std::thread::{self, Scope};
use std::time::{Duration, Instant};
use sunpath::host::{self, Outcome};
use sunpath::op::{Op, ProcessOp, Ret};
use sunpath::sys::{self, bare, namespace, process};
use sunpath::{Errno, trace};

/// Where a namespace is among the descriptors that scripts cannot reach.
fn net(number: usize) -> usize {
    after(MOST_TASKS) + number
}

/// How long others may be in the way.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a worker has when it begins.
#[derive(Clone)]
pub struct Worker<'a> {
    /// The script with the model's answers.
    pub play: &'a Play,
    /// Its task.
    pub task: usize,
    /// What is known so far.
    pub known: Dictionary,
    /// The process of the lane, with which it dies.
    pub lane: u32,
}

/// Makes this process a worker; its exit status. `ends` are the ends of pipes for orders and
/// answers, task by task.
pub fn run(mut worker: Worker<'_>, house: &House, role: Role, ends: &[BorrowedFd<'_>]) -> i32 {
    match prepare(&worker.known, house, role, ends, worker.lane) {
        Ok(()) => thread::scope(|threads| worker.obey(threads)),
        Err(errno) => {
            let differs = Some(format!("cannot begin: {}", errno.told()));
            worker.answer(Answer { differs, ..Answer::default() });
        }
    }
    0
}

/// Gives this process a table of descriptors, a directory, a user and a network of its own, and
/// lets it die with `lane`.
pub fn prepare(
    known: &Dictionary,
    house: &House,
    role: Role,
    ends: &[BorrowedFd<'_>],
    lane: u32,
) -> sys::Result<()> {
    let mut keep = ends.to_vec();
    keep.extend(house.nets.iter().map(AsFd::as_fd));
    if house.privileged {
        namespace::change_root(house.root())?;
    } else {
        std::env::set_current_dir(house.root()).map_err(|_| sys::Errno::NOENT)?;
    }
    bare::begin(house.null.as_fd(), &keep, house.machine.descriptors)?;
    bare::hold_pipe_signal()?;
    bare::umask(0o022);
    if house.privileged {
        bare::borrow_reserved(net(0), |net| namespace::enter(net, None))?;
        let id = match role {
            Role::Root(_) | Role::Own => 0,
            Role::User(id) => known.user_to_host(id),
        };
        process::become_user(id, id, &[])?;
    }
    process::die_with(lane)
}

impl Worker<'_> {
    /// Carries orders out until there are no more.
    fn obey<'scope>(&mut self, threads: &'scope Scope<'scope, '_>)
    where
        Self: 'scope,
    {
        loop {
            let from = orders(self.task);
            let mut source = |buffer: &mut [u8]| read_all(from, buffer);
            let Some(order) = Order::read(&mut source) else { return };
            self.known.pids = order.pids;
            self.known.names = order.names;
            let (from, to) = (order.from as usize, order.to as usize);
            if let Some(answer) = self.make(from, to, threads) {
                self.answer(answer);
            }
        }
    }

    /// Makes calls, as long as both sides agree. `None`: this is a new process, made on the way.
    fn make<'scope>(
        &mut self,
        from: usize,
        to: usize,
        threads: &'scope Scope<'scope, '_>,
    ) -> Option<Answer>
    where
        Self: 'scope,
    {
        let play = self.play;
        let mut answer = Answer::default();
        for line in &play.lines[from..to] {
            if line.made.op == Op::Process(ProcessOp::Fork) {
                match bare::fork_sibling() {
                    Ok(0) => {
                        if let Expected::Done(Ret::Task(task)) = line.expected {
                            self.task = task as usize;
                        }
                        self.stay_mortal();
                        return None;
                    }
                    Ok(pid) => answer.child = pid,
                    Err(errno) => {
                        answer.differs = Some(errno.told());
                        break;
                    }
                }
            } else if let (Op::Process(ProcessOp::Thread), Expected::Done(Ret::Task(task))) =
                (&line.made.op, &line.expected)
            {
                let mut thread = Worker { task: *task as usize, ..self.clone() };
                let started =
                    thread::Builder::new().spawn_scoped(threads, move || thread.obey(threads));
                if let Err(error) = started {
                    answer.differs = Some(error.told());
                    break;
                }
            } else if let Some(differs) = self.differs(line) {
                answer.differs = Some(differs);
                break;
            }
            answer.agreed += 1;
        }
        answer.names = self.known.names.clone();
        Some(answer)
    }

    /// Makes a call; what the kernel says, if it is not what the model says.
    fn differs(&mut self, line: &Line) -> Option<String> {
        let mut outcome = self.perform(line);
        if let Op::Process(ProcessOp::Become { .. } | ProcessOp::SetEffective { .. }) = line.made.op
        {
            self.stay_mortal();
        }
        self.known.number_to_model(&line.made.op, &mut outcome);
        let agree = self.known.agree(&line.expected, &mut outcome);
        (!agree).then(|| match outcome {
            Ok(ret) => trace::Outcome::Done(ret).to_string(),
            Err(failed) => match failed.errno() {
                Some(errno) => {
                    let signal = failed.signal;
                    trace::Outcome::Failed { errno, cause: None, signal }.to_string()
                }
                None => format!("{failed:?}"),
            },
        })
    }

    /// Makes a call. What a user has in flight, other programs of the user count, too: where only
    /// that is in the way, the call is made again after a while.
    fn perform(&self, line: &Line) -> Outcome {
        let until = Instant::now() + PATIENCE;
        loop {
            let outcome = perform(line, &self.known);
            let crowded = matches!(&outcome, Err(f) if f.errno() == Some(Errno::ETOOMANYREFS));
            let surprises =
                !matches!(line.expected, Expected::Fails { errno: Errno::ETOOMANYREFS, .. });
            if !(crowded && surprises) || Instant::now() > until {
                return outcome;
            }
            thread::sleep(Duration::from_micros(200));
        }
    }

    /// A call that waits although it should not would outlive the lane. New processes, and those
    /// that change their user, are to be told again.
    fn stay_mortal(&self) {
        if process::die_with(self.lane).is_err() {
            bare::exit(1);
        }
    }

    fn answer(&self, answer: Answer) {
        write_all(answers(self.task), &answer.to_bytes());
    }
}

/// Fills the buffer from a reserved descriptor; `None` if there is no more.
fn read_all(number: usize, buffer: &mut [u8]) -> Option<()> {
    let mut filled = 0;
    while filled < buffer.len() {
        match bare::read_reserved(number, &mut buffer[filled..]) {
            Ok(0) | Err(_) => return None,
            Ok(read) => filled += read,
        }
    }
    Some(())
}

/// Makes a call.
fn perform(line: &Line, known: &Dictionary) -> Outcome {
    match (&line.made.op, &line.expected) {
        (Op::Process(ProcessOp::Exit), _) => bare::exit(0),
        (Op::Process(ProcessOp::UnshareNet | ProcessOp::JoinNet { .. }), Expected::Done(_)) => {
            let entered = bare::borrow_reserved(net(line.net), |net| namespace::enter(net, None));
            Ok(entered.map(|()| Ret::Unit)?)
        }
        (Op::Process(ProcessOp::JoinNet { .. }), Expected::Fails { .. }) => {
            host::perform(&Op::Process(ProcessOp::UnshareNet))
        }
        (op, _) => host::perform(&known.to_host(op)),
    }
}
