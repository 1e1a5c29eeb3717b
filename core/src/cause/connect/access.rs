//! The path may not be walked, or the socket not written to: `EACCES`, `EPERM`.

use crate::cause::Cause;

/// The entries of this file.
pub(in crate::cause) const CAUSES: &[Cause] = &[];
