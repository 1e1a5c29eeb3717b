//! x
pub use sunpath_core::*;
