//! The path leads nowhere, but something near it does: near misses and other views.

use crate::cause::Cause;

/// The entries of this file.
pub(in crate::cause) const CAUSES: &[Cause] = &[];
