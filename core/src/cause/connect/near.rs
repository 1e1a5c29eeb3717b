//! The path leads nowhere, but something near it does: near misses and other views.

use crate::case::{Case, Finding};
use crate::cause::build::*;
use crate::cause::look::{self, View, show};
use crate::cause::{Cause, Class, Document, Evidence, Provoke, Rule};
use crate::fact::SocketFact;
use crate::fact::path::{End, PathTarget, Step};
use crate::{Call, Errno, Sockets};
use alloc::format;

const NOT_THERE: &[Rule] = &[
    fails(LINUX, Errno::ENOENT, Evidence::Measured),
    fails(BSDS, Errno::ENOENT, Evidence::Source),
    fails(OPENSERVER, Errno::ENOENT, Evidence::Inferred),
];

const ONLY_LINUX: &[Rule] =
    &[fails(LINUX, Errno::ENOENT, Evidence::Measured), never(NOT_LINUX, Evidence::Source)];

/// The entries of this file.
pub(in crate::cause) const CAUSES: &[Cause] = &[
    Cause {
        id: "connect/stray-whitespace",
        calls: &[at(Call::Connect, 41), at(Call::Send, 41)],
        sockets: Sockets::UNIX,
        shows: NOT_THERE,
        title: "the path has white space at its end or beginning that does not belong to it",
        happened: "The path as it was passed does not exist. Without the blanks or line feeds \
                   around it, it does.",
        why: "Every byte but the slash and NUL may be part of a file name, so the kernel does \
              not trim. The stray bytes usually come from a file that was read with its line \
              feed, or from quotes in an environment file.",
        fix: "Trim the value before it is used, or correct the file or variable that it is read \
              from.",
        commands: &["ls -la {trimmed}"],
        differs: None,
        documents: &[Document::Man("path_resolution(7)")],
        class: Class::UpFront,
        test: stray_whitespace,
        confusable: &[],
        provoke: Provoke::Live("connect to the path of a live server with a line feed appended"),
    },
    Cause {
        id: "connect/lost-leading-slash",
        calls: &[at(Call::Connect, 41), at(Call::Send, 41)],
        sockets: Sockets::UNIX,
        shows: NOT_THERE,
        title: "the path lost its leading slash and became relative",
        happened: "The path is relative and does not exist below the working directory. With a \
                   slash in front of it, it does.",
        why: "In unix://run/app.sock the two slashes belong to the scheme, and run/app.sock is \
              what remains. An absolute path needs a third slash.",
        fix: "Write the path with its slash; as a URL, unix:///run/app.sock.",
        commands: &["ls -la {slashed}"],
        differs: None,
        documents: &[Document::Man("path_resolution(7)")],
        class: Class::UpFront,
        test: lost_leading_slash,
        confusable: &[],
        provoke: Provoke::Live("connect to a live server's absolute path without its first slash"),
    },
    Cause {
        id: "connect/abstract-written-as-path",
        calls: &[at(Call::Connect, 41), at(Call::Send, 41)],
        sockets: Sockets::UNIX,
        shows: ONLY_LINUX,
        title: "an abstract name was used as the path of a file",
        happened: "The path @name does not exist as a file, but a socket is bound to the abstract \
                   name.",
        why: "The @ is a way of writing: tools print it for the NUL byte with which an abstract \
              name begins. A program that does not know this passes it on as part of a file name.",
        fix: "Give the program the form that it knows for abstract names (often unix-abstract:, \
              or a NUL written as an escape). If it knows none, bind the server to a path.",
        commands: &["ss -xlp src {path}"],
        differs: None,
        documents: &[Document::Man("unix(7)")],
        class: Class::UpFront,
        test: abstract_written_as_path,
        confusable: &[],
        provoke: Provoke::Live("bind an abstract name, connect to the file path @name"),
    },
    Cause {
        id: "connect/unlinked-live",
        calls: &[at(Call::Connect, 42), at(Call::Send, 42)],
        sockets: Sockets::UNIX,
        shows: NOT_THERE,
        title: "the server is alive, but its socket file was removed",
        happened: "A live socket was bound to this path, and still is as far as it knows. The \
                   file is gone: removed, or moved to another name.",
        why: "Removing the file does not touch the socket, and the server is not told. Cleaners \
              of /tmp, deployment scripts and a second instance that tidies up are the usual \
              culprits.",
        fix: "Restart the server: a name cannot be given back to a socket. Keep sockets in /run \
              rather than in /tmp, where old files are cleaned away.",
        commands: &["ps -fp {pid}", "ls -la {dir}"],
        differs: None,
        documents: &[Document::Man("unix(7)")],
        class: Class::UpFront,
        test: unlinked_live,
        confusable: &["connect/other-mount-namespace"],
        provoke: Provoke::Live("bind, listen, remove the file, connect"),
    },
    Cause {
        id: "connect/other-mount-namespace",
        calls: &[at(Call::Connect, 43), at(Call::Send, 43)],
        sockets: Sockets::UNIX,
        shows: ONLY_LINUX,
        title: "the server's path exists only in another view of the file system",
        happened: "A live socket is bound to this very path, but its owner sees other files than \
                   the caller: it has another mount namespace or root directory (a container, \
                   PrivateTmp=, a chroot).",
        why: "A path means something only together with the mounts of whoever walks it. The \
              socket tables belong to the network namespace, which the two share, so the name \
              shows there although the file does not here.",
        fix: "Put the socket into a directory that both see: share the directory with the \
              container, or turn PrivateTmp= off for one of the services and use /run.",
        commands: &["ls -la /proc/{pid}/root{path}", "nsenter -m -t {pid} ls -la {dir}"],
        differs: None,
        documents: &[Document::Man("mount_namespaces(7)"), Document::Man("systemd.exec(5)")],
        class: Class::UpFront,
        test: other_mount_namespace,
        confusable: &["connect/unlinked-live"],
        provoke: Provoke::Live(
            "as root: unshare the mount namespace, mount a tmpfs, bind there; connect from outside",
        ),
    },
];

/// Whether something near the missing path explains it better than that it is missing.
pub(super) fn explains(case: &Case<'_>) -> bool {
    let tests =
        [stray_whitespace, lost_leading_slash, abstract_written_as_path, removed_or_elsewhere];
    let points = |f: &Finding| matches!(f, Finding::Holds(_) | Finding::Suggests(_));
    tests.iter().any(|test| points(&test(case)))
}

/// The path, if its walk ended at a missing component, and the directory that lacks it.
fn missing<'a>(case: &Case<'a>) -> Option<(&'a PathTarget, Option<&'a Step>)> {
    let walk = look::walk(case)?;
    let End::Missing { .. } = walk.end else { return None };
    Some((look::path(case)?, walk.directory()))
}

fn stray_whitespace(case: &Case<'_>) -> Finding {
    let Some((path, _)) = missing(case) else { return Finding::Excluded };
    match path.variants.trimmed.known() {
        Some(Some(trimmed)) => Finding::Holds(format!(
            "{} does not exist, but {} does",
            show(&path.given),
            show(trimmed)
        )),
        _ => Finding::Excluded,
    }
}

fn lost_leading_slash(case: &Case<'_>) -> Finding {
    let Some((path, _)) = missing(case) else { return Finding::Excluded };
    match path.variants.slashed.known() {
        Some(Some(slashed)) => Finding::Holds(format!(
            "{} does not exist below the working directory, but {} does",
            show(&path.given),
            show(slashed)
        )),
        _ => Finding::Excluded,
    }
}

fn abstract_written_as_path(case: &Case<'_>) -> Finding {
    let Some((path, _)) = missing(case) else { return Finding::Excluded };
    let written = look::last_component(&path.given).starts_with(b"@");
    let bound = path.variants.abstract_name.known().and_then(|sockets| sockets.first());
    match bound {
        Some(socket) if written => Finding::Holds(format!(
            "there is no file {}, but {} has the abstract name with that spelling",
            show(&path.given),
            look::owner(socket)
        )),
        _ => Finding::Excluded,
    }
}

/// The live socket that is bound to the missing path, unless a slip of the pen explains it.
fn namesake<'a>(case: &Case<'a>) -> Option<(&'a SocketFact, Option<&'a Step>)> {
    let (_, directory) = missing(case)?;
    for slip in [stray_whitespace, lost_leading_slash, abstract_written_as_path] {
        if slip(case) != Finding::Excluded {
            return None;
        }
    }
    let namesakes = look::namesakes(case);
    let here = namesakes.iter().find(|s| look::view(case, s) == View::Same);
    here.or(namesakes.first()).map(|s| (*s, directory))
}

fn removed_or_elsewhere(case: &Case<'_>) -> Finding {
    match unlinked_live(case) {
        Finding::Excluded => other_mount_namespace(case),
        found => found,
    }
}

/// Whether the namesake's file was on the file system on which the path broke. Removed files
/// were; files that only another view shows often were not.
fn same_file_system(socket: &SocketFact, directory: Option<&Step>) -> Option<bool> {
    Some(socket.file?.device == directory?.file.device)
}

fn unlinked_live(case: &Case<'_>) -> Finding {
    let Some((socket, directory)) = namesake(case) else {
        return unseen_namesakes(case);
    };
    let owner = look::owner(socket);
    let absolute = socket.name.as_deref().is_some_and(|n| n.starts_with(b"/"));
    let here = same_file_system(socket, directory);
    match (look::view(case, socket), here) {
        (View::Other, _) => Finding::Excluded,
        (View::Same, Some(true)) if absolute => Finding::Holds(format!(
            "the path does not exist, but {owner}, which sees the same files, still has a socket \
             bound to it (socket inode {})",
            socket.inode
        )),
        (View::Same, _) if !absolute => Finding::Suggests(format!(
            "the path does not exist, but {owner} has a socket bound to this name; the name is \
             relative, so it may have been bound in another directory"
        )),
        (View::Same, _) => Finding::Suggests(format!(
            "the path does not exist, but {owner} has a socket bound to it: its file was \
             removed, or something is mounted over its directory"
        )),
        (View::Unknown, Some(false)) => Finding::Excluded,
        (View::Unknown, _) => Finding::Suggests(format!(
            "the path does not exist, but {owner} has a socket bound to it; to be certain, its \
             mount namespace would have to be visible"
        )),
    }
}

fn unseen_namesakes(case: &Case<'_>) -> Finding {
    match missing(case) {
        Some((path, _)) if path.namesakes.known().is_none() && case.symptom.is_some() => {
            Finding::Unseen("whether a live socket is bound to the missing path")
        }
        _ => Finding::Excluded,
    }
}

fn other_mount_namespace(case: &Case<'_>) -> Finding {
    let Some((socket, directory)) = namesake(case) else { return Finding::Excluded };
    let owner = look::owner(socket);
    let elsewhere = same_file_system(socket, directory) == Some(false);
    match look::view(case, socket) {
        View::Same => Finding::Excluded,
        View::Other if elsewhere => Finding::Holds(format!(
            "the path does not exist here, but {owner}, which has another mount namespace or \
             root, has a socket bound to it on another file system"
        )),
        View::Other => Finding::Suggests(format!(
            "the path does not exist here, but {owner}, which has another mount namespace or \
             root, has a socket bound to it; whether its file exists there was not looked at"
        )),
        View::Unknown if elsewhere => Finding::Suggests(format!(
            "the path does not exist here, but {owner} has a socket bound to it on another file \
             system; to be certain, its mount namespace would have to be visible"
        )),
        View::Unknown => Finding::Excluded,
    }
}
