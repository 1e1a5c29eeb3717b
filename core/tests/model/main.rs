//! The model, call by call.

mod faults;
mod pair;
mod scene;
