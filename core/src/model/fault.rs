//! Faults: calls that go wrong because a test planned it, in ways in which they can go wrong.
//!
//! A [`Fault`] waits for a call and acts in its place:
//!
//! ```text
//!             a call that it is for, but not yet the Nth
//!                  ┌────┐
//!  plan ──► planned ◄───┘ ── the Nth ──► fired ──► once: over
//!                                        │   ▲
//!                                        └───┘ persistent: every further call
//! ```
//!
//! Only calls of the catalogue count ([`Op::call`]), when they are begun: a call that waits and
//! looks again is the same call. A failure is one that the call can have on the world's platform
//! and with its socket; where it cannot, the fault does not fire ([`World::can_fail`]). A call with
//! a time limit that fails with `EAGAIN` has waited for so long: that is an [`Order::Delay`].

use super::step::Step;
use super::stop::Failure;
use super::world::{Caller, TaskId, World};
use crate::op::{Message, Name, Op, Want};
use crate::{Address, Call, Cause, Errno, SocketType, Symptom, cause};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

/// Something that shall go wrong.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    /// Which call it is for.
    pub at: At,
    /// What it does.
    pub effect: Effect,
    /// Whether it strikes every further call that it is for.
    pub persistent: bool,
}

/// The calls that a fault is for, and which of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct At {
    /// Those of this task; `None`: of any.
    pub task: Option<TaskId>,
    /// Those of this kind; `None`: of any that the catalogue knows.
    pub call: Option<Call>,
    /// The first of them is 1.
    pub nth: u64,
}

/// What a fault does.
#[derive(Debug, Clone, Copy)]
pub enum Effect {
    /// The call fails for this cause, and nothing else happens.
    Fail(&'static Cause),
    /// It sends or receives at most this many bytes: a stream's short read or write.
    Short(usize),
    /// It has room for this many bytes of ancillary data.
    ControlRoom(usize),
    /// The task's process dies instead ([`World::take_order`]).
    Die,
    /// The call is made, and the task goes on only after this time ([`World::take_order`]).
    Delay(Duration),
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Effect::Fail(cause) => f.write_str(cause.id),
            Effect::Short(bytes) => write!(f, "at most {bytes} bytes"),
            Effect::ControlRoom(bytes) => write!(f, "room for {bytes} bytes of ancillary data"),
            Effect::Die => f.write_str("the process dies"),
            Effect::Delay(time) => write!(f, "{time:?} later"),
        }
    }
}

impl At {
    /// The call with this number among all of the world, from 1.
    pub const fn number(number: u64) -> At {
        At { task: None, call: None, nth: number }
    }

    /// The nth call of this kind, from 1.
    pub const fn nth(call: Call, nth: u64) -> At {
        At { task: None, call: Some(call), nth }
    }
}

impl Fault {
    /// It strikes one call.
    pub const fn once(at: At, effect: Effect) -> Fault {
        Fault { at, effect, persistent: false }
    }

    /// It strikes that call, and all that follow.
    pub const fn lasting(at: At, effect: Effect) -> Fault {
        Fault { at, effect, persistent: true }
    }
}

/// What whoever drives the tasks must do after a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// End the process of the task, as a signal would.
    Kill,
    /// Let the task go on only after this time: as long as a call waited that failed because its
    /// time was up, or a planned delay.
    Delay(Duration),
}

/// A fault that struck.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fired {
    /// Which fault, in the order in which they were planned.
    pub fault: usize,
    /// The call's number among all calls of the catalogue that were begun in the world, from 1.
    pub number: u64,
    /// Whose call it was.
    pub task: TaskId,
    /// Which call.
    pub call: Call,
}

/// A fault that cannot be planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoFault {
    /// The catalogue knows no such cause.
    UnknownCause,
    /// The call never fails for this cause on the world's platform.
    NeverThere,
    /// The first call is 1, and a short read or write has a byte: none is the end of the stream.
    Zero,
}

impl fmt::Display for NoFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NoFault::UnknownCause => "the catalogue knows no such cause",
            NoFault::NeverThere => "the call never fails for this cause on this platform",
            NoFault::Zero => "calls are counted from 1, and a short transfer has a byte",
        })
    }
}

impl core::error::Error for NoFault {}

/// How long a call waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Patience {
    None,
    For(Duration),
    Endless,
}

/// The faults of a world, and how far they are.
#[derive(Debug, Clone, Default)]
pub(crate) struct Faults {
    begun: u64,
    planned: Vec<Planned>,
    fired: Vec<Fired>,
    order: Option<Order>,
}

#[derive(Debug, Clone)]
struct Planned {
    fault: Fault,
    seen: u64,
}

impl Effect {
    /// [`Effect::Fail`] for the cause with this id.
    ///
    /// # Errors
    /// [`NoFault::UnknownCause`]
    pub fn fail(id: &str) -> Result<Effect, NoFault> {
        cause::find(id).map(Effect::Fail).ok_or(NoFault::UnknownCause)
    }
}

impl World {
    /// Plans a fault.
    ///
    /// # Errors
    /// [`NoFault::NeverThere`] if no call that it is for can fail so on the world's platform.
    pub fn plan(&mut self, fault: Fault) -> Result<(), NoFault> {
        if fault.at.nth == 0 || matches!(fault.effect, Effect::Short(0)) {
            return Err(NoFault::Zero);
        }
        if let Effect::Fail(cause) = fault.effect {
            let concerned = fault.at.call.is_none_or(|call| cause.concerns(call));
            let shows = |kind| self.shown(cause, kind).is_some();
            if !(concerned && SocketType::ALL.iter().any(|kind| shows(*kind))) {
                return Err(NoFault::NeverThere);
            }
        }
        let faults = self.faults.get_or_insert_default();
        faults.planned.push(Planned { fault, seen: 0 });
        Ok(())
    }

    /// The faults that struck so far, in that order.
    pub fn fired(&self) -> &[Fired] {
        self.faults.as_ref().map_or(&[], |faults| &faults.fired)
    }

    /// What the last fault orders; once.
    pub fn take_order(&mut self) -> Option<Order> {
        self.faults.as_mut()?.order.take()
    }

    /// Whether this call of this task can fail for this cause: it concerns the call, shows an error
    /// on the platform for this type of socket, and is no refusal to wait of a call that waits.
    pub fn can_fail(&self, task: TaskId, op: &Op, cause: &'static Cause) -> bool {
        let caller = self.caller(task);
        let Some(call) = op.call() else { return false };
        let Some(errno) = self.shown(cause, self.kind_of(caller, op)) else { return false };
        let concerned = cause.concerns(call) && is_about(cause, op);
        concerned && (errno != Errno::EAGAIN || self.patience(caller, op) != Patience::Endless)
    }

    fn shown(&self, cause: &'static Cause, kind: SocketType) -> Option<Errno> {
        if !cause.sockets.contains(kind) {
            return None;
        }
        match cause.symptom(self.profile.platform, kind)? {
            Symptom::Errno(errno) => Some(errno),
            _ => None,
        }
    }

    /// How long the call waits before it says that it would have to.
    fn patience(&self, caller: Caller, op: &Op) -> Patience {
        let found = self.socket(caller, op.fd().unwrap_or(-1), ["", ""]);
        let Ok((file, socket)) = found else { return Patience::None };
        let options = &self.sockets[socket].options;
        let (now, timeout) = match op {
            Op::Send(message) => (message.flags.dont_wait, options.send_timeout),
            Op::Connect { .. } => (false, options.send_timeout),
            Op::Recv(want) => (want.flags.dont_wait, options.receive_timeout),
            Op::Accept { .. } => (false, options.receive_timeout),
            _ => return Patience::None,
        };
        if now || self.files[file].nonblocking {
            return Patience::None;
        }
        timeout.map_or(Patience::Endless, Patience::For)
    }

    /// A call begins in a world that has faults: what becomes of it if one strikes.
    #[cold]
    pub(crate) fn strike(&mut self, caller: Caller, op: &Op) -> Option<Step> {
        let call = op.call()?;
        let mut faults = self.faults.take()?;
        faults.begun += 1;
        let struck = self.choose(&mut faults, caller, call, op);
        self.faults = Some(faults);
        match struck? {
            Effect::Fail(cause) => {
                let errno = self.shown(cause, self.kind_of(caller, op))?;
                let raises = matches!(op, Op::Send(message) if !message.flags.no_signal);
                let signal = raises && errno == Errno::EPIPE;
                if errno == Errno::EAGAIN
                    && let Patience::For(limit) = self.patience(caller, op)
                {
                    self.faults.as_mut()?.order = Some(Order::Delay(limit));
                }
                Some(Step::Fail(Failure { cause: Some(cause), errno, signal }))
            }
            Effect::Die => {
                Some(Step::Fail(Failure { cause: None, errno: Errno::EINTR, signal: false }))
            }
            Effect::Delay(_) => None,
            effect @ (Effect::Short(_) | Effect::ControlRoom(_)) => {
                Some(self.begin(caller, &lessened(op, effect)?))
            }
        }
    }

    fn choose(&self, faults: &mut Faults, caller: Caller, call: Call, op: &Op) -> Option<Effect> {
        let mut chosen = None;
        for (number, planned) in faults.planned.iter_mut().enumerate() {
            let Fault { at, effect, persistent } = planned.fault;
            let concerned = at.task.is_none_or(|task| task == caller.task)
                && at.call.is_none_or(|kind| kind == call);
            if !concerned {
                continue;
            }
            planned.seen += 1;
            let due = planned.seen == at.nth || persistent && planned.seen > at.nth;
            let possible = match effect {
                Effect::Fail(cause) => self.can_fail(caller.task, op, cause),
                Effect::Short(_) => {
                    // A message is sent whole or not at all, and what does not fit is lost.
                    let stream = self.kind_of(caller, op) == SocketType::Stream;
                    stream && lessened(op, effect).is_some()
                }
                Effect::ControlRoom(_) => lessened(op, effect).is_some(),
                Effect::Die | Effect::Delay(_) => true,
            };
            if due && possible && chosen.is_none() {
                chosen = Some(effect);
                let task = caller.task;
                faults.fired.push(Fired { fault: number, number: faults.begun, task, call });
                faults.order = match effect {
                    Effect::Die => Some(Order::Kill),
                    Effect::Delay(time) => Some(Order::Delay(time)),
                    _ => None,
                };
            }
        }
        chosen
    }
}

/// Whether the call has the argument that the cause is about.
fn is_about(cause: &Cause, op: &Op) -> bool {
    let (family, _) = cause.id.split_once('/').unwrap_or_default();
    match op {
        // Without an address, nobody is looked up.
        Op::Send(message) if family == "connect" => message.to.is_some(),
        Op::Send(message) if family == "rights" || family == "ancillary" => {
            !message.control.is_empty()
        }
        Op::Connect { name: Name::Unix(name), .. } if cause.id.starts_with("connect/abstract") => {
            matches!(name, Address::Abstract(_))
        }
        _ => true,
    }
}

/// The call with fewer bytes or less room; `None` if the effect changes nothing.
fn lessened(op: &Op, effect: Effect) -> Option<Op> {
    match (op, effect) {
        (Op::Send(message), Effect::Short(most)) if message.data.len() > most => {
            let data = message.data[..most].into();
            Some(Op::Send(Message { data, ..message.clone() }))
        }
        (Op::Recv(want), Effect::Short(most)) if want.length > most => {
            Some(Op::Recv(Want { length: most, ..*want }))
        }
        (Op::Recv(want), Effect::ControlRoom(most)) if want.control > most => {
            Some(Op::Recv(Want { control: most, ..*want }))
        }
        _ => None,
    }
}

/// No faults, unless some were planned.
pub(crate) type Planning = Option<Box<Faults>>;
