//! How much of a file system is in use, for a name that is to be made there.

use crate::fact::path::{End, PathTarget, Space};
use crate::fact::{Seen, Unseen};
use crate::observe::caller::View;
use crate::observe::{mounts, unseen};
use rustix::fs::{Mode, OFlags, ResolveFlags, fstatvfs, openat2};

/// What is left where the missing last component of the path would be made.
pub(in crate::observe) fn left(target: &PathTarget, view: &View) -> Seen<Space> {
    let walk = target.walk.known();
    let made_here = walk.filter(|walk| matches!(walk.end, End::Missing { last: true, .. }));
    let Some(directory) = made_here.and_then(|walk| walk.directory()) else {
        return Seen::default();
    };
    // The server of another file system may be away, and would not be waited for in vain.
    if !directory.mount.is(|mount| mounts::is_local(&mount.fs_type)) {
        return Seen::Unseen(Unseen::Absent { what: "a local file system" });
    }
    let absolute = directory.path.starts_with(b"/");
    let base = if absolute { &view.root } else { &view.cwd };
    let Some(base) = base.known() else {
        return Seen::Unseen(Unseen::Denied { needs: "the caller's root and working directory" });
    };
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let mut resolve = ResolveFlags::NO_SYMLINKS;
    if absolute {
        resolve |= ResolveFlags::IN_ROOT;
    }
    let opened = openat2(base, &directory.path, flags, Mode::empty(), resolve);
    match opened.and_then(|directory| fstatvfs(&directory)) {
        Ok(system) => Seen::Known(Space {
            inodes: system.f_files,
            free_inodes: system.f_ffree,
            free_bytes: system.f_bavail.saturating_mul(system.f_frsize),
        }),
        Err(errno) => Seen::Unseen(unseen(&errno.into(), "search permission for the directory")),
    }
}
