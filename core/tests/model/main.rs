//! The model, call by call.

mod buffers;
mod faults;
mod pair;
mod scene;
