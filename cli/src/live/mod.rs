//! The running kernel as a system in which traces are played, see [`sunpath::trace::System`].
//!
//! ```text
//!  sunpath play ──starts──► a process in namespaces of its own         (run, place)
//!      ▲                      │  plays the trace, one step after the other
//!      │ each step, as JSON   │  "call send 3 \"hello\""          worker ── the kernel
//!      └──────────────────────┤ ─────────────────────────────────►  a process or thread for
//!   and a limit on the whole  │ ◄───────────── "done 5", or it       each task (crate::tasks)
//!                             │                sleeps: the call waits
//!                             └─ around: mounts and flags, by a process shut in as they are
//! ```
//! A trace may come from anybody: whatever it says happens in a file system, a network and
//! processes that end with it. What cannot be done there ends the trace with the reason:
//! `skipped: ...`.
//!
//! Numbers are translated where both sides choose them: tasks and processes by name, automatic
//! names in the order in which they are seen.

mod around;
pub mod cause;
mod place;
pub mod run;

use crate::failure::Told;
use crate::mirror::compare::{Dictionary, automatic};
use crate::stage::Trouble;
use crate::tasks::{self, Settled, Tasks};
use place::Place;
use std::collections::BTreeSet;
use std::time::Duration;
use sunpath::host;
use sunpath::model::Credentials;
use sunpath::op::{Control, Name, Op, ProcessOp, Restriction, Ret, Setting, Value};
use sunpath::sys::socket;
use sunpath::trace::{Outcome, System};
use sunpath::{Address, Platform, SocketType};

/// The most tasks that a trace can have.
const MOST_TASKS: usize = 32;

/// The most time that a trace can let pass.
const MOST_TIME: Duration = Duration::from_secs(20);

/// What is slept longer than a trace says, as the kernel's clock has ticks.
const TICK: Duration = Duration::from_millis(15);

/// A trace's processes on the running kernel.
pub struct Live {
    place: Place,
    tasks: Tasks,
    names: Dictionary,
    /// Names that look like automatic ones, but were chosen.
    chosen: BTreeSet<Vec<u8>>,
    /// Whether each task waits in a call.
    waits: Vec<bool>,
    /// How much time the trace may still let pass.
    time: Duration,
}

impl Live {
    /// Nobody is there yet.
    pub fn new(place: Place) -> Result<Live, Trouble> {
        let (tasks, names) = (Tasks::new(MOST_TASKS)?, Dictionary::default());
        let (chosen, waits) = (BTreeSet::new(), Vec::new());
        Ok(Live { place, tasks, names, chosen, waits, time: MOST_TIME })
    }

    fn settle(&mut self, task: usize) -> Result<Outcome, String> {
        let settled = self.tasks.settle(&BTreeSet::new()).map_err(why)?;
        let answer = self.tasks.answer(task);
        self.waits.resize(self.waits.len().max(task + 1), false);
        self.waits[task] = answer.is_none();
        match (answer, settled) {
            (Some(answer), _) => {
                let outcome = tasks::outcome(&answer).map_err(why)?;
                self.outcome(outcome)
            }
            (None, Settled::Still) => Ok(Outcome::Waits(None)),
            (None, Settled::Restless(_)) => Err("the process neither answers nor waits".into()),
        }
    }

    /// What came of a call, in the words of traces.
    fn outcome(&mut self, outcome: host::Outcome) -> Result<Outcome, String> {
        match outcome {
            Ok(mut ret) => {
                self.translate(&mut ret);
                Ok(Outcome::Done(ret))
            }
            Err(failed) => {
                let errno = failed.errno();
                let errno = errno.ok_or(format!("an error without a name: {failed:?}"))?;
                Ok(Outcome::Failed { errno, cause: None, signal: failed.signal })
            }
        }
    }

    /// Automatic names are numbered here as in the model, which has its own.
    fn translate(&mut self, ret: &mut Ret) {
        let address = match ret {
            Ret::Name(address) | Ret::Value(Value::Name(Some(address))) => Some(address),
            Ret::Accepted { name, .. } => name.as_mut(),
            Ret::Received(received) => received.from.as_mut(),
            _ => None,
        };
        let Some(address) = address else { return };
        let Some(real) = automatic(address) else { return };
        if self.chosen.contains(&real[..]) {
            return;
        }
        let known = self.names.names.iter().find(|(_, known)| *known == real);
        let model = known.map(|(model, _)| *model).unwrap_or_else(|| {
            let text = format!("{:05x}", self.names.names.len() & 0xf_ffff);
            let model = text.into_bytes().try_into().unwrap_or(real);
            self.names.names.push((model, real));
            model
        });
        *address = Address::Abstract(model.to_vec());
    }

    fn note_chosen(&mut self, op: &Op) {
        if let Op::Bind { name: Name::Unix(Address::Abstract(name)), .. } = op {
            self.chosen.insert(name.clone());
        }
    }

    fn order(&mut self, task: usize, order: &str) -> Result<Outcome, String> {
        self.tasks.order(task, order).map_err(why)?;
        self.settle(task)
    }

    fn make_task(&mut self, task: usize, thread: bool) -> Result<Outcome, String> {
        self.has_room()?;
        match self.tasks.make_task(task, thread).map_err(why)? {
            Ok(new) => Ok(Outcome::Done(Ret::Task(new as u32))),
            Err(failed) => self.outcome(Err(failed)),
        }
    }

    fn has_room(&self) -> Result<(), String> {
        if self.tasks.has_room() { Ok(()) } else { Err("skipped: too many processes".into()) }
    }

    fn restrict(&mut self, task: usize, how: &Restriction) -> Result<Outcome, String> {
        let outcome = match how {
            Restriction::AbstractScope => self.order(task, "restrict abstract-scope")?,
            Restriction::NoUnixSockets => self.order(task, "restrict no-unix-sockets")?,
            Restriction::Covered { path } => {
                let hex: String = path.iter().map(|byte| format!("{byte:02x}")).collect();
                self.order(task, &format!("cover {hex}"))?
            }
            Restriction::UserNamespace => {
                // Its ids can be seen as long as they are those of the namespace outside.
                let ids = ids_of(self.tasks.pid(task)).ok_or("the ids cannot be read")?;
                let outcome = self.order(task, "restrict user-namespace")?;
                if matches!(outcome, Outcome::Done(_)) {
                    map_ids(self.tasks.pid(task), ids)
                        .map_err(|error| format!("skipped: cannot map ids: {}", error.told()))?;
                }
                outcome
            }
            Restriction::Denied { .. } => {
                return Err("skipped: needs a security module with such a rule".into());
            }
        };
        match outcome {
            Outcome::Done(_) => Ok(outcome),
            other => Err(format!("skipped: this system does not allow that here: {other}")),
        }
    }
}

/// Whether a call is on a socket address below `/proc`, which shows more than a trace may reach.
fn leads_into_proc(op: &Op) -> bool {
    let name = match op {
        Op::Bind { name, .. } | Op::Connect { name, .. } => Some(name),
        Op::Send(message) => message.to.as_ref(),
        _ => None,
    };
    matches!(name, Some(Name::Unix(Address::Path(path))) if path.starts_with(b"/proc/"))
}

/// The process that a message claims to be from.
fn claimed(op: &Op) -> Option<i32> {
    let Op::Send(message) = op else { return None };
    message.control.iter().find_map(|control| match control {
        Control::Credentials(ids) => Some(ids.pid),
        _ => None,
    })
}

/// Why a trace cannot go on.
fn why(trouble: Trouble) -> String {
    match trouble {
        Trouble::NotHere(why) => format!("skipped: {why}"),
        Trouble::Failed(why) => why,
    }
}

/// The effective user and group of a process.
fn ids_of(pid: u32) -> Option<[u32; 2]> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let id = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().nth(1)?.parse().ok()
    };
    Some([id("Uid:")?, id("Gid:")?])
}

/// Its own ids become root's in the user namespace that a process has just made.
fn map_ids(pid: u32, [user, group]: [u32; 2]) -> std::io::Result<()> {
    std::fs::write(format!("/proc/{pid}/uid_map"), format!("0 {user} 1"))?;
    std::fs::write(format!("/proc/{pid}/gid_map"), format!("0 {group} 1"))
}

impl System for Live {
    fn platform(&self) -> Platform {
        Platform::Linux
    }

    fn spawn(&mut self, credentials: &Credentials) -> Result<u32, String> {
        let only_root = *credentials == Credentials::ROOT;
        if !only_root && !self.place.privileged {
            return Err("skipped: only root can start processes of other users".into());
        }
        self.has_room()?;
        let place = &self.place;
        let spawned = self.tasks.spawn(|keep| place.enter(credentials, keep));
        spawned.map(|task| task as u32).map_err(why)
    }

    fn call(&mut self, task: u32, op: &Op) -> Result<Outcome, String> {
        let task = task as usize;
        if self.tasks.is_stopped(task) {
            return Err("skipped: a stopped process makes no calls".into());
        }
        match op {
            Op::Process(ProcessOp::Fork) => return self.make_task(task, false),
            Op::Process(ProcessOp::Thread) => return self.make_task(task, true),
            Op::Process(ProcessOp::Exit) => {
                self.tasks.end(task).map_err(why)?;
                return Ok(Outcome::Done(Ret::Unit));
            }
            Op::Process(ProcessOp::JoinNet { of }) => {
                let Some(pid) = self.tasks.pid_of(*of as usize) else {
                    return Err("skipped: nobody is there to be joined".into());
                };
                return self.order(task, &format!("join {pid}"));
            }
            _ => {}
        }
        if leads_into_proc(op) {
            return Err("skipped: there is no /proc in the private directory".into());
        }
        self.note_chosen(op);
        let op = self.names.to_host(op);
        let own = self.pid(task as u32);
        if !self.place.privileged && claimed(&op).is_some_and(|pid| pid != own) {
            return Err("skipped: only root can claim to be another process".into());
        }
        self.order(task, &format!("call {op}"))
    }

    fn resume(&mut self, task: u32) -> Result<Outcome, String> {
        self.settle(task as usize)
    }

    fn interrupt(&mut self, task: u32) -> Result<(), String> {
        let task = task as usize;
        if self.waits.get(task) == Some(&true) {
            self.tasks.interrupt(task).map_err(why)
        } else {
            Ok(())
        }
    }

    fn advance(&mut self, time: Duration) -> Result<(), String> {
        let Some(rest) = self.time.checked_sub(time) else {
            return Err(format!("skipped: takes longer than {} seconds", MOST_TIME.as_secs()));
        };
        self.time = rest;
        std::thread::sleep(time + TICK);
        Ok(())
    }

    fn collect(&mut self) -> Result<(), String> {
        /// The kernel collects at leisure, after a socket was closed.
        const LEISURE: Duration = Duration::from_millis(50);
        let flags = socket::SocketFlags::empty();
        let pair = socket::socketpair(SocketType::Stream, flags);
        drop(pair.map_err(|errno| format!("cannot make sockets: {}", errno.told()))?);
        std::thread::sleep(LEISURE);
        Ok(())
    }

    fn set(&mut self, setting: &Setting) -> Result<Outcome, String> {
        match setting {
            Setting::Stop { task, on } if self.tasks.pid_of(*task as usize).is_some() => {
                self.tasks.stop(*task as usize, *on).map_err(why)?;
                Ok(Outcome::Done(Ret::Unit))
            }
            Setting::Restrict { task, how } if self.tasks.pid_of(*task as usize).is_some() => {
                let task = *task as usize;
                if self.tasks.is_stopped(task) || self.waits.get(task) == Some(&true) {
                    return Err("skipped: the process cannot restrict itself now".into());
                }
                self.restrict(task, how)
            }
            setting => around::set(&self.place, setting),
        }
    }

    fn pid(&self, task: u32) -> i32 {
        self.tasks.pid_of(task as usize).map_or(-1, u32::cast_signed)
    }
}
