//! Looks at paths and socket files for those who have no call to explain.

pub(crate) use super::caller::{View, myself};
pub(crate) use super::mounts::{Mounts, is_local};
pub(crate) use super::path::{mounts, walk};
pub(crate) use super::unix::path::{OnFile, socket_file};
