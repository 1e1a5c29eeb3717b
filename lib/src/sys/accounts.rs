//! The user and group databases, as the C library sees them: files, LDAP, anything that
//! `nsswitch.conf` names. Lookups may take as long as those services take.

use super::{Errno, Result};
use std::ffi::{CStr, CString};
use std::mem::MaybeUninit;
use std::ptr;

/// A user, as the database has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Its name.
    pub name: Vec<u8>,
    /// User id.
    pub uid: u32,
    /// Primary group id.
    pub gid: u32,
}

/// No entry is longer: a larger answer is taken for a broken database.
const LARGEST: usize = 4 << 20;

/// No user is in more groups: the kernel admits 65536.
const MOST_GROUPS: usize = 1 << 17;

/// `getpwnam_r(3)`
pub fn user_by_name(name: &CStr) -> Result<Option<User>> {
    user(|entry, buffer, found| {
        // SAFETY: the name is a C string; `user` passes an entry, a buffer and its length, and a
        // place for the answer, all writable.
        unsafe { libc::getpwnam_r(name.as_ptr(), entry, buffer.as_mut_ptr(), buffer.len(), found) }
    })
}

/// `getpwuid_r(3)`
pub fn user_by_id(uid: u32) -> Result<Option<User>> {
    user(|entry, buffer, found| {
        // SAFETY: as for `getpwnam_r`.
        unsafe { libc::getpwuid_r(uid, entry, buffer.as_mut_ptr(), buffer.len(), found) }
    })
}

fn user(
    look: impl Fn(*mut libc::passwd, &mut [libc::c_char], *mut *mut libc::passwd) -> libc::c_int,
) -> Result<Option<User>> {
    let mut entry = MaybeUninit::<libc::passwd>::uninit();
    with_room(|buffer| {
        let mut found = ptr::null_mut();
        let error = look(entry.as_mut_ptr(), buffer, &raw mut found);
        if found.is_null() {
            return absent_or(error);
        }
        // SAFETY: the library filled the entry, whose strings live in `buffer`, as is shown by
        // `found` pointing to it.
        let (name, uid, gid) = unsafe {
            let entry = &*found;
            (CStr::from_ptr(entry.pw_name).to_bytes().to_vec(), entry.pw_uid, entry.pw_gid)
        };
        Ok(Some(User { name, uid, gid }))
    })
}

/// `getgrgid_r(3)`: the name of a group.
pub fn group_by_id(gid: u32) -> Result<Option<Vec<u8>>> {
    let found = group(|entry, buffer, found| {
        // SAFETY: `group` passes an entry, a buffer and its length, and a place for the answer, all
        // writable.
        unsafe { libc::getgrgid_r(gid, entry, buffer.as_mut_ptr(), buffer.len(), found) }
    })?;
    Ok(found.map(|(name, _)| name))
}

/// `getgrnam_r(3)`: the id of a group.
pub fn group_by_name(name: &CStr) -> Result<Option<u32>> {
    let found = group(|entry, buffer, found| {
        // SAFETY: the name is a C string; the rest is as for `getgrgid_r`.
        unsafe { libc::getgrnam_r(name.as_ptr(), entry, buffer.as_mut_ptr(), buffer.len(), found) }
    })?;
    Ok(found.map(|(_, gid)| gid))
}

fn group(
    look: impl Fn(*mut libc::group, &mut [libc::c_char], *mut *mut libc::group) -> libc::c_int,
) -> Result<Option<(Vec<u8>, u32)>> {
    let mut entry = MaybeUninit::<libc::group>::uninit();
    with_room(|buffer| {
        let mut found = ptr::null_mut();
        let error = look(entry.as_mut_ptr(), buffer, &raw mut found);
        if found.is_null() {
            return absent_or(error);
        }
        // SAFETY: the library filled the entry, whose strings live in `buffer`, as is shown by
        // `found` pointing to it.
        let (name, gid) = unsafe {
            let entry = &*found;
            (CStr::from_ptr(entry.gr_name).to_bytes().to_vec(), entry.gr_gid)
        };
        Ok(Some((name, gid)))
    })
}

/// `getgrouplist(3)`: every group of a user, `gid` included.
pub fn groups_of(name: &[u8], gid: u32) -> Result<Vec<u32>> {
    let name = CString::new(name).map_err(|_| Errno::INVAL)?;
    let mut room = 64;
    loop {
        let mut groups = vec![0; room];
        let mut used = libc::c_int::try_from(room).map_err(|_| Errno::OVERFLOW)?;
        // SAFETY: the name is a C string, and `used` says how many groups there is room for.
        let fitted =
            unsafe { libc::getgrouplist(name.as_ptr(), gid, groups.as_mut_ptr(), &raw mut used) };
        let wanted = usize::try_from(used).unwrap_or(0);
        if fitted >= 0 {
            groups.truncate(wanted);
            return Ok(groups);
        }
        // Some libraries leave the count as it was.
        room = wanted.max(room * 2);
        if room > MOST_GROUPS {
            return Err(Errno::RANGE);
        }
    }
}

/// Repeats a lookup with more room for strings while it says `ERANGE`.
fn with_room<T>(mut look: impl FnMut(&mut [libc::c_char]) -> Result<T>) -> Result<T> {
    let mut room = 1024;
    loop {
        match look(&mut vec![0; room]) {
            Err(Errno::RANGE) if room < LARGEST => room *= 4,
            Err(Errno::INTR) => {}
            answer => return answer,
        }
    }
}

/// Libraries differ in the error they give for an entry that does not exist.
fn absent_or<T>(error: libc::c_int) -> Result<Option<T>> {
    match error {
        0 | libc::ENOENT | libc::ESRCH | libc::EBADF | libc::EPERM => Ok(None),
        other => Err(Errno::from_raw_os_error(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_known_and_nonsense_is_not() {
        let root = user_by_id(0).unwrap().expect("every system has a root");
        assert_eq!((root.uid, root.gid), (0, 0));
        assert_eq!(user_by_name(c"root").unwrap(), Some(root));
        assert_eq!(user_by_name(c"no such user: at all").unwrap(), None);
        assert_eq!(user_by_id(3_999_999_999).unwrap(), None);
        assert_eq!(group_by_id(3_999_999_999).unwrap(), None);
        let name = CString::new(group_by_id(0).unwrap().expect("group 0 has a name")).unwrap();
        assert_eq!(group_by_name(&name).unwrap(), Some(0));
        assert_eq!(group_by_name(c"no such group: at all").unwrap(), None);
        assert!(groups_of(b"root", 0).unwrap().contains(&0));
        assert_eq!(groups_of(b"a\0b", 0), Err(Errno::INVAL));
    }
}
