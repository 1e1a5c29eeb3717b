//! The names of users, each asked for once.

use crate::failure::Told;
use crate::out::Stop;
use crate::render::text::quoted;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt;
use sunpath::sys::accounts;
use sunpath::text::escape;

/// Names that were looked up.
#[derive(Debug, Default)]
pub struct Users(RefCell<BTreeMap<u32, Option<Box<str>>>>);

impl Users {
    /// Calls `take` with the name of a user, escaped, if it has one.
    pub fn name<T>(&self, uid: u32, take: impl FnOnce(Option<&str>) -> T) -> T {
        let mut known = self.0.borrow_mut();
        let name = known.entry(uid).or_insert_with(|| {
            let found = accounts::user_by_id(uid).ok().flatten();
            found.map(|user| escape(&user.name).into())
        });
        take(name.as_deref())
    }
}

/// The number of a user that is given by name or number.
///
/// # Errors
/// There is no such user.
pub fn number(user: &OsStr) -> Result<u32, Stop> {
    let bytes = user.as_bytes();
    let found = CString::new(bytes).ok().map(|name| accounts::user_by_name(&name));
    let digits = user.to_str().filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
    match (found, digits.and_then(|text| text.parse().ok())) {
        (Some(Ok(Some(user))), _) => Ok(user.uid),
        (_, Some(number)) => Ok(number),
        (Some(Err(error)), None) => Err(Stop::usage(format!(
            "user {} cannot be looked up in the database: {}",
            quoted(bytes),
            error.told()
        ))),
        _ => Err(Stop::usage(format!("there is no user {}", quoted(bytes)))),
    }
}
