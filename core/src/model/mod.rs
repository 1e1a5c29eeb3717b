//! A deterministic model of a UNIX domain socket system: an executable specification.
//!
//! A [`World`] holds processes, their descriptors, a small file system, network namespaces and
//! sockets. [`World::step`] makes one task make one call, which is done, fails for a cause of the
//! catalogue, or blocks:
//!
//! ```
//! use sunpath_core::model::{Step, World};
//! use sunpath_core::op::{Kind, Message, New, Op, Ret, Want};
//! use sunpath_core::profile::LINUX;
//!
//! let mut world = World::new(LINUX);
//! let task = world.spawn();
//! assert_eq!(world.step(task, &Op::Socketpair(New::unix(Kind::Stream))), Step::Done(Ret::Pair(3, 4)));
//! world.step(task, &Op::Send(Message::new(3, b"hello")));
//! let Step::Done(Ret::Received(message)) = world.step(task, &Op::Recv(Want::new(4, 64))) else {
//!     panic!("nothing came")
//! };
//! assert_eq!(&*message.data, b"hello");
//! world.step(task, &Op::Close { fd: 3 });
//! let failed = world.step(task, &Op::Send(Message::new(4, b"anybody there?")));
//! assert_eq!(failed.cause().unwrap().id, "send/peer-closed");
//! ```
//!
//! # How the pieces fit
//! ```text
//!  step ── task ── process ── descriptor ── open file ── socket ─┬─ name ── file node
//!    │       │                                  ▲                ├─ state (peer, or backlog)
//!    │       └─ a blocked call, in the lines    │                ├─ queue of messages ── sender
//!    │          of the sockets it waits for     └── in flight ───┘      (descriptors, credentials)
//!    └─ one file for each call: checks first, in the order of the catalogue, then the change
//! ```
//! - A check that fails returns `fail` with the id of its cause; which errno that is
//!   on a platform, the catalogue says.
//! - What differs between systems is asked of the [`Profile`](crate::profile::Profile), by what it
//!   does and not by its name.
//! - A call that must wait returns `Stop::Block`: the task stands in the line of a
//!   socket until somebody wakes it, time runs out or a signal comes; then [`World::resume`] makes
//!   the call look again. Who of several goes first, the caller decides ([`World::runnable`]).
//! - There is no clock, no randomness and no hash map: time is passed in ([`World::advance`]), and
//!   the same calls give the same results anywhere.
//! - Where it deviates from the systems, [`NOT_MODELLED`] says so, and why.

mod ancillary;
mod at_once;
mod buffer;
mod close;
mod connection;
mod create;
mod environment;
mod explore;
mod fault;
mod file;
mod inet;
mod namespace;
mod not_modelled;
mod observe;
mod option;
mod poll;
mod process;
mod process_call;
mod queue;
mod recv;
mod send;
mod show;
mod slab;
mod socket;
mod step;
mod stop;
mod wait;
mod world;

pub use explore::{Explored, Outcome};
pub use fault::{At, Effect, Fault, Fired, NoFault, Order};
pub use namespace::{BoundSocket, FileStatus};
pub use not_modelled::NOT_MODELLED;
pub use observe::Recovered;
pub use process::{Caps, Credentials};
pub use step::Step;
pub use stop::{Failure, Wait};
pub use world::{TaskId, World};
