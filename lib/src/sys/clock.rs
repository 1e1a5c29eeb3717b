//! The clock that deadlines are measured by, and randomness: a virtual clock and a seed in a
//! simulation.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::{Duration, Instant};

/// The time.
#[inline]
pub fn now() -> Instant {
    in_simulation!(sim => sim.now());
    Instant::now()
}

/// Lets time pass.
pub fn sleep(time: Duration) {
    in_simulation!(sim => sim.sleep(time));
    std::thread::sleep(time);
}

/// A number that nobody can guess.
pub fn random() -> u64 {
    in_simulation!(sim => sim.random());
    RandomState::new().build_hasher().finish()
}
