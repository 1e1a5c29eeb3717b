//! The directory is missing, or does not let the file be made.

use super::{existing, parent, walk};
use crate::case::{Case, Finding};
use crate::cause::build::*;
use crate::cause::look::{self, Verdict, show};
use crate::cause::{Cause, Class, Document, Evidence, Provoke};
use crate::fact::path::{End, FileKind, Step};
use crate::fact::permission::Want;
use crate::{Call, Errno, Sockets};
use alloc::format;
use alloc::string::String;

/// The entries of this file.
pub(in crate::cause) const CAUSES: &[Cause] = &[
    Cause {
        id: "bind/missing-directory",
        calls: &[at(Call::Bind, 40)],
        sockets: Sockets::UNIX,
        shows: &[
            fails(LINUX, Errno::ENOENT, Evidence::Measured),
            fails(BSDS, Errno::ENOENT, Evidence::Source),
            fails(OPENSERVER, Errno::ENOENT, Evidence::Inferred),
        ],
        title: "the directory for the socket file does not exist",
        happened: "A directory in the path is missing, so there is nowhere to make the file.",
        why: "bind makes the file, never its directory. What is below /run is gone after each \
              boot.",
        fix: "Make the directory before the server starts: RuntimeDirectory= in its unit, a line \
              in tmpfiles.d, or mkdir in its start script.",
        commands: &["mkdir -p {dir}"],
        differs: None,
        documents: &[Document::Posix("bind"), Document::Man("bind(2)")],
        class: Class::UpFront,
        test: missing_directory,
        confusable: &[],
        provoke: Provoke::Live("bind to a path in a directory that does not exist"),
    },
    Cause {
        id: "bind/not-a-directory",
        calls: &[at(Call::Bind, 40)],
        sockets: Sockets::UNIX,
        shows: &[
            fails(LINUX, Errno::ENOTDIR, Evidence::Measured),
            fails(BSDS, Errno::ENOTDIR, Evidence::Source),
            fails(OPENSERVER, Errno::ENOTDIR, Evidence::Inferred),
        ],
        title: "a component before the last is not a directory",
        happened: "The path goes on below something that has nothing below it.",
        why: "Only in a directory can a name be made.",
        fix: "Correct the path, or replace what is in the way by a directory.",
        commands: &["ls -la {file}"],
        differs: None,
        documents: &[Document::BsdConnect2, Document::Posix("bind"), Document::Man("bind(2)")],
        class: Class::UpFront,
        test: not_a_directory,
        confusable: &[],
        provoke: Provoke::Live("bind to a name below a regular file"),
    },
    Cause {
        id: "bind/symlink-loop",
        calls: &[at(Call::Bind, 40)],
        sockets: Sockets::UNIX,
        shows: &[
            fails(LINUX, Errno::ELOOP, Evidence::Measured),
            fails(BSDS, Errno::ELOOP, Evidence::Source),
            fails(OPENSERVER, Errno::ELOOP, Evidence::Inferred),
        ],
        title: "the way to the directory goes through too many symbolic links",
        happened: "Links before the last component point at each other in a circle, or one after \
                   the other more than 40 times.",
        why: "Linux counts the links of a lookup and stops at 40, FreeBSD and macOS at 32. A \
              looping link as the last component is not followed and counts as a file in the way.",
        fix: "Mend the link.",
        commands: &["namei -l {path}", "readlink {link}"],
        differs: None,
        documents: &[Document::BsdConnect2, Document::Posix("bind"), Document::Man("bind(2)")],
        class: Class::UpFront,
        test: symlink_loop,
        confusable: &[],
        provoke: Provoke::Live("make a symbolic link to itself, bind to a name below it"),
    },
    Cause {
        id: "bind/read-only-filesystem",
        calls: &[at(Call::Bind, 50), at(Call::Connect, 49), at(Call::Send, 49)],
        sockets: Sockets::UNIX,
        shows: &[
            fails(LINUX, Errno::EROFS, Evidence::Measured),
            fails(BSDS, Errno::EROFS, Evidence::Source),
            fails(OPENSERVER, Errno::EROFS, Evidence::Inferred),
        ],
        title: "the file system is read-only",
        happened: "The socket's file cannot be made, because its directory is on a file system \
                   or a mount that is read-only. (Connect, which makes nothing, gives this error \
                   only if the path names a regular file or a directory on a file system that \
                   is itself read-only.)",
        why: "Making a name is writing. Connecting to a socket on a read-only file system works: \
              sockets, FIFOs and devices are exempt, since no write reaches the file system.",
        fix: "Put the socket into a writable place (/run, a tmpfs); in a container, mount one \
              there. With ProtectSystem= name the directory in ReadWritePaths=.",
        commands: &["findmnt -T {dir}", "mount -o remount,rw {mount}"],
        differs: Some("No manual page mentions EROFS for connect."),
        documents: &[Document::Posix("bind"), Document::Man("bind(2)")],
        class: Class::UpFront,
        test: read_only,
        confusable: &[],
        provoke: Provoke::Live("as root: mount a tmpfs read-only, bind in it"),
    },
    Cause {
        id: "bind/immutable-directory",
        calls: &[at(Call::Bind, 54)],
        sockets: Sockets::UNIX,
        shows: &[
            fails(LINUX, Errno::EPERM, Evidence::Measured),
            fails(BSDS, Errno::EPERM, Evidence::Inferred),
            never(OPENSERVER, Evidence::Inferred),
        ],
        title: "the directory is immutable",
        happened: "The directory has the immutable flag (chattr +i), so no name can be made in \
                   it, by root neither.",
        why: "The flag is looked at before the modes and stands above all capabilities.",
        fix: "Clear the flag, if it was not set on purpose.",
        commands: &["lsattr -d {dir}", "chattr -i {dir}"],
        differs: None,
        documents: &[Document::Unix7, Document::Man("chattr(1)")],
        class: Class::UpFront,
        test: immutable_directory,
        confusable: &[],
        provoke: Provoke::Live("as root: set the flag on a directory, bind in it"),
    },
    Cause {
        id: "bind/no-write-permission",
        calls: &[at(Call::Bind, 56)],
        sockets: Sockets::UNIX,
        shows: &[
            fails(LINUX, Errno::EACCES, Evidence::Measured),
            fails(BSDS, Errno::EACCES, Evidence::Source),
            fails(OPENSERVER, Errno::EACCES, Evidence::Inferred),
        ],
        title: "the caller may not make a file in the directory",
        happened: "The caller lacks w or x permission on the directory in which the socket's \
                   file is to be made, or x on a directory before it.",
        why: "A new name is written into its directory: that takes w and x there, and x on the \
              whole way to it. The mode of the socket itself plays no part.",
        fix: "Give the server a directory of its own (RuntimeDirectory=, or one that its user \
              owns) instead of opening a shared one.",
        commands: &["namei -l {dir}"],
        differs: None,
        documents: &[
            Document::Man("unix(7)"),
            Document::Posix("bind"),
            Document::Man("bind(2)"),
            Document::Man("unix(7)"),
        ],
        class: Class::UpFront,
        test: no_write_permission,
        confusable: &["connect/security-module"],
        provoke: Provoke::Live("as an ordinary user: bind in a directory of mode 0555"),
    },
    Cause {
        id: "bind/filesystem-without-sockets",
        calls: &[at(Call::Bind, 58)],
        sockets: Sockets::UNIX,
        shows: &[
            fails(LINUX, Errno::EPERM, Evidence::Measured),
            fails(BSDS, Errno::EOPNOTSUPP, Evidence::Inferred),
            never(OPENSERVER, Evidence::Inferred),
        ],
        title: "the file system cannot hold sockets",
        happened: "The directory is on a file system that knows no special files, such as sysfs, \
                   a cgroup hierarchy or FAT.",
        why: "A socket's file is made like a device or a FIFO. File systems that present the \
              kernel's data, or whose format has no such files, refuse.",
        fix: "Use a directory on another file system, such as /run.",
        commands: &["findmnt -T {dir}"],
        differs: Some(
            "/proc gives ENOENT instead (connect/no-such-file): a name that it does not have \
             cannot be made there.",
        ),
        documents: &[Document::Unix7, Document::Man("mknod(2)")],
        class: Class::UpFront,
        test: without_sockets,
        confusable: &[],
        provoke: Provoke::Live("as root: bind to a name in /sys"),
    },
    Cause {
        id: "bind/no-space",
        calls: &[at(Call::Bind, 60)],
        sockets: Sockets::UNIX,
        shows: &[
            fails(LINUX, Errno::ENOSPC, Evidence::Measured),
            fails(BSDS, Errno::ENOSPC, Evidence::Source),
            fails(OPENSERVER, Errno::ENOSPC, Evidence::Inferred),
        ],
        title: "the file system has no inode or no block left",
        happened: "The socket's file needs an inode, and perhaps a block for the directory, and \
                   the file system has none free.",
        why: "A socket file takes an inode like any other. A file system can run out of inodes \
              while df still shows free space.",
        fix: "Remove what fills it (df -i shows inodes), or put the socket elsewhere.",
        commands: &["df -h {dir}", "df -i {dir}"],
        differs: None,
        documents: &[Document::Man("unix(7)"), Document::Man("mknod(2)")],
        class: Class::UpFront,
        test: no_space,
        confusable: &[],
        provoke: Provoke::Live("as root: mount a tmpfs with three inodes, use them up, bind"),
    },
];

/// How the walk to the directory ended, if it broke before the last component.
fn prefix_end<'a>(case: &Case<'a>) -> Option<&'a End> {
    if existing(case).is_some() { None } else { Some(&walk(case)?.end) }
}

fn hidden(case: &Case<'_>) -> Finding {
    if case.call == Call::Bind { look::unless_hidden(case) } else { Finding::Excluded }
}

fn missing_directory(case: &Case<'_>) -> Finding {
    let Some(end) = prefix_end(case) else {
        // For a prediction, one entry that says what is not visible is enough.
        return match look::hidden(case) {
            Some(what) if case.call == Call::Bind => Finding::Unseen(what),
            _ => Finding::Excluded,
        };
    };
    let End::Missing { name, last, link } = end else { return Finding::Excluded };
    let place = walk(case).and_then(|w| w.directory());
    if *last && link.is_none() {
        return match place {
            Some(directory) if directory.removed => Finding::Holds(format!(
                "{} has been removed, and the caller is still in it: no name can be made there",
                show(&directory.path)
            )),
            _ => Finding::Excluded,
        };
    }
    let place = place.map_or_else(|| String::from("the working directory"), |d| show(&d.path));
    let link = link.as_deref().map(|l| format!(", to which the symbolic link {} leads", show(l)));
    Finding::Holds(format!("{place} has no entry {}{}", show(name), link.unwrap_or_default()))
}

fn not_a_directory(case: &Case<'_>) -> Finding {
    let last = walk(case).and_then(|w| w.steps.last());
    match (prefix_end(case), last) {
        (Some(End::NotDirectory), Some(step)) => {
            Finding::Holds(format!("{} is {}", show(&step.path), step.kind.name()))
        }
        (Some(_), _) => Finding::Excluded,
        (None, _) => hidden(case),
    }
}

fn symlink_loop(case: &Case<'_>) -> Finding {
    match prefix_end(case) {
        Some(End::TooManyLinks) => Finding::Holds(String::from(
            "the way to the directory takes more than 40 symbolic links",
        )),
        Some(_) => Finding::Excluded,
        None => hidden(case),
    }
}

/// Applies a test to the directory in which the name is to be made.
fn in_parent(case: &Case<'_>, test: impl FnOnce(&Step) -> Finding) -> Finding {
    match parent(case) {
        Some(directory) => test(directory),
        None => hidden(case),
    }
}

/// What a mount says, for a sentence.
fn mounted(step: &Step) -> String {
    match step.mount.known() {
        Some(mount) => format!(
            "{} is on {} mounted at {}",
            show(&step.path),
            show(mount.fs_type.as_bytes()),
            show(&mount.point)
        ),
        None => show(&step.path),
    }
}

/// For a fact that a prediction does not wait for, and a symptom asks for.
fn if_told(case: &Case<'_>, what: &'static str) -> Finding {
    if case.symptom.is_some() { Finding::Unseen(what) } else { Finding::Excluded }
}

fn read_only(case: &Case<'_>) -> Finding {
    if case.call != Call::Bind {
        return match look::found(case) {
            Some(file) if look::writing_meets_read_only(file) => Finding::Holds(format!(
                "{} and is {}; the file system is read-only",
                mounted(file),
                file.kind.name()
            )),
            Some(file) if matches!(file.kind, FileKind::Regular | FileKind::Directory) => {
                if_told(case, "whether the file system itself is read-only")
            }
            Some(_) => Finding::Excluded,
            None => look::unless_hidden(case),
        };
    }
    in_parent(case, |directory| match directory.mount.known() {
        Some(mount) if mount.read_only => {
            Finding::Holds(format!("{}, which is read-only", mounted(directory)))
        }
        Some(_) => Finding::Excluded,
        None => if_told(case, "the mount that the directory is on"),
    })
}

fn immutable_directory(case: &Case<'_>) -> Finding {
    in_parent(case, |directory| match directory.immutable.known() {
        Some(true) => Finding::Holds(format!("{} has the immutable flag", show(&directory.path))),
        Some(false) => Finding::Excluded,
        None => if_told(case, "the immutable flag of the directory"),
    })
}

fn no_write_permission(case: &Case<'_>) -> Finding {
    let (step, want) = match (prefix_end(case), walk(case).and_then(|w| w.steps.last())) {
        (Some(End::NoSearch), Some(step)) => (step, Want::Search),
        _ => match parent(case) {
            Some(directory) => (directory, Want::Write),
            None => return hidden(case),
        },
    };
    match look::may(case, step, want) {
        Verdict::Denied { denial, sure } => look::sure(
            sure,
            format!(
                "{} belongs to uid {} and gid {}: {}",
                show(&step.path),
                step.uid,
                step.gid,
                denial.because
            ),
            "its access control list could not be read",
        ),
        Verdict::Unknown => Finding::Unseen("the ids and groups of the caller"),
        Verdict::Allowed | Verdict::KernelRefuses => Finding::Excluded,
    }
}

/// File systems in whose directories Linux can make no special file.
const WITHOUT_SOCKETS: &[&str] = &[
    "sysfs",
    "cgroup",
    "cgroup2",
    "devpts",
    "debugfs",
    "tracefs",
    "securityfs",
    "configfs",
    "efivarfs",
    "pstore",
    "mqueue",
    "bpf",
    "fusectl",
    "binfmt_misc",
    "vfat",
    "msdos",
    "exfat",
];

fn without_sockets(case: &Case<'_>) -> Finding {
    in_parent(case, |directory| match directory.mount.known() {
        Some(mount) if WITHOUT_SOCKETS.contains(&mount.fs_type.as_str()) => {
            Finding::Holds(format!("{}, which holds no sockets", mounted(directory)))
        }
        Some(_) => Finding::Unobservable("whether the file system can hold sockets"),
        None => if_told(case, "the file system that the directory is on"),
    })
}

fn no_space(case: &Case<'_>) -> Finding {
    in_parent(case, |directory| match look::path(case).and_then(|p| p.space.known()) {
        Some(space) if space.inodes > 0 && space.free_inodes == 0 => Finding::Holds(format!(
            "{}, where all of {} inodes are in use",
            mounted(directory),
            space.inodes
        )),
        Some(space) if space.free_bytes == 0 && case.symptom.is_some() => {
            Finding::Holds(format!("{}, where no byte is free", mounted(directory)))
        }
        Some(_) => Finding::Unobservable("a quota, or space that has been freed since"),
        None => Finding::Unobservable("how much of the file system is in use"),
    })
}
