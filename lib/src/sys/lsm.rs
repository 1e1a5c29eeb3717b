//! Security modules.

use super::{Result, count};

/// `lsm_list_modules(2)` has the same number on every architecture; libc does not know it yet.
const LSM_LIST_MODULES: libc::c_long = 461;

/// The numbers (`LSM_ID_*`) of the active security modules, by `lsm_list_modules(2)`.
///
/// # Errors
/// `ENOSYS` before Linux 6.8, and where a filter of system calls does not know it.
pub fn list_modules() -> Result<Vec<u64>> {
    let mut ids = [0u64; 64];
    let mut size = size_of_val(&ids) as u32;
    // SAFETY: `ids` has room for `size` bytes, both outlive the call, and the flags are 0 as
    // required.
    let result = unsafe { libc::syscall(LSM_LIST_MODULES, ids.as_mut_ptr(), &mut size, 0u32) };
    let number = count(result as libc::ssize_t)?.min(ids.len());
    Ok(ids[..number].to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::Errno;

    #[test]
    fn capabilities_are_always_there() {
        const CAPABILITY: u64 = 100;
        match list_modules() {
            Ok(ids) => assert!(ids.contains(&CAPABILITY), "{ids:?}"),
            Err(errno) => {
                assert!(errno == Errno::NOSYS || errno == Errno::PERM, "{errno}");
                eprintln!("skipped: lsm_list_modules(2): {errno}");
            }
        }
    }
}
