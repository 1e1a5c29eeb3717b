//! The file is a socket without a server, but a live server is near: the file is not its file.

use crate::case::{Case, Finding};
use crate::cause::build::*;
use crate::cause::look::{self, Reached, View, show};
use crate::cause::{Cause, Class, Document, Evidence, Provoke};
use crate::fact::SocketFact;
use crate::fact::path::{Mount, Step};
use crate::{Call, Errno, Sockets};
use alloc::format;

/// The entries of this file.
pub(in crate::cause) const CAUSES: &[Cause] = &[
    Cause {
        id: "connect/stale-bind-mount",
        calls: &[at(Call::Connect, 61), at(Call::Send, 61)],
        sockets: Sockets::UNIX,
        shows: &[
            fails(LINUX, Errno::ECONNREFUSED, Evidence::Measured),
            never(NOT_LINUX, Evidence::Inferred),
        ],
        title: "the path is a bind mount that still holds the socket file of an earlier server",
        happened: "The socket file itself was mounted here. The server was restarted since: it \
                   removed the file and made a new one, but the mount keeps the old one.",
        why: "A bind mount of a file holds the inode, not the name. A new file under the old \
              name is another inode, which the mount knows nothing of.",
        fix: "Mount the directory in which the socket lives instead of the socket, and restart \
              the container now to make the mount anew.",
        commands: &["umount {mount}", "findmnt {mount}"],
        differs: None,
        documents: &[Document::Man("mount(8)"), Document::Man("proc_pid_mountinfo(5)")],
        class: Class::UpFront,
        test: stale_bind_mount,
        confusable: &[],
        provoke: Provoke::Live(
            "as root: mount --bind a live socket's file, restart the server, connect through the mount",
        ),
    },
    Cause {
        id: "connect/other-filesystem-view",
        calls: &[at(Call::Connect, 62), at(Call::Send, 62)],
        sockets: Sockets::UNIX,
        shows: &[
            fails(LINUX, Errno::ECONNREFUSED, Evidence::Measured),
            fails(BSDS, Errno::ECONNREFUSED, Evidence::Inferred),
            never(OPENSERVER, Evidence::Inferred),
        ],
        title: "the live socket is seen through another file system",
        happened: "The file at the path is an image of the server's socket file: an overlay, a \
                   network file system or a shared folder shows it, with an inode of its own.",
        why: "The kernel looks for a socket bound to the inode that the walk ends at. A file \
              system that shows the files of another one has its own inodes, to which nobody \
              ever bound a socket.",
        fix: "Reach the socket by the file system on which it was bound: bind-mount its \
              directory into the container. Between machines, forward it (ssh -L, socat over \
              vsock or TCP).",
        commands: &["findmnt -T {path}"],
        differs: None,
        documents: &[
            Document::Man("mount(8)"),
            Document::Source("Documentation/filesystems/overlayfs.rst"),
        ],
        class: Class::UpFront,
        test: other_filesystem_view,
        confusable: &["connect/stale-socket"],
        provoke: Provoke::Live(
            "as root: mount an overlay whose lower directory holds a live socket, connect through it",
        ),
    },
    Cause {
        id: "connect/path-rebound",
        calls: &[at(Call::Connect, 63), at(Call::Send, 63)],
        sockets: Sockets::UNIX,
        shows: &[
            fails(LINUX, Errno::ECONNREFUSED, Evidence::Measured),
            fails(BSDS, Errno::ECONNREFUSED, Evidence::Source),
            fails(OPENSERVER, Errno::ECONNREFUSED, Evidence::Inferred),
        ],
        title: "the file belongs to a dead second server; the live one lost its name",
        happened: "A live server was bound to this path. Its file was then removed and another \
                   server bound the same path, and that one is gone. The file is the second \
                   server's.",
        why: "Many servers remove whatever file is in their way before they bind. Starting a \
              second instance, even for a moment, takes the name from the first. Tools that go \
              by the name (lsof, fuser, ss) go on showing the first as its owner.",
        fix: "Restart the live server so that it binds the path again, and keep a second \
              instance from starting (a lock file beside the socket).",
        commands: &["ps -fp {pid}"],
        differs: None,
        documents: &[Document::Man("unix(7)"), Document::Man("unlink(2)")],
        class: Class::UpFront,
        test: path_rebound,
        confusable: &[],
        provoke: Provoke::Live(
            "server A listens; remove its file; server B binds, listens and exits; connect",
        ),
    },
];

/// Whether one of these says more than that the file is stale.
pub(super) fn explains(case: &Case<'_>) -> bool {
    let tests = [stale_bind_mount, other_filesystem_view, path_rebound];
    let points = |f: &Finding| matches!(f, Finding::Holds(_) | Finding::Suggests(_));
    tests.iter().any(|test| points(&test(case)))
}

/// The socket file at the end of the path, if no socket is bound to it.
fn orphan<'a>(case: &Case<'a>) -> Option<&'a Step> {
    if look::waited(case) {
        return None;
    }
    let file = look::socket_file(case).filter(|file| !file.is_open_socket())?;
    matches!(look::reached(case), Reached::Nobody | Reached::Remnant(_)).then_some(file)
}

/// The mount, if this very file is its root.
fn mounted_file(file: &Step) -> Option<&Mount> {
    file.mount.known().filter(|m| m.point == file.path && m.root != b"/")
}

fn stale_bind_mount(case: &Case<'_>) -> Finding {
    let Some(file) = orphan(case) else { return Finding::Excluded };
    let Some(mount) = mounted_file(file) else { return Finding::Excluded };
    if let Some(original) = mount.root.strip_suffix(b"//deleted") {
        return Finding::Holds(format!(
            "{} is a mount of the single file {} of its file system, and that file has been \
             removed",
            show(&file.path),
            show(original)
        ));
    }
    match server_nearby(case) {
        Some(socket) => Finding::Suggests(format!(
            "{} is a mount of the single file {} of its file system, with no socket, while {} \
             has a live socket of that name on another inode",
            show(&file.path),
            show(&mount.root),
            look::owner(socket)
        )),
        None => Finding::Excluded,
    }
}

/// A live socket of the same name, or whose file looks like the one at the path.
fn server_nearby<'a>(case: &Case<'a>) -> Option<&'a SocketFact> {
    lookalike(case).or_else(|| look::namesakes(case).first().copied())
}

fn lookalike<'a>(case: &Case<'a>) -> Option<&'a SocketFact> {
    look::path(case)?.lookalikes.known()?.first()
}

/// File systems that show the files of another one under inodes of their own.
fn shows_other_files(fs_type: &str) -> bool {
    let views = ["overlay", "nfs", "nfs4", "cifs", "smb3", "9p", "virtiofs", "vboxsf", "aufs"];
    views.contains(&fs_type) || fs_type.starts_with("fuse")
}

fn other_filesystem_view(case: &Case<'_>) -> Finding {
    let Some(file) = orphan(case) else { return Finding::Excluded };
    if stale_bind_mount(case) != Finding::Excluded {
        return Finding::Excluded;
    }
    let Some(mount) = file.mount.known().filter(|m| shows_other_files(&m.fs_type)) else {
        return Finding::Excluded;
    };
    let at = format!(
        "{} is on {} mounted at {}",
        show(&file.path),
        show(mount.fs_type.as_bytes()),
        show(&mount.point)
    );
    if let Some(socket) = lookalike(case) {
        return Finding::Holds(format!(
            "{at}, and the same file on another file system (inode {}) is the live socket of {}",
            file.file.inode,
            look::owner(socket)
        ));
    }
    let elsewhere = |s: &&SocketFact| s.file.is_some_and(|f| f.device != file.file.device);
    match look::namesakes(case).into_iter().find(elsewhere) {
        Some(socket) => Finding::Suggests(format!(
            "{at}, and {} has a live socket of this name on another file system",
            look::owner(socket)
        )),
        None if mount.fs_type != "overlay" => Finding::Suggests(format!(
            "{at}: if a server on the other side of it is alive, it cannot be reached by this \
             file; no socket here is bound to it"
        )),
        None => Finding::Excluded,
    }
}

fn path_rebound(case: &Case<'_>) -> Finding {
    let Some(file) = orphan(case) else { return Finding::Excluded };
    if stale_bind_mount(case) != Finding::Excluded
        || other_filesystem_view(case) != Finding::Excluded
    {
        return Finding::Excluded;
    }
    let namesakes = look::namesakes(case);
    let here = namesakes.iter().find(|s| look::view(case, s) == View::Same);
    let unknown = namesakes.iter().find(|s| look::view(case, s) == View::Unknown);
    let Some(socket) = here.or(unknown) else { return Finding::Excluded };
    let absolute = socket.name.as_deref().is_some_and(|n| n.starts_with(b"/"));
    let same_device = socket.file.is_some_and(|f| f.device == file.file.device);
    let other_inode = match socket.file {
        Some(f) => format!("inode {}", f.inode),
        None => "another inode".into(),
    };
    let because = format!(
        "{} listens on a socket bound to this path, but to {other_inode}; the file there now has \
         inode {}, to which no socket is bound",
        look::owner(socket),
        file.file.inode
    );
    if !absolute && here.is_none() {
        return Finding::Excluded;
    }
    let doubt = match () {
        () if !absolute => "the name is relative, so it may belong to another directory",
        () if here.is_none() => "to be certain, the server's mount namespace must be visible",
        () if !same_device => "its file may also be hidden below a mount",
        () if !everywhere(case) => "sockets in other network namespaces could not be looked at",
        () => return Finding::Holds(because),
    };
    Finding::Suggests(format!("{because}; {doubt}"))
}

fn everywhere(case: &Case<'_>) -> bool {
    look::path(case).is_some_and(|p| p.everywhere.known().is_some())
}
