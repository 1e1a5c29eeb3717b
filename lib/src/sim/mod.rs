//! Simulation: a program's sockets on the model instead of the kernel (feature `sim`).

mod call;
mod executor;
mod files;
pub mod fs;
mod handle;
mod option;
mod program;
mod random;
mod report;
mod socket;
mod state;
mod time;
mod walk;
mod world;

pub(crate) use call::{Simulated, of};
#[cfg(feature = "tokio")]
pub(crate) use executor::Place;
pub use executor::{block_on, park, sleep_async, spawn_local};
pub(crate) use handle::current;
pub use program::{JoinHandle, Program, spawn, spawn_background, spawn_thread};
pub use report::{Event, Failure, Report, Stuck};
pub use time::{elapsed, now, sleep};
pub use walk::{Struck, Walk, Walked};
pub use world::World;
