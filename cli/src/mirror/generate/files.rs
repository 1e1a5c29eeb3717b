//! Files.

use super::{Expected, Generator};
use sunpath::op::{FileOp, Op, Ret};

const MODES: &[u32] = &[0, 0o777, 0o777, 0o755, 0o700, 0o666, 0o600, 0o222, 0o111, 0o444, 0o1777];

impl Generator {
    pub(super) fn file(&mut self) {
        let mode = *self.dice.pick(MODES);
        let privileged = self.privileged;
        let op = match self.dice.below(36) {
            0..=4 => FileOp::Mkdir { path: self.path(), mode },
            5..=6 => FileOp::Create { path: self.path(), mode },
            7 => FileOp::Mkfifo { path: self.path(), mode },
            8..=10 => FileOp::Symlink { target: self.path(), path: self.path() },
            11..=12 => FileOp::Link { from: self.path(), to: self.path() },
            13..=14 => FileOp::Rename { from: self.path(), to: self.path() },
            15..=19 => FileOp::Unlink { path: self.path() },
            20 => FileOp::Rmdir { path: self.path() },
            21..=23 => FileOp::Chmod { path: self.path(), mode },
            24 => FileOp::Fchmod { fd: self.fd(|_| true), mode },
            25 if privileged => {
                FileOp::Chown { path: self.path(), uid: self.user(), gid: self.user() }
            }
            26..=27 => FileOp::Lstat { path: self.path() },
            28 => FileOp::Open { path: self.path() },
            29..=30 => FileOp::OpenPath { path: self.path() },
            31 if privileged => FileOp::Chdir { path: self.path() },
            32..=33 if self.rings => FileOp::Ring,
            34 => FileOp::Umask { mask: *self.dice.pick(&[0, 0o022, 0o077, 0o777, 0o027]) },
            _ => FileOp::Lstat { path: self.path() },
        };
        // What is open beside sockets is all the same to the model: it is closed at once.
        let plain = matches!(op, FileOp::Open { .. });
        if let Some(Expected::Done(Ret::Fd(fd))) = self.make(Op::File(op))
            && plain
        {
            self.make(Op::Close { fd });
        }
    }
}
