//! The model, call by call.

mod pair;
mod scene;
