//! Calls around sockets: files, users, limits.

use super::{Outcome, unit};
use crate::op::{FileOp, ProcessOp, Ret, Value};
use crate::sys::namespace::{self, New};
use crate::sys::{self, bare, process};
use rustix::fs::{self, CWD, FileType, Gid, Mode, OFlags, Uid};

/// The permission bits.
const fn mode(bits: u32) -> Mode {
    Mode::from_bits_retain(bits & 0o7777)
}

fn number(number: u32) -> Ret {
    Ret::Value(Value::Int(number.cast_signed()))
}

pub(super) fn file(op: &FileOp) -> Outcome {
    match op {
        FileOp::Open { path } => {
            let flags = OFlags::RDWR | OFlags::NONBLOCK;
            Ok(Ret::Fd(bare::give(fs::open(path.as_slice(), flags, Mode::empty())?)))
        }
        FileOp::OpenPath { path } => {
            Ok(Ret::Fd(bare::give(fs::open(path.as_slice(), OFlags::PATH, Mode::empty())?)))
        }
        FileOp::Create { path, mode: bits } => {
            let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY;
            unit(fs::open(path.as_slice(), flags, mode(*bits)).map(drop))
        }
        FileOp::Mkdir { path, mode: bits } => unit(fs::mkdir(path.as_slice(), mode(*bits))),
        FileOp::Mkfifo { path, mode: bits } => {
            unit(fs::mknodat(CWD, path.as_slice(), FileType::Fifo, mode(*bits), 0))
        }
        FileOp::Symlink { target, path } => unit(fs::symlink(target.as_slice(), path.as_slice())),
        FileOp::Link { from, to } => unit(fs::link(from.as_slice(), to.as_slice())),
        FileOp::Rename { from, to } => unit(fs::rename(from.as_slice(), to.as_slice())),
        FileOp::Unlink { path } => unit(fs::unlink(path.as_slice())),
        FileOp::Rmdir { path } => unit(fs::rmdir(path.as_slice())),
        FileOp::Chmod { path, mode: bits } => unit(fs::chmod(path.as_slice(), mode(*bits))),
        FileOp::Fchmod { fd, mode: bits } => {
            unit(bare::borrow(*fd, |fd| fs::fchmod(fd, mode(*bits))))
        }
        FileOp::Chown { path, uid, gid } => {
            let (uid, gid) = (Uid::from_raw(*uid), Gid::from_raw(*gid));
            unit(fs::chown(path.as_slice(), Some(uid), Some(gid)))
        }
        FileOp::Lstat { path } => Ok(number(fs::lstat(path.as_slice())?.st_mode)),
        FileOp::Chdir { path } => unit(rustix::process::chdir(path.as_slice())),
        FileOp::Ring => Ok(Ret::Fd(bare::ring()?)),
        FileOp::Umask { mask } => Ok(number(rustix::process::umask(mode(*mask)).bits())),
        #[allow(unreachable_patterns, reason = "calls that only the model has")]
        _ => Err(sys::Errno::NOSYS.into()),
    }
}

pub(super) fn process(op: &ProcessOp) -> Outcome {
    match op {
        ProcessOp::Become { uid, gid, groups } => unit(process::become_user(*uid, *gid, groups)),
        ProcessOp::SetEffective { uid, gid } => unit(bare::set_effective(*uid, *gid)),
        ProcessOp::LimitDescriptors { limit } => unit(bare::limit_descriptors(*limit)),
        ProcessOp::UnshareNet => unit(namespace::unshare(New::NETWORK)),
        ProcessOp::Getpid => Ok(number(std::process::id())),
        _ => Err(sys::Errno::NOSYS.into()),
    }
}
