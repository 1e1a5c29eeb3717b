//! Calls that concern files and processes.

use super::cursor::{Cursor, Of, Read};
use super::word;
use super::writer::Writer;
use crate::op::{FileOp, ProcessOp};
use alloc::format;

/// `mkdir "dir" 0755`
pub(super) fn write_file(w: &mut Writer<'_>, op: &FileOp) {
    let mut paths = |name: &str, paths: &[&[u8]]| {
        w.word(name);
        paths.iter().for_each(|path| word::write_path(w, path));
    };
    match op {
        FileOp::Open { path } => paths("open", &[path]),
        FileOp::OpenPath { path } => paths("open-path", &[path]),
        FileOp::Symlink { target, path } => paths("symlink", &[target, path]),
        FileOp::Link { from, to } => paths("link", &[from, to]),
        FileOp::Rename { from, to } => paths("rename", &[from, to]),
        FileOp::Unlink { path } => paths("unlink", &[path]),
        FileOp::Rmdir { path } => paths("rmdir", &[path]),
        FileOp::Lstat { path } => paths("lstat", &[path]),
        FileOp::Chdir { path } => paths("chdir", &[path]),
        FileOp::Create { path, .. } => paths("create", &[path]),
        FileOp::Mkdir { path, .. } => paths("mkdir", &[path]),
        FileOp::Mkfifo { path, .. } => paths("mkfifo", &[path]),
        FileOp::Chmod { path, .. } => paths("chmod", &[path]),
        FileOp::Chown { path, .. } => paths("chown", &[path]),
        FileOp::Fchmod { .. } => paths("fchmod", &[]),
        FileOp::Ring => paths("ring", &[]),
        FileOp::Umask { .. } => paths("umask", &[]),
    }
    match op {
        FileOp::Create { mode, .. }
        | FileOp::Mkdir { mode, .. }
        | FileOp::Mkfifo { mode, .. }
        | FileOp::Chmod { mode, .. }
        | FileOp::Umask { mask: mode } => word::write_mode(w, *mode),
        FileOp::Chown { uid, gid, .. } => w.word(format!("{uid}:{gid}")),
        FileOp::Fchmod { fd, mode } => {
            w.fd(*fd);
            word::write_mode(w, *mode);
        }
        _ => {}
    }
}

/// The call of this name.
pub(super) fn read_file(c: &mut Cursor<'_>, call: &str) -> Read<Option<FileOp>> {
    Ok(Some(match call {
        "open" => FileOp::Open { path: word::read_path(c)? },
        "open-path" => FileOp::OpenPath { path: word::read_path(c)? },
        "create" => FileOp::Create { path: word::read_path(c)?, mode: word::read_mode(c)? },
        "mkdir" => FileOp::Mkdir { path: word::read_path(c)?, mode: word::read_mode(c)? },
        "mkfifo" => FileOp::Mkfifo { path: word::read_path(c)?, mode: word::read_mode(c)? },
        "symlink" => FileOp::Symlink { target: word::read_path(c)?, path: word::read_path(c)? },
        "link" => FileOp::Link { from: word::read_path(c)?, to: word::read_path(c)? },
        "rename" => FileOp::Rename { from: word::read_path(c)?, to: word::read_path(c)? },
        "unlink" => FileOp::Unlink { path: word::read_path(c)? },
        "rmdir" => FileOp::Rmdir { path: word::read_path(c)? },
        "chmod" => FileOp::Chmod { path: word::read_path(c)?, mode: word::read_mode(c)? },
        "fchmod" => FileOp::Fchmod { fd: word::read_fd(c)?, mode: word::read_mode(c)? },
        "chown" => {
            let path = word::read_path(c)?;
            let (uid, gid) = word::read_owner(c)?;
            FileOp::Chown { path, uid, gid }
        }
        "lstat" => FileOp::Lstat { path: word::read_path(c)? },
        "chdir" => FileOp::Chdir { path: word::read_path(c)? },
        "ring" => FileOp::Ring,
        "umask" => FileOp::Umask { mask: word::read_mode(c)? },
        _ => return Ok(None),
    }))
}

/// `become 1000:1000 groups=27`
pub(super) fn write_process(w: &mut Writer<'_>, op: &ProcessOp) {
    match op {
        ProcessOp::Fork => w.word("fork"),
        ProcessOp::Thread => w.word("thread"),
        ProcessOp::Exit => w.word("exit"),
        ProcessOp::Become { uid, gid, groups } => {
            w.word(format!("become {uid}:{gid}"));
            if !groups.is_empty() {
                w.key("groups");
                word::write_numbers(w, groups);
            }
        }
        ProcessOp::SetEffective { uid, gid } => w.word(format!("set-effective {uid}:{gid}")),
        ProcessOp::LimitDescriptors { limit } => w.word(format!("limit-descriptors {limit}")),
        ProcessOp::UnshareNet => w.word("unshare-net"),
        ProcessOp::JoinNet { of } => {
            w.word("join-net ");
            w.reference(of);
        }
        ProcessOp::Getpid => w.word("getpid"),
    }
}

/// The call of this name.
pub(super) fn read_process(c: &mut Cursor<'_>, call: &str) -> Read<Option<ProcessOp>> {
    Ok(Some(match call {
        "fork" => ProcessOp::Fork,
        "thread" => ProcessOp::Thread,
        "exit" => ProcessOp::Exit,
        "become" => {
            let (uid, gid) = word::read_owner(c)?;
            let mut groups = alloc::vec::Vec::new();
            if c.next_word() == Some("groups") {
                c.take("groups");
                c.expect("=")?;
                groups = word::read_numbers(c)?;
            }
            ProcessOp::Become { uid, gid, groups }
        }
        "set-effective" => {
            let (uid, gid) = word::read_owner(c)?;
            ProcessOp::SetEffective { uid, gid }
        }
        "limit-descriptors" => {
            c.skip();
            ProcessOp::LimitDescriptors { limit: c.number_of("a number of descriptors")? }
        }
        "unshare-net" => ProcessOp::UnshareNet,
        "join-net" => {
            c.skip();
            ProcessOp::JoinNet { of: word::read_reference(c, Of::Task, "a process")? }
        }
        "getpid" => ProcessOp::Getpid,
        _ => return Ok(None),
    }))
}
