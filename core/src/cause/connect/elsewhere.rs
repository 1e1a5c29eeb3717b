//! Causes that other systems, or documents, have and Linux has not.

use crate::cause::Cause;

/// The entries of this file.
pub(in crate::cause) const CAUSES: &[Cause] = &[];
