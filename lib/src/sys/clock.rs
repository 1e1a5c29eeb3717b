//! The clock that deadlines are measured by, and randomness: a virtual clock and a seed in a
//! simulation.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::{Duration, Instant};

/// The time, by which deadlines that are passed to this crate are set: that of [`Instant::now`], and
/// in a simulation (feature `sim`) that of its virtual clock.
#[inline]
pub fn now() -> Instant {
    in_simulation!(sim => sim.now());
    Instant::now()
}

/// Lets time pass, as [`std::thread::sleep`] does; in a simulation (feature `sim`) virtual time, which
/// takes none. A program that pauses with it before it tries again can be simulated unchanged.
///
/// ```
/// use std::time::Duration;
/// use sunpath::{Error, Stream};
///
/// fn connect_in_the_end(path: &str) -> Result<Stream, Error> {
///     let start = sunpath::now();
///     loop {
///         match Stream::connect(path) {
///             Err(_) if sunpath::now() - start < Duration::from_millis(50) => {
///                 sunpath::sleep(Duration::from_millis(10));
///             }
///             done => return done,
///         }
///     }
/// }
/// assert!(connect_in_the_end("/nonexistent/server").is_err());
/// ```
pub fn sleep(time: Duration) {
    in_simulation!(sim => sim.sleep(time));
    std::thread::sleep(time);
}

/// A number that nobody can guess.
pub fn random() -> u64 {
    in_simulation!(sim => sim.random());
    RandomState::new().build_hasher().finish()
}
