//! Causes of `bind` to a UNIX domain address.

pub(super) mod directory;
pub(super) mod exists;
pub(super) mod own;

use super::look;
use crate::Call;
use crate::case::Case;
use crate::fact::path::{End, Step, Walk};

/// The walk to the name that is to be made, if `bind` gets that far with a path.
fn walk<'a>(case: &Case<'a>) -> Option<&'a Walk> {
    look::walk(case).filter(|_| case.call == Call::Bind)
}

/// What the path itself names already: the last component, links not followed.
fn existing<'a>(case: &Case<'a>) -> Option<&'a Step> {
    let walk = walk(case)?;
    // A path of slashes or dots only has no last component, and names a directory.
    walk.named().or(if walk.end == End::Found { walk.steps.last() } else { None })
}

/// The directory in which the name is to be made, if all that is missing is the name. In one that
/// was removed, no name can be made.
fn parent<'a>(case: &Case<'a>) -> Option<&'a Step> {
    let walk = walk(case)?;
    match walk.end {
        End::Missing { last: true, .. } if walk.named.is_none() => {
            walk.directory().filter(|directory| !directory.removed)
        }
        _ => None,
    }
}
