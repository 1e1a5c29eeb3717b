//! Futures in a simulation: what they wait for, and an executor that takes part in it.

use crate::model::{Step, World};
use crate::op::{Events, Fd, Op, Ret};
use std::task::Waker;
use std::time::Duration;

/// What a future waits for.
#[derive(Debug)]
pub(super) struct Watch {
    /// The thread that polls it.
    pub(super) task: usize,
    pub(super) what: What,
    pub(super) waker: Waker,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum What {
    /// A time.
    Until(Duration),
    /// One of these events of a descriptor of a task that waits for nothing itself.
    Socket(crate::model::TaskId, Fd, Events),
}

impl Watch {
    pub(super) fn until(&self) -> Option<Duration> {
        match self.what {
            What::Until(until) => Some(until),
            What::Socket(..) => None,
        }
    }

    pub(super) fn is_ready(&self, world: &mut World) -> bool {
        match self.what {
            What::Until(until) => until <= world.now(),
            What::Socket(task, fd, events) => {
                let look = Op::Poll { fds: vec![(fd, events)], timeout: Some(Duration::ZERO) };
                match world.step(task, &look) {
                    Step::Done(Ret::Polled(found)) => found.iter().any(|f| !f.events.is_empty()),
                    // It is for the call to say what is wrong.
                    _ => true,
                }
            }
        }
    }
}
