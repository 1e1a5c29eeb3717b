//! Slipping in at a live server's path.

use super::guardian::Guardian;
use super::left::left_behind;
use super::listener::{self, Listener};
use super::place::{Identity, PREFIX, Place, Restored, Shown, State, directory_of, name_beside};
use crate::cmd::why::failed;
use crate::exit::Exit;
use crate::failure::Told;
use crate::out::{self, Stop};
use crate::talk::tell::Teller;
use std::ffi::OsString;
use std::os::fd::AsFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use sunpath::observe::{Bound, bound_to};
use sunpath::sys::{self, Errno, directory, file, libc};
use sunpath::text::shell;
use sunpath::{Address, Error, SocketType};

/// The tap at a server's path; that is restored when this is dropped.
#[derive(Debug)]
pub struct InPlace {
    place: Place,
    guardian: Option<Guardian>,
    kind: SocketType,
}

impl InPlace {
    /// Takes the place of the server at a path.
    pub fn enter(path: &Path, credentials: bool) -> Result<(InPlace, Listener), Stop> {
        // A link stays what it is: the file that it leads to changes places.
        let real = std::fs::canonicalize(path).map_err(|_| refused(path, SocketType::Stream))?;
        let (directory, name, parent) = directory_of(&real).map_err(|e| cannot(path, e))?;
        let opened = file::open_path(directory.as_fd(), name.as_bytes());
        let opened = opened.map_err(|_| refused(path, SocketType::Stream))?;
        if let Some(left) = left_behind(&real) {
            return Err(killed_here(&left, &real));
        }
        let kind = match bound_to(opened.as_fd()) {
            Some(Bound::Socket { kind, state, .. })
                if state == sunpath::fact::socket::State::Listening
                    || kind == SocketType::Datagram =>
            {
                kind
            }
            Some(Bound::Socket { kind, .. }) => return Err(refused(path, kind)),
            _ => return Err(refused(path, SocketType::Stream)),
        };
        let status = file::status(opened.as_fd()).map_err(|e| cannot(path, e))?;
        let fresh = OsString::from(format!("{PREFIX}{:016x}", sys::clock::random()));
        let fresh_path = parent.join(&fresh);
        let listener = listener::bind_like(&fresh_path, kind, &status, credentials)
            .map_err(|error| cannot_bind(path, &fresh_path, &error))?;
        let base = directory.as_fd();
        let begun = (|| {
            copy_list(&real, &fresh_path).map_err(|e| cannot(path, e))?;
            let ours = Identity::at(base, &fresh).map_err(|e| cannot(path, e))?;
            let beside = name_beside(ours, Identity::from(&status), &name);
            let renamed =
                directory::rename_new((base, fresh.as_bytes()), (base, beside.as_bytes()));
            renamed.map_err(|e| cannot_rename(&real, &fresh_path, &parent.join(&beside), e))?;
            Ok(beside)
        })();
        let beside = begun.inspect_err(|_| {
            let _ = directory::unlink(base, fresh.as_bytes());
        })?;
        let names = (beside.clone(), name.clone());
        let place = Place::hold((directory, name, parent), beside, (&names.0, &names.1));
        let place = place.map_err(|errno| cannot(path, errno))?;
        let mut entered = InPlace { place, guardian: None, kind };
        entered.exchange(path, &real)?;
        Ok((entered, listener))
    }

    fn exchange(&mut self, path: &Path, real: &Path) -> Result<(), Stop> {
        let guardian = Guardian::start(real, &self.place.beside);
        let guardian = guardian.map_err(|error| {
            Stop::trouble(format!(
                "cannot start the process that would restore {}: {}",
                Shown(path),
                error.told()
            ))
        })?;
        self.guardian = Some(guardian);
        match self.place.enter() {
            Ok(true) => Ok(()),
            Ok(false) => {
                let path = Shown(path);
                Err(Stop::trouble(format!(
                    "another server has taken {path} this moment: try again"
                )))
            }
            Err(Errno::INVAL | Errno::NOSYS) => Err(Stop::trouble(format!(
                "the file system of {} cannot exchange two files at once, without which clients \
                 would find none for a moment; put the tap beside it: sunpath tap NEW-PATH {0}",
                Shown(path)
            ))),
            Err(errno) => Err(cannot(path, errno)),
        }
    }

    /// The type of the sockets.
    pub fn kind(&self) -> SocketType {
        self.kind
    }

    /// Where the server is reached, as long as this lives.
    pub fn target(&self) -> Address {
        Address::Path(self.place.way_to_server().into_os_string().into_vec())
    }

    /// The server's file, as it is called meanwhile.
    pub fn shown(&self) -> Address {
        Address::Path(self.place.path_beside().into_os_string().into_vec())
    }

    /// Why there is nothing to be done here any more; `None` if all is as it was.
    pub fn superseded(&self) -> Option<String> {
        let place = &self.place;
        match self.place.state() {
            State::Tapped => None,
            State::ServerEnded => Some(format!("the server of {place} has ended")),
            State::Removed => Some(format!("{place} was removed")),
            State::Replaced => {
                Some(format!("another server has taken {place}: clients reach it without the tap"))
            }
        }
    }

    /// Puts the server's file back and says so. Clients that wait at the tap's socket can still be
    /// taken.
    pub fn restore(&mut self) -> Result<(), Stop> {
        self.place.forget();
        let restored = self.place.restore();
        let failed = |errno: Errno| {
            Stop::trouble(format!("cannot restore {}: {}", self.place, errno.told()))
        };
        let restored = restored.map_err(failed)?;
        if restored != Restored::Nothing {
            out::complain(&self.place.told(restored));
        }
        if let Some(guardian) = self.guardian.take() {
            guardian.dismiss();
        }
        Ok(())
    }
}

impl Drop for InPlace {
    fn drop(&mut self) {
        // Whatever ended the tap, the guardian has still to try if this fails.
        self.place.forget();
        let _ = self.place.restore();
    }
}

/// The path is that of a tap which has ended without giving it back.
fn killed_here(left: &Place, path: &Path) -> Stop {
    let why = format!(
        "a tap was killed at {left}, and the server's file is still called {}; to give it its path \
         back: sunpath tap --restore {}",
        Shown(&left.path_beside()),
        shell(path.as_os_str().as_bytes())
    );
    Stop::Failed(Exit::Fails, why)
}

/// There is no live server: what a client is told, and why.
fn refused(path: &Path, kind: SocketType) -> Stop {
    let address = Address::Path(path.as_os_str().as_bytes().to_vec());
    match super::target::connect(&address, kind) {
        Err(error) => {
            failed::tell(&Teller::default(), &error, &address, None);
            Stop::Told(Exit::Fails)
        }
        Ok(_) => Stop::trouble(format!(
            "what is at {} cannot be seen: that takes permission to write to it",
            Shown(path)
        )),
    }
}

/// The tap's own socket cannot be made.
fn cannot_bind(path: &Path, fresh: &Path, error: &Error) -> Stop {
    let address = Address::Path(fresh.as_os_str().as_bytes().to_vec());
    failed::tell(&Teller::default(), error, &address, None);
    out::complain(&format!(
        "to take the place of {}, the tap makes a socket of its own in the same directory, which \
         failed: nothing was changed",
        Shown(path)
    ));
    Stop::Told(Exit::Fails)
}

/// The tap's own socket does not get its name.
fn cannot_rename(path: &Path, fresh: &Path, beside: &Path, errno: Errno) -> Stop {
    if errno != Errno::EXIST {
        return cannot(path, errno);
    }
    let why = format!(
        "cannot take the place of {}: the tap's socket was made as {} and could not be renamed to \
         {2}, because that file exists already (EEXIST); a tap that was killed has left it, or \
         somebody who copies its names: try sunpath tap --restore {3}, or look what {2} is, \
         remove it if nobody needs it, and try again; nothing was changed",
        Shown(path),
        Shown(fresh),
        Shown(beside),
        shell(path.as_os_str().as_bytes())
    );
    Stop::Failed(Exit::Fails, why)
}

fn cannot(path: &Path, errno: Errno) -> Stop {
    let path = Shown(path);
    let why = match errno {
        Errno::PERM | Errno::ACCESS => {
            ": this takes permission to write to the directory, and to give the new file the \
             owner and the mode of the old one"
        }
        _ => "",
    };
    Stop::trouble(format!("cannot take the place of {path}: {}{why}", errno.told()))
}

/// The access control list of one file for another, if it has one.
fn copy_list(from: &PathBuf, to: &PathBuf) -> sys::Result<()> {
    use rustix::fs::{XattrFlags, getxattr, setxattr};
    const NAME: &str = "system.posix_acl_access";
    let mut list = [0; 4096];
    match getxattr(from, NAME, &mut list[..]) {
        Ok(length) => setxattr(to, NAME, &list[..length], XattrFlags::empty()),
        Err(Errno::NODATA | Errno::OPNOTSUPP) => Ok(()),
        Err(errno) => Err(errno),
    }
}

/// Owner, group and mode, as far as they differ from what a new file has.
pub fn attributes(status: &file::Statx) -> (u32, Option<u32>, Option<u32>) {
    let mode = u32::from(status.stx_mode) & !libc::S_IFMT;
    let owner = Some(status.stx_uid).filter(|uid| *uid != file::user());
    (mode, owner, Some(status.stx_gid))
}
