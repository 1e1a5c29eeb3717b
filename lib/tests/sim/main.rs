//! Programs on the model instead of the kernel.

mod blocking;
mod faults;
mod files;
#[cfg(feature = "tokio")]
mod futures;
mod passing;
