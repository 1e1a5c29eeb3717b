//! Causes of `send` on its own socket and peer.

use crate::cause::Cause;

/// The entries of this file.
pub(in crate::cause) const CAUSES: &[Cause] = &[];
