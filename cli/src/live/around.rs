//! What happens around the processes, done by a process that is shut in as they are: a path
//! that a trace names leads nowhere else.

use super::place::Place;
use crate::failure::Told;
use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use sunpath::op::Ret;
use sunpath::op::{Mount, Setting};
use sunpath::sys::namespace::{self, mount::MountFlags};
use sunpath::sys::process::{self, End};
use sunpath::sys::{self, errno, file, libc};
use sunpath::{Errno, trace::Outcome};

/// The exit status that says that the kernel cannot be brought to it; others are errnos.
const CANNOT: i32 = 254;

/// Changes what is around the processes. The error says why that is impossible here.
pub fn set(place: &Place, setting: &Setting) -> Result<Outcome, String> {
    if let Some(why) = impossible(setting) {
        return Err(format!("skipped: {why}"));
    }
    let child = process::fork(|| {
        let done = namespace::change_root(place.root()).and_then(|()| change(setting));
        done.map_or_else(|errno| errno.raw_os_error(), |possible| if possible { 0 } else { CANNOT })
    });
    let ended = child.and_then(process::Child::wait);
    match ended.map_err(|errno| format!("cannot make a process: {}", errno.told()))? {
        End::Exited(0) => Ok(Outcome::Done(Ret::Unit)),
        End::Exited(libc::EPERM | libc::EOPNOTSUPP | libc::ENOTTY | libc::ENXIO)
        | End::Killed(_) => Err("skipped: this system does not allow that here".into()),
        End::Exited(CANNOT) => Err("skipped: that directory is not empty".into()),
        End::Exited(number) => {
            let errno = errno::named(number).unwrap_or(Errno::EIO);
            Ok(Outcome::Failed { errno, cause: None, signal: false })
        }
    }
}

/// Why no process of its own namespaces can do this.
fn impossible(setting: &Setting) -> Option<&'static str> {
    match setting {
        Setting::Mount { how: Mount::WithoutSockets | Mount::DeadFuse, .. } => {
            Some("needs a file system of another kind")
        }
        Setting::ProtectedSymlinks { .. } | Setting::SystemLimit { .. } => {
            Some("concerns the whole machine")
        }
        Setting::KernelMemory { .. } => Some("the kernel's memory cannot be made to run out"),
        Setting::Busy { .. } => Some("nobody can make a call take long"),
        Setting::Internet(_) => Some("there is no internet here"),
        Setting::Restrict { .. } | Setting::Stop { .. } => Some("concerns a process"),
        Setting::Mount { .. } | Setting::Immutable { .. } | Setting::Member { .. } => None,
    }
}

/// Does it, as root inside; `false`: it cannot be done.
fn change(setting: &Setting) -> sys::Result<bool> {
    match setting {
        Setting::Mount { at, how } => mount(path(at), how),
        Setting::Immutable { path: at, on } => {
            // Opening must not wait for the other end of a named pipe.
            let mut options = std::fs::File::options();
            let opened = options.read(true).custom_flags(libc::O_NONBLOCK).open(path(at));
            file::set_immutable(&opened.map_err(errno_of)?, *on).map(|()| true)
        }
        // The group database is read when somebody logs in.
        _ => Ok(true),
    }
}

fn path(bytes: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(bytes))
}

fn errno_of(error: std::io::Error) -> sys::Errno {
    sys::Errno::from_io_error(&error).unwrap_or(sys::Errno::IO)
}

fn mount(at: &Path, how: &Mount) -> sys::Result<bool> {
    let found = std::fs::metadata(at).map_err(errno_of)?;
    let of = match how {
        Mount::Bind { of } | Mount::View { of } => path(of),
        _ => at,
    };
    if !matches!(how, Mount::Bind { .. }) && !found.is_dir() {
        return Err(sys::Errno::NOTDIR);
    }
    match how {
        Mount::ReadOnly => namespace::cover_read_only(at)?,
        Mount::Full => {
            let mut entries = std::fs::read_dir(at).map_err(errno_of)?;
            if entries.next().is_some() {
                return Ok(false);
            }
            let (mode, uid, gid) = (found.mode() & 0o7777, found.uid(), found.gid());
            let options = format!("nr_inodes=1,mode={mode:o},uid={uid},gid={gid}");
            let options = CString::new(options).map_err(|_| sys::Errno::INVAL)?;
            namespace::mount("tmpfs", "sunpath", at, MountFlags::NODEV, &options)?;
        }
        Mount::Bind { .. } => namespace::bind(of, at)?,
        Mount::View { .. } => {
            // Two layers are the least if nothing can be written: the place itself is the other.
            let layers = [of.as_os_str().as_bytes(), b":", at.as_os_str().as_bytes()].concat();
            let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/:.-_".contains(byte);
            if !layers.iter().all(plain) || layers.iter().filter(|b| **b == b':').count() > 1 {
                return Ok(false);
            }
            let options = [b"lowerdir=", &layers[..]].concat();
            let options = CString::new(options).map_err(|_| sys::Errno::INVAL)?;
            namespace::mount("overlay", "sunpath", at, MountFlags::NODEV, &options)?;
        }
        Mount::WithoutSockets | Mount::DeadFuse => return Ok(false),
    }
    Ok(true)
}
