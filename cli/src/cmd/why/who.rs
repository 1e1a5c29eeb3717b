//! Whose call is in question, as `--as` and `--pid` name it.

use crate::args::Why;
use crate::failure::Told;
use crate::out::Stop;
use crate::render::text::{quoted, show};
use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt;
use sunpath::fact::caller::Ids;
use sunpath::observe::{As, UserSpec};
use sunpath::sys::{self, accounts};

/// The caller, if it is not this process, in words.
pub fn named(args: &Why) -> Option<String> {
    let user = args.user.as_ref().map(|user| show(user.as_bytes()));
    user.or_else(|| args.pid.map(|pid| format!("process {pid}")))
}

/// The caller.
///
/// # Errors
/// A user or group in `USER:GROUP,...` is neither a number nor in the database.
pub fn caller(args: &Why) -> Result<As, Stop> {
    match (&args.user, args.pid) {
        (Some(user), _) => user_of(user).map(As::User),
        (None, Some(pid)) => Ok(As::Process(pid)),
        (None, None) => Ok(As::Myself),
    }
}

/// `USER`, with its groups of the database, or `USER:GROUP[,GROUP...]` with these alone.
fn user_of(text: &OsStr) -> Result<UserSpec, Stop> {
    let bytes = text.as_bytes();
    let Some(colon) = bytes.iter().position(|b| *b == b':') else {
        return Ok(UserSpec::Name(bytes.to_vec()));
    };
    let (user, groups) = (&bytes[..colon], &bytes[colon + 1..]);
    let of_user = |name: &CString| Ok(accounts::user_by_name(name)?.map(|user| user.uid));
    let of_group = |name: &CString| accounts::group_by_name(name);
    let uid = id("user", user, of_user)?;
    let mut gids = Vec::new();
    for group in groups.split(|b| *b == b',') {
        gids.push(id("group", group, of_group)?);
    }
    Ok(UserSpec::Ids(Ids { uid, gid: gids[0], groups: gids.split_off(1) }))
}

/// The number of a name, or the number itself if the database does not have it for a name.
fn id(
    what: &str,
    name: &[u8],
    look: impl Fn(&CString) -> sys::Result<Option<u32>>,
) -> Result<u32, Stop> {
    let found = CString::new(name).ok().filter(|name| !name.is_empty()).map(|name| look(&name));
    let digits = name.iter().all(u8::is_ascii_digit);
    let number = || std::str::from_utf8(name).ok().filter(|_| digits)?.parse().ok();
    match (found, number()) {
        (Some(Ok(Some(id))), _) | (_, Some(id)) => Ok(id),
        (Some(Err(error)), None) => Err(Stop::usage(format!(
            "{what} {} cannot be looked up in the database: {}",
            quoted(name),
            error.told()
        ))),
        _ => Err(Stop::usage(format!(
            "--as: there is no {what} {}; write USER or USER:GROUP[,GROUP...], with names or \
             numbers",
            quoted(name)
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(uid: u32, gid: u32, groups: &[u32]) -> UserSpec {
        UserSpec::Ids(Ids { uid, gid, groups: groups.to_vec() })
    }

    #[test]
    fn users_come_with_groups_or_without() {
        let of = |text: &str| user_of(OsStr::new(text)).ok();
        assert_eq!(of("root"), Some(UserSpec::Name(b"root".to_vec())));
        assert_eq!(of("4711:4712"), Some(ids(4711, 4712, &[])));
        assert_eq!(of("4711:4712,5,6"), Some(ids(4711, 4712, &[5, 6])));
        assert_eq!(of("root:root,4712"), Some(ids(0, 0, &[4712])));
        for wrong in ["0:", ":0", "0:,", "0:5,", "0:-1", "0:+1", "no such:0", "0:0:0", "0:a\0b"] {
            assert_eq!(of(wrong), None, "{wrong:?}");
        }
    }
}
