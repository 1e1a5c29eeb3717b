//! The name is taken: `EADDRINUSE`.

use super::existing;
use crate::case::{Case, Finding};
use crate::cause::build::*;
use crate::cause::look::{self, Own, Reached, show};
use crate::cause::{Cause, Class, Document, Evidence, Provoke, Rule};
use crate::fact::path::{End, FileKind, Step};
use crate::{Call, Errno, Sockets};
use alloc::format;
use alloc::string::String;

const TAKEN: &[Rule] = &[
    fails(LINUX, Errno::EADDRINUSE, Evidence::Measured),
    fails(BSDS, Errno::EADDRINUSE, Evidence::Source),
    fails(OPENSERVER, Errno::EADDRINUSE, Evidence::Manual),
];

/// What OpenServer's list says about `EADDRINUSE`, put right.
const NOT_SOCKET: Option<&str> = Some(
    "OpenServer's list says that the error comes when a socket is created. It comes from bind; \
     socket(2) never gives it.",
);

const DOCUMENTS: &[Document] =
    &[Document::OpenServer, Document::Unix7, Document::Posix("bind"), Document::Man("bind(2)")];

/// The entries of this file.
pub(in crate::cause) const CAUSES: &[Cause] = &[
    Cause {
        id: "bind/exists-and-already-bound",
        calls: &[at(Call::Bind, 44)],
        sockets: Sockets::UNIX,
        shows: &[
            fails(LINUX, Errno::EADDRINUSE, Evidence::Measured),
            fails(BSDS, Errno::EINVAL, Evidence::Source),
            fails(OPENSERVER, Errno::EINVAL, Evidence::Inferred),
        ],
        title: "the path exists, and the socket is bound already",
        happened: "bind was called a second time on the same socket, with a path that exists: \
                   perhaps the very one it has.",
        why: "Linux makes the file first and looks at the socket afterwards, so the file that is \
              in the way is reported and not that the socket has a name. The BSDs look at the \
              socket first and give EINVAL.",
        fix: "Bind a socket once. Removing the file does not help: the next try gives EINVAL.",
        commands: &[],
        differs: NOT_SOCKET,
        documents: DOCUMENTS,
        class: Class::UpFront,
        test: exists_and_already_bound,
        confusable: &[],
        provoke: Provoke::Live("bind a socket to a path, bind it again to a path that exists"),
    },
    Cause {
        id: "bind/live-socket",
        calls: &[at(Call::Bind, 45)],
        sockets: Sockets::UNIX,
        shows: TAKEN,
        title: "another server has its socket at the path",
        happened: "There is a socket file at the path, and a live socket is bound to it.",
        why: "A path names one file, and bind insists on making it. Linux has no way to share \
              or to take over a path.",
        fix: "Use the server that runs, stop it, or give this one another path. Do not remove \
              the file: the running server would lose its name without noticing.",
        commands: &["ps -fp {pid}", "ss -xlp src {path}"],
        differs: NOT_SOCKET,
        documents: DOCUMENTS,
        class: Class::UpFront,
        test: live_socket,
        confusable: &[],
        provoke: Provoke::Live("bind to the path of a live server"),
    },
    Cause {
        id: "bind/stale-socket",
        calls: &[at(Call::Bind, 46)],
        sockets: Sockets::UNIX,
        shows: TAKEN,
        title: "the socket file of a server that is gone is in the way",
        happened: "There is a socket file at the path, and no socket is bound to it any more.",
        why: "The file outlives the socket, and bind does not reuse a file, not even one that it \
              made itself: whether the old server is alive would be a guess.",
        fix: "Remove the file and bind again. A server does so at its start, after a connect to \
              the path was refused, or under a lock file that keeps a second instance away.",
        commands: &["rm {path}"],
        differs: NOT_SOCKET,
        documents: DOCUMENTS,
        class: Class::UpFront,
        test: stale_socket,
        confusable: &[],
        provoke: Provoke::Live("bind to a path, close the socket, bind another one to it"),
    },
    Cause {
        id: "bind/not-a-socket",
        calls: &[at(Call::Bind, 47)],
        sockets: Sockets::UNIX,
        shows: TAKEN,
        title: "a file that is not a socket is in the way",
        happened: "There is something at the path, and it is a regular file, a directory or \
                   another object that is not a socket file.",
        why: "bind makes a new file and never replaces one, of whatever kind.",
        fix: "Look at what it is before removing it: the path may be a mistake. An empty \
              directory may have been made by a container engine for a mount.",
        commands: &["ls -lad {path}"],
        differs: NOT_SOCKET,
        documents: DOCUMENTS,
        class: Class::UpFront,
        test: not_a_socket,
        confusable: &[],
        provoke: Provoke::Live("bind to the path of a regular file, and of a directory"),
    },
    Cause {
        id: "bind/dangling-symlink",
        calls: &[at(Call::Bind, 48)],
        sockets: Sockets::UNIX,
        shows: &[
            fails(LINUX, Errno::EADDRINUSE, Evidence::Measured),
            fails(FREEBSD, Errno::EADDRINUSE, Evidence::Source),
            never(MACOS, Evidence::Source),
            never(OPENSERVER, Evidence::Inferred),
        ],
        title: "a symbolic link that leads nowhere is in the way",
        happened: "The last component of the path is a symbolic link, and what it points to does \
                   not exist. bind does not make it.",
        why: "Linux and FreeBSD do not follow a link at the end of the path when they bind: the \
              link itself is the file that exists. macOS follows it and makes the target, as 4.3BSD \
              did.",
        fix: "Bind to the target of the link, or remove the link.",
        commands: &["readlink {path}", "rm {path}"],
        differs: NOT_SOCKET,
        documents: DOCUMENTS,
        class: Class::UpFront,
        test: dangling_symlink,
        confusable: &[],
        provoke: Provoke::Live("make a symbolic link to a name that does not exist, bind to it"),
    },
    Cause {
        id: "bind/abstract-in-use",
        calls: &[at(Call::Bind, 75)],
        sockets: Sockets::UNIX,
        shows: &[
            fails(LINUX, Errno::EADDRINUSE, Evidence::Measured),
            never(NOT_LINUX, Evidence::Source),
        ],
        title: "another socket has the abstract name",
        happened: "A live socket of the same type has this abstract name in the same network \
                   namespace.",
        why: "A name can be had by one socket of each type and network namespace. It becomes \
              free when the last descriptor of that socket is closed: in children that inherited \
              it too.",
        fix: "Stop the process that has the name, or use another name.",
        commands: &["ss -xap | grep -F {name}", "ps -fp {pid}"],
        differs: None,
        documents: &[Document::Unix7, Document::Man("bind(2)")],
        class: Class::UpFront,
        test: abstract_in_use,
        confusable: &[],
        provoke: Provoke::Live("bind two sockets of one type to the same abstract name"),
    },
];

/// What is at the path already, unless the socket is bound itself.
enum Taken<'a> {
    Socket(&'a Step),
    Link(&'a Step),
    Other(&'a Step),
}

fn taken<'a>(case: &Case<'a>) -> Option<Taken<'a>> {
    if own_name(case).is_some() {
        return None;
    }
    let named = existing(case)?;
    let walk = look::walk(case)?;
    let arrived = matches!(walk.end, End::Found | End::NotDirectory);
    let object = if arrived { walk.steps.last()? } else { named };
    Some(match (named.kind, object.kind) {
        // What is in the way is the link of /proc: there is no socket file.
        (_, FileKind::Socket) if object.is_open_socket() => Taken::Other(named),
        (_, FileKind::Socket) => Taken::Socket(object),
        (FileKind::Symlink, _) if !arrived => Taken::Link(named),
        _ => Taken::Other(object),
    })
}

/// The name of the caller's own socket, if it is known to have one.
fn own_name<'a>(case: &Case<'a>) -> Option<&'a [u8]> {
    match look::own(case) {
        Own::Socket(own) if !own.name.is_empty() => Some(&own.name),
        _ => None,
    }
}

/// `PATH is a symbolic link, which bind does not follow, to ` where that is so.
fn by_link(case: &Case<'_>) -> String {
    match existing(case) {
        Some(named) if named.kind == FileKind::Symlink => {
            format!("{} is a symbolic link, which bind does not follow; ", show(&named.path))
        }
        _ => String::new(),
    }
}

fn exists_and_already_bound(case: &Case<'_>) -> Finding {
    match (own_name(case), existing(case)) {
        (Some(_), Some(step)) => Finding::Holds(format!(
            "{} exists, and the caller's socket has a name already",
            show(&step.path)
        )),
        _ => Finding::Excluded,
    }
}

fn live_socket(case: &Case<'_>) -> Finding {
    let Some(Taken::Socket(file)) = taken(case) else { return Finding::Excluded };
    let link = by_link(case);
    match look::reached(case) {
        Reached::Socket(s) => Finding::Holds(format!(
            "{link}{} is the socket file (inode {}) of {}",
            show(&file.path),
            file.file.inode,
            look::owner(s)
        )),
        // A slash at the end of the path keeps an observer from looking further, too.
        Reached::Unknown(_) | Reached::Nothing => Finding::Suggests(format!(
            "{link}{} is a socket file; whether a server still has it could not be seen",
            show(&file.path)
        )),
        // A connected socket of this name has the file only if it was bound itself.
        Reached::Remnant(_) if case.symptom.is_some() => {
            Finding::Unseen("whether the connected socket of this name was bound itself")
        }
        Reached::Remnant(_) => Finding::Excluded,
        Reached::Nobody => Finding::Excluded,
    }
}

fn stale_socket(case: &Case<'_>) -> Finding {
    let Some(Taken::Socket(file)) = taken(case) else { return Finding::Excluded };
    let place = format!("{}{}", by_link(case), show(&file.path));
    let inode = file.file.inode;
    match look::reached(case) {
        Reached::Nobody => look::sure(
            look::path(case).is_some_and(|p| p.everywhere.known().is_some()),
            format!("{place} is a socket file (inode {inode}) to which no socket is bound"),
            "sockets in other network namespaces could not be looked at",
        ),
        Reached::Remnant(s) => Finding::Suggests(format!(
            "{place} is a socket file (inode {inode}) without a listener; only a connected socket \
             of this name is held by {}, probably a connection that the listener accepted",
            look::owner(s)
        )),
        Reached::Unknown(_) | Reached::Nothing => Finding::Suggests(format!(
            "{place} is a socket file; whether a server still has it could not be seen"
        )),
        Reached::Socket(_) => Finding::Excluded,
    }
}

/// Whether what a link leads to is followed by a slash although it is no directory.
fn ends_in_slash(case: &Case<'_>) -> bool {
    let link = existing(case).is_some_and(|named| named.kind == FileKind::Symlink);
    link && look::walk(case).is_some_and(|walk| walk.end == End::NotDirectory)
}

fn not_a_socket(case: &Case<'_>) -> Finding {
    match taken(case) {
        Some(Taken::Other(link)) if link.kind == FileKind::Symlink => Finding::Holds(format!(
            "{} is a link to an open socket, and bind does not follow it",
            show(&link.path)
        )),
        Some(Taken::Other(step)) => {
            Finding::Holds(format!("{}{} is {}", by_link(case), show(&step.path), step.kind.name()))
        }
        Some(Taken::Socket(step)) if ends_in_slash(case) => Finding::Suggests(format!(
            "{}{}, but a slash follows, so that it would have to be a directory",
            by_link(case),
            show(&step.path)
        )),
        Some(_) => Finding::Excluded,
        None if own_name(case).is_none() => look::unless_hidden(case),
        None => Finding::Excluded,
    }
}

fn dangling_symlink(case: &Case<'_>) -> Finding {
    match taken(case) {
        Some(Taken::Link(link)) => Finding::Holds(format!(
            "{} is a symbolic link to {}, which leads to nothing that could be found",
            show(&link.path),
            show(link.link.as_deref().unwrap_or_default())
        )),
        _ => Finding::Excluded,
    }
}

fn abstract_in_use(case: &Case<'_>) -> Finding {
    let Some(target) = case.facts.abstract_name() else { return Finding::Excluded };
    match target.bound.known() {
        Some(bound) => match bound.iter().find(|s| s.kind == case.socket) {
            Some(socket) => Finding::Holds(format!(
                "{} has a {} socket (socket inode {}) with this name",
                look::owner(socket),
                socket.kind,
                socket.inode
            )),
            None => Finding::Excluded,
        },
        None => Finding::Unseen("the table of UNIX domain sockets"),
    }
}
