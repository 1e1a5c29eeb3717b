//! The model, call by call.

mod bind;
mod buffers;
mod create;
mod faults;
mod pair;
mod processes;
mod scene;
