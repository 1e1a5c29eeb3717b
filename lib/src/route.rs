//! How an address reaches the kernel, also a path that is too long for `sun_path`.
//!
//! A long path is opened with `O_PATH`, in pieces if it is longer than one call takes, and the
//! kernel is given the name of the descriptor in `/proc`, which leads to the very file that was
//! opened, wherever it has been moved since. Opening a path follows it as `connect` does and fails
//! with the same errors; write permission is still checked at the file by the call itself.

use crate::addr::PATH_MAX_BYTES;
use crate::reason::Reason;
use crate::sys::{self, Errno as Host, directory, file, name::Name};
use crate::{Address, AddressRef, Call};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

/// The longest path that one system call takes, without its NUL.
const ONE_CALL: usize = sys::libc::PATH_MAX as usize - 1;

/// Before the number of a descriptor: its name. That of the thread's own descriptors, not of the
/// process's: a thread may have a table of its own, and the first thread may have ended.
pub(crate) const LINK: &str = "/proc/thread-self/fd/";

/// How often another server may have come between the look-up and the call. The kernel looks up
/// again without end; somebody who replaces a socket all the time shall not keep us for ever.
const LOOKS: usize = 100;

/// What a call on a long path gives where `/proc` is missing. No call on a short one gives it.
const NO_PROC: Host = Host::NOSYS;

/// Makes a call with the address in the form that the kernel takes; more than once only after
/// `ECONNREFUSED` from a server that has been replaced in the meantime.
#[inline(always)]
pub(crate) fn reach<T>(
    to: AddressRef<'_>,
    mut call: impl FnMut(&Name) -> sys::Result<T>,
) -> sys::Result<T> {
    match to {
        AddressRef::Path(path) if is_far(path) => reach_far(path, &mut call),
        _ => call(&encode(to)?),
    }
}

#[cold]
fn reach_far<T>(path: &[u8], call: &mut dyn FnMut(&Name) -> sys::Result<T>) -> sys::Result<T> {
    let mut opened = open(path)?;
    for _ in 0..LOOKS {
        match through(opened.as_fd(), b"", call) {
            // The kernel, which looks a short path up itself, starts again if the server that it
            // found is gone.
            Err(Host::CONNREFUSED) => {
                let next = open(path)?;
                if identity(next.as_fd())? == identity(opened.as_fd())? {
                    break;
                }
                opened = next;
            }
            done => return done,
        }
    }
    Err(Host::CONNREFUSED)
}

/// The address as it stands; `EINVAL` if it does not fit.
#[inline]
pub(crate) fn encode(address: AddressRef<'_>) -> sys::Result<Name> {
    match address {
        AddressRef::Unnamed => Ok(Name::from_bytes(sys::libc::AF_UNIX as u16, &[])),
        AddressRef::Path(path) => Name::path(path),
        AddressRef::Abstract(name) => Name::abstract_name(name),
    }
}

/// Whether a path has to go through a descriptor. One with a NUL goes nowhere.
#[inline]
pub(crate) fn is_far(path: &[u8]) -> bool {
    path.len() > PATH_MAX_BYTES && !path.contains(&0)
}

/// The address to remember, if the kernel is given another spelling of it.
#[inline]
pub(crate) fn respelled(address: AddressRef<'_>) -> Option<Address> {
    matches!(address, AddressRef::Path(path) if is_far(path)).then(|| address.into_owned())
}

/// What the library knows of an errno that a call with this address gave.
pub(crate) fn reason(call: Call, address: AddressRef<'_>, errno: Host) -> Option<Reason> {
    let AddressRef::Path(path) = address else { return None };
    match errno {
        NO_PROC if is_far(path) => Some(Reason::NoProc),
        // No call on a path needs a descriptor, except to make the socket. Finding the path does.
        Host::MFILE if call != Call::Socket => Some(Reason::NoDescriptor),
        _ => None,
    }
}

/// Makes a call with the name in `/proc` of a file, or of a name in a directory.
pub(crate) fn through<T>(
    opened: BorrowedFd<'_>,
    name: &[u8],
    call: &mut dyn FnMut(&Name) -> sys::Result<T>,
) -> sys::Result<T> {
    let link = format!("{LINK}{}", opened.as_raw_fd());
    let mut path = link.clone().into_bytes();
    if !name.is_empty() {
        path.push(b'/');
        path.extend(name);
    }
    match call(&Name::path(&path)?) {
        Err(errno) if file::status_at(file::WORKING_DIRECTORY, link.as_bytes()).is_err() => {
            let missing = [Host::NOENT, Host::NOTDIR, Host::ACCESS].contains(&errno);
            Err(if missing { NO_PROC } else { errno })
        }
        done => done,
    }
}

/// Opens what a path leads to, following symbolic links. `O_PATH` gives no access to it.
fn open(path: &[u8]) -> sys::Result<OwnedFd> {
    let (directory, rest) = descend(path)?;
    file::open_path_following(as_base(&directory), rest)
}

/// Opens directories until what is left of the path is short enough for one call.
fn descend(path: &[u8]) -> sys::Result<(Option<OwnedFd>, &[u8])> {
    let (mut directory, mut rest) = (None, path);
    while rest.len() > ONE_CALL {
        let cut = rest[..ONE_CALL].iter().rposition(|b| *b == b'/').ok_or(Host::NAMETOOLONG)?;
        directory = Some(directory::open(as_base(&directory), &rest[..=cut])?);
        let slashes = rest[cut..].iter().take_while(|b| **b == b'/').count();
        rest = &rest[cut + slashes..];
    }
    Ok((directory, if rest.is_empty() { b"." } else { rest }))
}

fn as_base(directory: &Option<OwnedFd>) -> BorrowedFd<'_> {
    directory.as_ref().map_or(file::WORKING_DIRECTORY, AsFd::as_fd)
}

/// Device and inode: which file it is, as long as somebody holds it.
pub(crate) type Identity = (u32, u32, u64);

/// Which file a descriptor refers to.
pub(crate) fn identity(opened: BorrowedFd<'_>) -> sys::Result<Identity> {
    file::status(opened).map(|status| identity_of(&status))
}

/// Which file a name in a directory is, a symbolic link as itself; needs no free descriptor.
pub(crate) fn identity_in(directory: BorrowedFd<'_>, name: &[u8]) -> sys::Result<Identity> {
    file::status_in(directory, name).map(|status| identity_of(&status))
}

pub(crate) fn identity_of(status: &file::Statx) -> Identity {
    (status.stx_dev_major, status.stx_dev_minor, status.stx_ino)
}

/// Where a file is to be made: a directory that is held, and a name in it. It stays the same
/// place whatever becomes of the working directory and of the directories above.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) directory: OwnedFd,
    pub(crate) name: Vec<u8>,
    /// The path before the name, as it was given.
    pub(crate) parent: Vec<u8>,
    /// Whether a slash follows the name: then only a directory may have it.
    pub(crate) slash: bool,
}

impl Place {
    /// The directory of a path is opened, and must exist; the name in it need not.
    pub(crate) fn of(path: &[u8]) -> sys::Result<Place> {
        let length = path.iter().rposition(|b| *b != b'/').map_or(0, |last| last + 1);
        let cut = path[..length].iter().rposition(|b| *b == b'/').map_or(0, |slash| slash + 1);
        let (parent, name) = (&path[..cut], &path[cut..length]);
        let way = match (parent, name) {
            ([], []) => b"/",
            ([], _) => &b"."[..],
            _ => parent,
        };
        let (base, rest) = descend(way)?;
        let directory = directory::open(as_base(&base), rest)?;
        let slash = length < path.len();
        Ok(Place { directory, name: name.to_vec(), parent: parent.to_vec(), slash })
    }

    /// Which file is there; a symbolic link counts as itself.
    pub(crate) fn identity(&self) -> sys::Result<Identity> {
        identity_in(self.directory.as_fd(), &self.name)
    }

    /// Opens what is there; a symbolic link itself.
    pub(crate) fn open(&self) -> sys::Result<OwnedFd> {
        file::open_path(self.directory.as_fd(), &self.name)
    }
}
