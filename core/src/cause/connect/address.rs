//! The address itself is not valid.

use crate::cause::Cause;

/// The entries of this file.
pub(in crate::cause) const CAUSES: &[Cause] = &[];
