//! The clock that deadlines are measured by, which is a virtual one in a simulation.

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
