//! Programs on the model instead of the kernel.

mod blocking;
mod faults;
#[cfg(feature = "tokio")]
mod futures;
