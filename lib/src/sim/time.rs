//! Virtual time.

use super::program::here;
use std::time::Duration;

/// Virtual time since the start of the simulation.
///
/// # Panics
/// Outside of a simulation.
pub fn elapsed() -> Duration {
    here().elapsed()
}
