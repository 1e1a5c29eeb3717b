//! The model, call by call.

mod buffers;
mod create;
mod faults;
mod bind;
mod pair;
mod processes;
mod scene;
