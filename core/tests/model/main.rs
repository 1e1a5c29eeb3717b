//! The model, call by call.

mod bind;
mod buffers;
mod create;
mod faults;
mod inet;
mod names;
mod options;
mod pair;
mod processes;
mod scene;
