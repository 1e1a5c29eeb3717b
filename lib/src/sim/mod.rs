//! Simulation: programs run on the model instead of the kernel (feature `sim`).
//!
//! Inside of [`World::run`], the types of this crate, blocking ones and those of the module `tokio`,
//! work on [`sunpath_core::model`](crate::model): unchanged code, but no real socket, no file, no
//! privilege, no waiting, under the rules of any platform. What happens is decided by a seed, so
//! that every failure can be had again; and any call can be made to fail. Without the feature,
//! nothing of this is compiled, not a branch.
//!
//! ```
//! use std::io::{Read, Write};
//! use sunpath::{Listener, Platform, Stream, sim};
//!
//! let world = sim::World::default().platform(Platform::MacOs).seed(7);
//! world.run(|program| {
//!     let listener = Listener::bind("/run/server").unwrap();
//!     program.spawn("server", move || {
//!         let mut client = listener.accept().unwrap();
//!         client.write_all(b"hello").unwrap();
//!     });
//!     let mut word = String::new();
//!     Stream::connect("/run/server").unwrap().read_to_string(&mut word).unwrap();
//!     assert_eq!(word, "hello");
//! });
//! ```
//!
//! # What holds in a simulation
//! - **Processes and threads**: [`spawn`] starts a process, [`spawn_thread`] a thread in the same
//!   one. Each is a thread of the system, of which one runs at a time. With each call it passes the
//!   turn on, to one that the seed chooses. When none can go on, time does; when time would not
//!   help, the run has failed, and the report says who waits for what.
//! - **Time** is virtual for [`sunpath::sleep`](crate::sleep) and [`sunpath::now`](crate::now), for
//!   `sunpath::tokio::sleep`, and for every time limit of this crate. Outside
//!   of a simulation, and without the feature, they are those of std and tokio: so a program that
//!   pauses before it tries again should use them. `std::thread::sleep` and tokio's own timers really
//!   wait, while the virtual clock stands still. Deadlines that are passed in must come from [`now`].
//! - **Files** are in memory, with `/dev`, `/run` and `/tmp`: see [`fs`]. Paths of over 107 bytes
//!   can be bound but not connected to (`ENOSYS`), for want of `/proc`.
//! - **Descriptors** are real ones, so that they convert to `OwnedFd` and back, but nothing that is
//!   not of this crate can read or write them (`ENOTSOCK`, or `EBADF`). A socket that moves to another process of
//!   the simulation is open in both until it is dropped, as after `fork`. Those that are still open
//!   at the end are leaks, and the run has failed. Only sockets of the simulation can be passed.
//! - **Futures**: [`block_on`] runs them; or a runtime of tokio that has the hook of [`park`], but
//!   tokio's own timers follow the real clock.
//! - **Locks and channels** of the standard library must not be waited for across calls: their
//!   holder may never get a turn. Such a run is given up after half a minute.
//! - **Diagnoses**: [`Error::why`](crate::Error::why) looks at the simulated system instead of the
//!   real one, from inside of the simulation. [`Report::events`] has the cause of each failure as
//!   the model knows it.
//! - **Users**: the first process is root's, and [`spawn_as`] starts one of another user.
//! - **Not simulated**: [`Spinning`](crate::Spinning) waits at once.
//!
//! # Faults
//! [`World::fault`] plans one: a call that fails for any cause that it can have, or a read or
//! write that is cut short, ancillary data that is cut off, the death of a process, a delay;
//! [`World::fault_of`] does for a thread by its name. A call with a time limit that fails because
//! the time was up takes that time.
//!
//! [`World::for_each_fault`] plans them all, one after the other: every call fails once, and then
//! for ever, for every reason that files, peers, limits, signals and other users can give it.
//! Reasons that only a mistake in the program leads to, such as a bad descriptor, are left out.
//!
//! ```
//! use sunpath::{Stream, sim};
//!
//! let walked = sim::World::default().for_each_fault(|_| {
//!     let Ok((a, b)) = Stream::pair() else { return };
//!     if a.send(b"x").is_ok() {
//!         let _ = b.recv(&mut [0; 8]);
//!     }
//! });
//! walked.unwrap(); // it never panics, waits for ever, or leaves a descriptor open
//! assert!(walked.fired.len() > 10);
//! ```
//!
//! A program of any size needs thousands of runs, so [`World::walk`] can be told what to try:
//! ```
//! use sunpath::{Stream, sim};
//!
//! let walk = sim::World::default()
//!     .walk()
//!     .one_per_errno() // for a program that only looks at the errno: some five times fewer runs
//!     .persistent(false) // no fault lasts
//!     .causes(|_, cause| cause.id != "socket/out-of-memory" && !cause.is_mistake())
//!     .deaths(true); // each process but the first is killed at each of its calls
//! let walked = walk.run(|_| drop(Stream::pair()));
//! walked.unwrap();
//! ```
//! What [`Walked`] prints puts equal failures together, and has the line of code with which the
//! first fault of each kind happens again, with all that the program prints: panics are quiet while
//! walking. [`Walked::groups`] and [`Walked::failed`] have all of it.
//!
//! The program must do the same in each run: no real time, no random numbers but by a seed, no loop
//! over a `HashMap`, nothing left behind in a `static`. A fault that does not come to its call tells
//! of it ([`Failure::Diverged`]).
//!
//! # Three bugs
//! The example `simulation` is a server and its clients as one would write them first: they work
//! whenever one tries them. This is what it prints.
//! ```text
#![doc = include_str!("found.txt")]
//! ```
//! 1. A refused connection was taken for the sign of a stale file. A BSD refuses also when the
//!    backlog is full. [`replace_dead`](crate::BindOptions::replace_dead) does not guess.
//! 2. A descriptor stayed in a table when an error came between, so that its receiver never saw the
//!    end; and it was expected where ancillary data had been cut off.
//! 3. Each client held one connection while it waited for a second one, without a limit.
//!
//! # How the pieces fit
//! ```text
//!  the program's threads ── handle ── state ─┬─ model::World     what calls do
//!    │  one at a time:        turns,         ├─ socket, files    descriptors that stand for them
//!    │  program               waiting        ├─ executor         what futures wait for
//!    └─ sys ── call, option                  └─ report, walk     what happened; every fault
//! ```
//! The functions of `sys` ask first whether the descriptor stands for a simulated socket, and make
//! the call on the model then.

mod call;
mod executor;
mod files;
pub mod fs;
mod handle;
mod observe;
mod option;
mod panics;
mod program;
mod random;
mod report;
mod socket;
mod state;
mod time;
mod walk;
mod walked;
mod world;

pub use crate::{now, sleep};
pub(crate) use call::{Simulated, of};
#[cfg(feature = "tokio")]
pub(crate) use executor::Place;
pub use executor::{block_on, park, sleep_async, spawn_local};
pub(crate) use handle::current;
pub use program::{JoinHandle, Program, spawn, spawn_as, spawn_background, spawn_thread};
pub use report::{Event, Failure, Planned, Report, Stuck};
pub use time::elapsed;
pub use walk::Walk;
pub use walked::{Group, Struck, Walked};
pub use world::World;
