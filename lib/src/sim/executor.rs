//! Futures in a simulation: what they wait for, and an executor that takes part in it.

use crate::model::World;
use crate::op::{Events, Fd};
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
    /// One of these events of a descriptor of a task.
    Socket(crate::model::TaskId, Fd, Events),
}

impl Watch {
    pub(super) fn until(&self) -> Option<Duration> {
        match self.what {
            What::Until(until) => Some(until),
            What::Socket(..) => None,
        }
    }

    pub(super) fn is_ready(&self, world: &World) -> bool {
        match self.what {
            What::Until(until) => until <= world.now(),
            What::Socket(task, fd, wanted) => {
                let always = Events::ERR | Events::HUP | Events::NVAL;
                !(world.events(task, fd) & (wanted | always)).is_empty()
            }
        }
    }
}
