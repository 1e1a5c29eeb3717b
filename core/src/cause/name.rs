//! Causes of `getsockname`, `getpeername` and `shutdown`.

use crate::cause::Cause;

/// The entries of this file.
pub(in crate::cause) const CAUSES: &[Cause] = &[];
