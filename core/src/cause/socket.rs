//! Causes of `socket` and `socketpair`, and of using a socket as a file.

use crate::cause::Cause;

/// The entries of this file.
pub(in crate::cause) const CAUSES: &[Cause] = &[];
