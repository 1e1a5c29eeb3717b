//! Names of users and groups.
//!
//! `/etc/passwd` and `/etc/group` are read once and answer most questions; for the rest, and for
//! the groups of a user, the C library is asked, which knows every database of the system.

use super::procfs::number;
use crate::sys::accounts::{self as database, User};
use crate::sys::{Result, file};
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::ffi::CString;
use sunpath_core::fact::caller::Group;

/// The databases, as far as they were read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Accounts {
    users: Vec<User>,
    groups: Vec<Entry>,
    /// Answers of the C library, which may be slow.
    asked_users: RefCell<HashMap<u32, Option<String>>>,
    asked_groups: RefCell<HashMap<u32, Option<String>>>,
}

/// A line of `/etc/group`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub name: Vec<u8>,
    pub gid: u32,
    pub members: Vec<Vec<u8>>,
}

/// Longer databases are left to the C library.
const LONGEST: usize = 16 << 20;

impl Accounts {
    /// Reads the two files; a file that cannot be read counts as empty.
    pub(crate) fn read() -> Accounts {
        let read = |path: &[u8]| file::read_at(file::WORKING_DIRECTORY, path, LONGEST);
        Accounts {
            users: users(&read(b"/etc/passwd").unwrap_or_default()),
            groups: groups(&read(b"/etc/group").unwrap_or_default()),
            ..Accounts::default()
        }
    }

    /// The user with this name; the error is that of the database.
    pub(crate) fn by_name(&self, name: &[u8]) -> Result<Option<User>> {
        let Ok(text) = CString::new(name) else { return Ok(None) };
        let here = || self.users.iter().find(|u| u.name == name).cloned();
        settle(database::user_by_name(&text), here)
    }

    /// The user with this id; the error is that of the database.
    pub(crate) fn by_id(&self, uid: u32) -> Result<Option<User>> {
        settle(database::user_by_id(uid), || self.users.iter().find(|u| u.uid == uid).cloned())
    }

    /// Every group of a user, its primary one included.
    pub(crate) fn groups_of(&self, user: &User) -> Vec<Group> {
        let listed = self.groups.iter().filter(|g| g.members.contains(&user.name)).map(|g| g.gid);
        let asked = database::groups_of(&user.name, user.gid).unwrap_or_default();
        let mut met = HashSet::new();
        let all = std::iter::once(user.gid).chain(asked).chain(listed);
        all.filter(|gid| met.insert(*gid))
            .map(|gid| Group { gid, name: self.group_name(gid).unwrap_or_default() })
            .collect()
    }

    /// The name of a user.
    pub(crate) fn user_name(&self, uid: u32) -> Option<String> {
        if let Some(user) = self.users.iter().find(|u| u.uid == uid) {
            return Some(text(&user.name));
        }
        let ask = || database::user_by_id(uid).ok().flatten().map(|u| text(&u.name));
        self.asked_users.borrow_mut().entry(uid).or_insert_with(ask).clone()
    }

    /// The name of a group.
    pub(crate) fn group_name(&self, gid: u32) -> Option<String> {
        if let Some(group) = self.groups.iter().find(|g| g.gid == gid) {
            return Some(text(&group.name));
        }
        let ask = || database::group_by_id(gid).ok().flatten().map(|name| text(&name));
        self.asked_groups.borrow_mut().entry(gid).or_insert_with(ask).clone()
    }
}

/// The database's answer; where it has none, that of the file.
fn settle(asked: Result<Option<User>>, here: impl Fn() -> Option<User>) -> Result<Option<User>> {
    match asked {
        Ok(Some(user)) => Ok(Some(user)),
        Ok(None) => Ok(here()),
        Err(errno) => here().map_or(Err(errno), |user| Ok(Some(user))),
    }
}

fn text(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}

/// Parses `/etc/passwd`: `name:password:uid:gid:...`. Other lines are left out.
pub(crate) fn users(text: &[u8]) -> Vec<User> {
    let line = |line: &[u8]| {
        let mut fields = line.split(|b| *b == b':');
        let name = fields.next().filter(|n| is_name(n))?.to_vec();
        let uid = number(fields.nth(1)?)?;
        let gid = number(fields.next()?)?;
        Some(User { name, uid, gid })
    };
    text.split(|b| *b == b'\n').filter_map(line).collect()
}

/// Parses `/etc/group`: `name:password:gid:member,member`. Other lines are left out.
pub(crate) fn groups(text: &[u8]) -> Vec<Entry> {
    let line = |line: &[u8]| {
        let mut fields = line.split(|b| *b == b':');
        let name = fields.next().filter(|n| is_name(n))?.to_vec();
        let gid = number(fields.nth(1)?)?;
        let list = fields.next().unwrap_or_default();
        let members = list.split(|b| *b == b',').filter(|m| !m.is_empty());
        Some(Entry { name, gid, members: members.map(<[u8]>::to_vec).collect() })
    };
    text.split(|b| *b == b'\n').filter_map(line).collect()
}

/// Not a comment, nor a line of the NIS (`+name`, `-name`).
fn is_name(name: &[u8]) -> bool {
    name.first().is_some_and(|b| !b"#+-".contains(b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lines_are_understood_and_others_left_out() {
        let text = b"root:x:0:0:root:/root:/bin/sh\n# c:x:1:1::\n+nis::::::\n\nbad:x:y:0:::\n\
                     \xff\x1b:x:7:8:::";
        let found = users(text);
        assert_eq!(found.len(), 2);
        assert_eq!(found[1], User { name: b"\xff\x1b".to_vec(), uid: 7, gid: 8 });
        let found = groups(b"adm:x:4:alice,bob\nempty:x:5:\nshort:x:6\nnone:x:z:a\n");
        assert_eq!(found.len(), 3);
        assert_eq!(found[0].members, [b"alice".to_vec(), b"bob".to_vec()]);
        assert!(found[1].members.is_empty() && found[2].members.is_empty());
    }

    #[test]
    fn root_has_its_name_and_group() {
        let accounts = Accounts::read();
        assert_eq!(accounts.user_name(0).as_deref(), Some("root"));
        let root = accounts.by_name(b"root").unwrap().unwrap();
        assert_eq!(accounts.groups_of(&root)[0].gid, root.gid);
        assert_eq!(accounts.by_name(b"no such: user").unwrap(), None);
        assert_eq!(accounts.by_name(b"ro\0ot").unwrap(), None);
        assert_eq!(accounts.user_name(3_999_999_999), None);
        assert_eq!(accounts.group_name(3_999_999_999), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(text: Vec<u8>) {
            users(&text);
            groups(&text);
        }

        #[test]
        fn entries_survive(name in "[a-z][a-z0-9_]{0,8}", uid: u32, gid: u32,
                           members in prop::collection::vec("[a-z]{1,5}", 0..5)) {
            let found = users(format!("{name}:x:{uid}:{gid}:,:/:/bin/sh\n").as_bytes());
            prop_assert_eq!(&found, &[User { name: name.clone().into_bytes(), uid, gid }]);
            let found = groups(format!("{name}:x:{gid}:{}\n", members.join(",")).as_bytes());
            let members: Vec<_> = members.into_iter().map(String::into_bytes).collect();
            prop_assert_eq!(found, vec![Entry { name: name.into_bytes(), gid, members }]);
        }
    }
}
