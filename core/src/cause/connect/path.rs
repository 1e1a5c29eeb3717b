//! The path leads nowhere: `ENOENT`, `ENOTDIR`, `ELOOP`, `ENAMETOOLONG`.

use super::near;
use crate::case::{Case, Finding};
use crate::cause::build::*;
use crate::cause::look::{self, show};
use crate::cause::{Cause, Class, Document, Evidence, Provoke, Rule};
use crate::fact::path::{End, Step, Walk};
use crate::{Call, Errno, Sockets};
use alloc::format;
use alloc::string::String;

const NOT_THERE: &[Rule] = &[
    fails(LINUX, Errno::ENOENT, Evidence::Measured),
    fails(BSDS, Errno::ENOENT, Evidence::Source),
    fails(OPENSERVER, Errno::ENOENT, Evidence::Manual),
];

/// The entries of this file.
pub(in crate::cause) const CAUSES: &[Cause] = &[
    Cause {
        id: "connect/no-such-file",
        calls: &[at(Call::Connect, 44), at(Call::Send, 44), at(Call::Bind, 44)],
        sockets: Sockets::UNIX,
        shows: NOT_THERE,
        title: "there is no file at the path",
        happened: "Every directory on the way exists, but the last name of the path does not. \
                   (For bind: the path ends in a slash, so it can only name a directory, and none \
                   is there; or it is in /proc, where no name can be made.)",
        why: "A path is only a way to an inode, and the socket belongs to the inode. The file is \
              made by the server's bind: before that, or after somebody removed it, there is \
              nothing to connect to.",
        fix: "Start the server, and look up in its configuration where it puts its socket: the \
              client may use another path than the server.",
        commands: &["ls -la {dir}", "ss -xlp"],
        differs: None,
        documents: &[
            Document::OpenServer,
            Document::Unix7,
            Document::BsdConnect2,
            Document::Posix("connect"),
        ],
        class: Class::UpFront,
        test: no_such_file,
        confusable: &[],
        provoke: Provoke::Live("connect to a name that does not exist in an existing directory"),
    },
    Cause {
        id: "connect/missing-directory",
        calls: &[at(Call::Connect, 44), at(Call::Send, 44)],
        sockets: Sockets::UNIX,
        shows: NOT_THERE,
        title: "a directory on the way does not exist",
        happened: "The path breaks before its last component: a directory that it goes through \
                   is not there.",
        why: "The kernel walks the path one component at a time and stops at the first that is \
              missing. Directories below /run are made anew at each boot, often by the service \
              itself, so this usually means that the service has not run since.",
        fix: "Start the service that makes the directory, or correct the path. If the directory \
              is to exist before the service runs, let tmpfiles.d or RuntimeDirectory= make it.",
        commands: &["ls -la {file}"],
        differs: None,
        documents: &[
            Document::OpenServer,
            Document::Unix7,
            Document::BsdConnect2,
            Document::Posix("connect"),
        ],
        class: Class::UpFront,
        test: missing_directory,
        confusable: &[],
        provoke: Provoke::Live("connect to a path below a directory that does not exist"),
    },
    Cause {
        id: "connect/dangling-symlink",
        calls: &[at(Call::Connect, 44), at(Call::Send, 44)],
        sockets: Sockets::UNIX,
        shows: NOT_THERE,
        title: "the path goes through a symbolic link that leads nowhere",
        happened: "The link exists, but what it points to does not.",
        why: "Connect follows symbolic links, also the last one. A relative target starts from \
              the directory of the link, and an absolute one from the root of whoever follows \
              it: inside a container or a chroot that is another place.",
        fix: "Start the server whose socket the link points to, or point the link to where the \
              socket is now.",
        commands: &["readlink -f {link}", "ls -la {link}"],
        differs: None,
        documents: &[
            Document::OpenServer,
            Document::Unix7,
            Document::BsdConnect2,
            Document::Posix("connect"),
            Document::Man("path_resolution(7)"),
        ],
        class: Class::UpFront,
        test: dangling_symlink,
        confusable: &[],
        provoke: Provoke::Live("make a symbolic link to a name that does not exist, connect to it"),
    },
    Cause {
        id: "connect/not-a-directory",
        calls: &[at(Call::Connect, 40), at(Call::Send, 40)],
        sockets: Sockets::UNIX,
        shows: &[
            fails(LINUX, Errno::ENOTDIR, Evidence::Measured),
            fails(BSDS, Errno::ENOTDIR, Evidence::Source),
            fails(OPENSERVER, Errno::ENOTDIR, Evidence::Inferred),
        ],
        title: "a component on the way is not a directory",
        happened: "The path goes on below something that has nothing below it: a file, or a \
                   socket. A slash at the end of a socket's path does the same.",
        why: "Only a directory can be searched for the next component.",
        fix: "Correct the path. If a program appends a name to what it was configured with, give \
              it the directory instead of the socket.",
        commands: &["ls -la {file}"],
        differs: None,
        documents: &[Document::BsdConnect2, Document::Posix("connect")],
        class: Class::UpFront,
        test: not_a_directory,
        confusable: &[],
        provoke: Provoke::Live("connect to a name below a regular file"),
    },
    Cause {
        id: "connect/symlink-loop",
        calls: &[at(Call::Connect, 40), at(Call::Send, 40)],
        sockets: Sockets::UNIX,
        shows: &[
            fails(LINUX, Errno::ELOOP, Evidence::Measured),
            fails(BSDS, Errno::ELOOP, Evidence::Source),
            fails(OPENSERVER, Errno::ELOOP, Evidence::Inferred),
        ],
        title: "the path goes through too many symbolic links",
        happened: "Links point at each other in a circle, or one after the other more than 40 \
                   times.",
        why: "The kernel does not look for circles; it counts. Linux gives up after 40 links in \
              one lookup, FreeBSD and macOS after 32.",
        fix: "Remove the link that points back to itself, and let it point to the socket.",
        commands: &["namei -l {path}", "readlink {link}"],
        differs: None,
        documents: &[
            Document::BsdConnect2,
            Document::Posix("connect"),
            Document::Man("path_resolution(7)"),
        ],
        class: Class::UpFront,
        test: symlink_loop,
        confusable: &[],
        provoke: Provoke::Live("make a symbolic link to itself, connect to it"),
    },
    Cause {
        id: "connect/component-too-long",
        calls: &[at(Call::Connect, 40), at(Call::Send, 40), at(Call::Bind, 40)],
        sockets: Sockets::UNIX,
        shows: &[
            fails(LINUX, Errno::ENAMETOOLONG, Evidence::Measured),
            fails(BSDS, Errno::ENAMETOOLONG, Evidence::Source),
            fails(OPENSERVER, Errno::ENAMETOOLONG, Evidence::Inferred),
        ],
        title: "a name on the way is longer than a file name may be",
        happened: "A symbolic link on the way contains a component of more than 255 bytes (143 \
                   on eCryptfs, and other limits on other file systems).",
        why: "The limit is the file system's, and it holds for one component. The address itself \
              has room for 107 bytes only, so a component that long can only come out of a link.",
        fix: "Point the link to a shorter name.",
        commands: &["readlink {link}"],
        differs: Some(
            "On Linux an address that is itself too long is EINVAL, never ENAMETOOLONG; this \
             error needs a symbolic link.",
        ),
        documents: &[Document::BsdConnect2, Document::Posix("connect")],
        class: Class::UpFront,
        test: component_too_long,
        confusable: &[],
        provoke: Provoke::Live(
            "make a symbolic link whose target is a name of 300 bytes, connect to it",
        ),
    },
    Cause {
        id: "connect/dead-fuse-mount",
        calls: &[at(Call::Connect, 40), at(Call::Send, 40), at(Call::Bind, 40)],
        sockets: Sockets::UNIX,
        shows: &[
            fails(LINUX, Errno::ENOTCONN, Evidence::Measured),
            fails(FREEBSD, Errno::ENOTCONN, Evidence::Inferred),
            never(&[crate::Platform::MacOs, crate::Platform::OpenServer], Evidence::Inferred),
        ],
        title: "the path goes through a FUSE file system whose server died",
        happened: "A file system on the way is served by a program, and that program is gone. \
                   The mount is still there and answers every lookup with \"not connected\".",
        why: "The error is about the connection between the kernel and the file system's server, \
              not about the socket: connect passes on what the lookup said.",
        fix: "Unmount the dead file system, or start its server (sshfs, rclone, a desktop's \
              document portal) again.",
        commands: &["fusermount3 -u {mount}", "umount -l {mount}"],
        differs: Some("No manual page lists ENOTCONN for connect."),
        documents: &[Document::Source("fs/fuse/dev.c")],
        class: Class::UpFront,
        test: dead_fuse_mount,
        confusable: &[],
        provoke: Provoke::Live(
            "as root: mount a FUSE file system, close its server's end, connect below it",
        ),
    },
];

/// What is missing, for a sentence.
struct Gap<'a> {
    name: &'a [u8],
    last: bool,
    link: Option<&'a [u8]>,
}

/// The missing component, unless something near it is the better explanation.
fn plain_gap<'a>(case: &Case<'a>) -> Option<Gap<'a>> {
    let End::Missing { name, last, link } = &look::walk(case)?.end else { return None };
    let nearer = case.call != Call::Bind && near::explains(case);
    (!nearer).then_some(Gap { name, last: *last, link: link.as_deref() })
}

fn no_such_file(case: &Case<'_>) -> Finding {
    let Some(path) = look::path(case) else { return Finding::Excluded };
    match plain_gap(case) {
        Some(gap) if gap.last && gap.link.is_none() => {
            let in_proc = look::walk(case)
                .and_then(Walk::directory)
                .is_some_and(|d| d.mount.is(|m| m.fs_type == "proc"));
            if case.call == Call::Bind && !path.given.ends_with(b"/") && !in_proc {
                return Finding::Excluded;
            }
            Finding::Holds(format!(
                "{} has no entry {}{}",
                below(case),
                show(gap.name),
                aside(case)
            ))
        }
        Some(_) => Finding::Excluded,
        None => match look::hidden(case) {
            Some(what) if case.call != Call::Bind => Finding::Unseen(what),
            _ => Finding::Excluded,
        },
    }
}

fn missing_directory(case: &Case<'_>) -> Finding {
    match plain_gap(case) {
        Some(gap) if !gap.last && gap.link.is_none() => Finding::Holds(format!(
            "{} has no directory {}{}",
            below(case),
            show(gap.name),
            aside(case)
        )),
        Some(_) => Finding::Excluded,
        None => look::unless_hidden(case),
    }
}

fn dangling_symlink(case: &Case<'_>) -> Finding {
    match plain_gap(case) {
        Some(Gap { name, link: Some(link), .. }) => {
            let target = target_of(case, link).unwrap_or_default();
            Finding::Holds(format!(
                "the symbolic link {}{target} leads to {}, which has no entry {}",
                show(link),
                below(case),
                show(name)
            ))
        }
        Some(_) => Finding::Excluded,
        None => look::unless_hidden(case),
    }
}

fn target_of(case: &Case<'_>, link: &[u8]) -> Option<String> {
    let step = look::walk(case)?.steps.iter().find(|s| s.path == link)?;
    Some(format!(" -> {}", show(step.link.as_deref()?)))
}

/// The directory in which something is missing.
fn below(case: &Case<'_>) -> String {
    match look::walk(case).and_then(Walk::directory) {
        Some(directory) => show(&directory.path),
        None => String::from("the directory from which the path starts"),
    }
}

/// A reminder of what could not be seen and would refine the cause.
fn aside(case: &Case<'_>) -> &'static str {
    let everywhere = look::path(case).is_some_and(|p| p.everywhere.known().is_some());
    if everywhere || case.call == Call::Bind {
        ""
    } else {
        " (servers in other network namespaces could not be looked for)"
    }
}

fn last_step<'a>(case: &Case<'a>) -> Option<&'a Step> {
    look::walk(case)?.steps.last()
}

fn not_a_directory(case: &Case<'_>) -> Finding {
    match (look::walk(case), last_step(case)) {
        (Some(walk), Some(step)) if walk.end == End::NotDirectory => Finding::Holds(format!(
            "{} is {}, and the path goes on below it",
            show(&step.path),
            step.kind.name()
        )),
        _ => look::unless_hidden(case),
    }
}

fn symlink_loop(case: &Case<'_>) -> Finding {
    match look::walk(case) {
        Some(walk) if walk.end == End::TooManyLinks => {
            let link = walk.steps.iter().rev().find_map(|s| Some((&s.path, s.link.as_ref()?)));
            let last = link.map(|(path, target)| {
                format!("; the last one was {} -> {}", show(path), show(target))
            });
            let last = last.unwrap_or_default();
            Finding::Holds(format!("following the path takes more than 40 symbolic links{last}"))
        }
        _ => look::unless_hidden(case),
    }
}

fn component_too_long(case: &Case<'_>) -> Finding {
    match look::walk(case).map(|w| &w.end) {
        Some(End::ComponentTooLong { link: Some(link) }) => Finding::Holds(format!(
            "the symbolic link {} contains a name of more than 255 bytes",
            show(link)
        )),
        Some(End::ComponentTooLong { link: None }) => {
            Finding::Holds(String::from("the path contains a name of more than 255 bytes"))
        }
        _ => look::unless_hidden(case),
    }
}

fn dead_fuse_mount(case: &Case<'_>) -> Finding {
    match look::walk(case) {
        Some(walk) if walk.end == End::Disconnected => {
            let mount = walk.steps.last().and_then(|s| s.mount.known());
            let on = mount.filter(|m| m.fs_type.starts_with("fuse")).map(|m| {
                let kind = show(m.fs_type.as_bytes());
                format!("the {kind} file system at {} does not answer", show(&m.point))
            });
            Finding::Holds(on.unwrap_or_else(|| {
                format!("a file system below {} answers \"not connected\"", below(case))
            }))
        }
        _ => look::unless_hidden(case),
    }
}
