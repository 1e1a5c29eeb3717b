//! Programs on the model instead of the kernel.

mod blocking;
mod example;
mod faults;
mod files;
#[cfg(feature = "tokio")]
mod futures;
mod passing;
mod pauses;
mod users;
mod walks;
mod why;
