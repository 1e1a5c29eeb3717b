//! Virtual time.

use super::program::here;
use std::time::{Duration, Instant};

/// What the clock of the simulation shows. Deadlines that are passed to the library in a simulation
/// are made from this.
///
/// # Panics
/// Outside of a simulation.
pub fn now() -> Instant {
    here().now()
}

/// Virtual time since the start of the simulation.
///
/// # Panics
/// Outside of a simulation.
pub fn elapsed() -> Duration {
    here().elapsed()
}

/// Lets virtual time pass; others go on meanwhile. It takes no real time.
///
/// # Panics
/// Outside of a simulation.
pub fn sleep(time: Duration) {
    here().sleep(time);
}
