//! Causes that every call on a descriptor shares: one entry for each call.

use crate::cause::Cause;

/// The entries of this file.
pub(in crate::cause) const CAUSES: &[Cause] = &[];
