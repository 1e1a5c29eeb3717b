//! Keeps servers apart that compete for one name.
//!
//! The lock is a `flock` on a file `NAME.lock` beside the socket: the kernel drops it with the
//! process that holds it, however that ends. The file is made when it is needed and removed by
//! whoever holds the lock, so whoever gets a lock looks whether its file is still the one there.

use crate::Credentials;
use crate::connect::Pauses;
use crate::reason::Reason;
use crate::route::{self, Place};
use crate::sys::{self, Errno as Host, directory, file};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

/// The longest name of a file.
const LONGEST_NAME: usize = 255;

/// The lock of a place, as long as it lives.
#[derive(Debug)]
pub(super) struct Lock<'a> {
    place: &'a Place,
    name: Vec<u8>,
    file: OwnedFd,
}

/// Why there is no lock.
#[derive(Debug)]
pub(super) enum Failure {
    /// Another process had it all the time; the process, if the kernel told.
    Held { waited: Duration, holder: Option<i32> },
    /// Its file cannot be made or used.
    Unusable(Host),
}

impl Failure {
    pub(super) fn is_held(&self) -> bool {
        matches!(self, Failure::Held { .. })
    }

    /// The errno of the bind that needs the lock, and what to say of it.
    pub(super) fn explain(self) -> (Host, Reason) {
        match self {
            Failure::Held { waited, holder } => {
                (Host::ADDRINUSE, Reason::Locked { waited, holder })
            }
            Failure::Unusable(errno) => (errno, Reason::LockUnusable),
        }
    }
}

impl<'a> Lock<'a> {
    /// Takes the lock, waiting for it no longer than `patience`.
    pub(super) fn acquire(place: &'a Place, patience: Duration) -> Result<Lock<'a>, Failure> {
        let (start, mut pauses) = (sys::clock::now(), Pauses::new());
        let name = lock_name(&place.name);
        loop {
            let file = open(place, &name).map_err(Failure::Unusable)?;
            let lock = Lock { place, name: name.clone(), file };
            match lock.take() {
                Ok(true) => return Ok(lock),
                Ok(false) => {}
                Err(errno) => return Err(Failure::Unusable(errno)),
            }
            let waited = sys::clock::now().saturating_duration_since(start);
            if waited >= patience {
                return Err(Failure::Held { waited, holder: holder(lock.file.as_fd()) });
            }
            sys::clock::sleep(pauses.next().min(patience - waited));
        }
    }

    /// Whether the lock could be had, on the file that still has the name.
    fn take(&self) -> sys::Result<bool> {
        match directory::flock(
            self.file.as_fd(),
            directory::FlockOperation::NonBlockingLockExclusive,
        ) {
            Ok(()) => Ok(self.has_the_name()),
            Err(Host::AGAIN) => Ok(false),
            Err(errno) => Err(errno),
        }
    }

    fn has_the_name(&self) -> bool {
        let there = route::identity_in(self.place.directory.as_fd(), &self.name);
        there.is_ok() && there == route::identity(self.file.as_fd())
    }
}

impl Drop for Lock<'_> {
    fn drop(&mut self) {
        use directory::FlockOperation::{NonBlockingLockExclusive, Unlock};
        // Whoever waits for this lock was not given it, and must not remove the file: only one
        // that holds it may, and that holds for one that was made for another purpose, too.
        let file = self.file.as_fd();
        let holds = directory::flock(file, NonBlockingLockExclusive).is_ok();
        if holds && self.has_the_name() && is_ours(file) {
            let _ = directory::unlink(self.place.directory.as_fd(), &self.name);
        }
        // Said aloud, because a process that is being started may have a copy of the descriptor.
        let _ = directory::flock(file, Unlock);
    }
}

/// `NAME.lock`; of a name that is too long, the first half of what it may have: so the lock never
/// has the name itself, and names that share a lock only wait for each other.
fn lock_name(name: &[u8]) -> Vec<u8> {
    const END: &[u8] = b".lock";
    let fits = name.len() + END.len() <= LONGEST_NAME;
    [if fits { name } else { &name[..LONGEST_NAME / 2] }, END].concat()
}

fn open(place: &Place, name: &[u8]) -> sys::Result<OwnedFd> {
    let directory = place.directory.as_fd();
    let opened = match directory::open_lock(directory, name) {
        Err(Host::ACCESS) => {
            unlock_mode(file::open_path(directory, name)?.as_fd())?;
            directory::open_lock(directory, name)?
        }
        opened => opened?,
    };
    let mode = u32::from(file::status(opened.as_fd())?.stx_mode);
    if mode & sys::libc::S_IFMT != sys::libc::S_IFREG {
        return Err(Host::EXIST);
    }
    // Only others need it: whoever waits for this lock.
    let _ = unlock_mode(opened.as_fd());
    Ok(opened)
}

/// Lets this user open a lock file that he made with a umask that forbids him that.
fn unlock_mode(opened: BorrowedFd<'_>) -> sys::Result<()> {
    match file::status(opened)?.stx_mode & 0o600 {
        0o600 => Ok(()),
        _ if is_ours(opened) => directory::set_mode_of(opened, 0o600),
        _ => Err(Host::ACCESS),
    }
}

/// Whether the file is as this module makes it. Another program may have one of this name, and
/// something written into it.
fn is_ours(opened: BorrowedFd<'_>) -> bool {
    let mine = Credentials::current().uid;
    let regular = |mode: u16| u32::from(mode) & sys::libc::S_IFMT == sys::libc::S_IFREG;
    file::status(opened).is_ok_and(|s| {
        let closed = regular(s.stx_mode) && s.stx_mode & 0o7177 == 0;
        closed && s.stx_size == 0 && s.stx_uid == mine
    })
}

/// The process that holds the lock, by `/proc/locks`.
fn holder(opened: BorrowedFd<'_>) -> Option<i32> {
    let status = file::status(opened).ok()?;
    let (major, minor, inode) = (status.stx_dev_major, status.stx_dev_minor, status.stx_ino);
    let wanted = format!("{major:02x}:{minor:02x}:{inode}");
    // `1: FLOCK  ADVISORY  WRITE 4711 00:1c:1234 0 EOF`
    let locks = std::fs::read_to_string("/proc/locks").ok()?;
    let held = locks.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let mut held = held.filter(|words| words.get(1) == Some(&"FLOCK"));
    let found = held.find(|words| words.get(5) == Some(&wanted.as_str()))?;
    found.get(4)?.parse().ok().filter(|pid| *pid > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::test::Dir;

    fn place(dir: &Dir, name: &str) -> Place {
        use std::os::unix::ffi::OsStrExt;
        Place::of(dir.join(name).as_os_str().as_bytes()).unwrap()
    }

    const NOW: Duration = Duration::ZERO;

    #[test]
    fn one_holds_it_and_leaves_nothing() {
        let dir = Dir::new();
        let (a, b) = (place(&dir, "socket"), place(&dir, "socket"));
        let lock = Lock::acquire(&a, NOW).unwrap();
        match Lock::acquire(&b, Duration::from_millis(5)).unwrap_err() {
            Failure::Held { waited, holder } => {
                assert!(waited >= Duration::from_millis(5));
                assert!(holder.is_none() || holder == Some(std::process::id().cast_signed()));
            }
            failure => panic!("{failure:?}"),
        }
        assert!(dir.join("socket.lock").exists(), "the one who waited must not remove it");
        drop(lock);
        drop(Lock::acquire(&b, NOW).unwrap());
        assert!(!dir.join("socket.lock").exists());
    }

    #[test]
    fn what_others_have_under_its_name_is_left_alone() {
        let dir = Dir::new();
        let place = place(&dir, "socket");
        let path = dir.join("socket.lock");
        std::fs::write(&path, "4711\n").unwrap();
        drop(Lock::acquire(&place, NOW).unwrap());
        assert_eq!(std::fs::read(&path).unwrap(), b"4711\n");
        std::fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("elsewhere", &path).unwrap();
        assert!(matches!(Lock::acquire(&place, NOW), Err(Failure::Unusable(Host::LOOP))));
        assert!(!dir.join("elsewhere").exists());
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        assert!(matches!(Lock::acquire(&place, NOW), Err(Failure::Unusable(Host::ISDIR))));
    }

    #[test]
    fn threads_take_turns() {
        let dir = Dir::new();
        let inside = std::sync::atomic::AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let place = place(&dir, "socket");
                    for _ in 0..50 {
                        let _lock = Lock::acquire(&place, Duration::from_secs(30)).unwrap();
                        let others = inside.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                        assert_eq!(others, 0);
                        inside.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                    }
                });
            }
        });
        assert!(!dir.join("socket.lock").exists());
    }
}
