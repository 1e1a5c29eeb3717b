//! The address leads to something that takes no connection: `ECONNREFUSED` and its kin.

use crate::cause::build::*;
use crate::cause::{Cause, Class, Document, Evidence, Provoke};
use crate::diagnose::{Case, Finding};
use crate::fact::path::FileKind;
use crate::{Call, Errno, Sockets};
use alloc::format;

/// The entries of this file.
pub(in crate::cause) const CAUSES: &[Cause] = &[Cause {
    id: "connect/stale-socket",
    calls: &[at(Call::Connect, 70), at(Call::Send, 70)],
    sockets: Sockets::UNIX,
    shows: &[fails(LINUX, Errno::ECONNREFUSED, Evidence::Measured)],
    title: "the socket file was left behind by a server that is gone",
    happened: "The path names a socket file, but no process has that socket open any more.",
    why: "A socket file outlives the socket: closing the socket, or dying, does not remove the \
          name. Only the file's inode leads to a socket, and this one leads to none.",
    fix: "Start the server. If it refuses to start because the file exists, remove the file first.",
    commands: &["rm {path}"],
    differs: None,
    documents: &[Document::OpenServer, Document::Unix7, Document::BsdConnect2],
    class: Class::UpFront,
    test: stale_socket,
    confusable: &[],
    provoke: Provoke::Live("bind a socket, close it, connect to its path"),
}];

fn stale_socket(case: &Case<'_>) -> Finding {
    let Some(path) = case.facts.path() else {
        return Finding::Excluded;
    };
    let Some(file) = path.found() else {
        return Finding::Excluded;
    };
    if file.kind != FileKind::Socket {
        return Finding::Excluded;
    }
    match path.attached.known() {
        Some(sockets) if sockets.is_empty() => Finding::Holds(format!(
            "no socket in the system's tables has inode {} of this file",
            file.file.inode
        )),
        Some(_) => Finding::Excluded,
        None => Finding::Unseen("the table of UNIX domain sockets"),
    }
}
