//! The path may not be walked, or the socket not written to: `EACCES`, `EPERM`.

use crate::case::{Case, Finding};
use crate::cause::build::*;
use crate::cause::look::{self, Verdict, show};
use crate::cause::{Cause, Class, Document, Evidence, Provoke, Rule};
use crate::fact::path::{End, Step};
use crate::fact::permission::{Class as ModeClass, Denial, Want};
use crate::{Call, Errno, Sockets};
use alloc::format;
use alloc::string::String;

const DENIED: &[Rule] = &[
    fails(LINUX, Errno::EACCES, Evidence::Measured),
    fails(BSDS, Errno::EACCES, Evidence::Source),
    fails(OPENSERVER, Errno::EACCES, Evidence::Inferred),
];

/// The entries of this file.
pub(in crate::cause) const CAUSES: &[Cause] = &[
    Cause {
        id: "connect/no-search-permission",
        calls: &[at(Call::Connect, 40), at(Call::Send, 40)],
        sockets: Sockets::UNIX,
        shows: DENIED,
        title: "a directory on the way may not be searched by the caller",
        happened: "The caller lacks x (search) permission on a directory that the path goes \
                   through. Whether the socket exists was not even looked at.",
        why: "Each directory on the way is checked for x, whatever the mode of the socket says. \
              Reading a directory (r) is another right and does not help.",
        fix: "Give the caller x on the directory: by its group, by an access control list, or, \
              if its contents may be reached by all, with o+x.",
        commands: &["namei -l {path}", "setfacl -m u:{user}:x {file}", "chmod o+x {file}"],
        differs: None,
        documents: &[
            Document::BsdConnect2,
            Document::Posix("connect"),
            Document::Man("connect(2)"),
            Document::Man("path_resolution(7)"),
        ],
        class: Class::UpFront,
        test: no_search_permission,
        confusable: &["connect/security-module"],
        provoke: Provoke::Live("as an ordinary user: connect through a directory of mode 0666"),
    },
    Cause {
        id: "connect/no-write-permission",
        calls: &[at(Call::Connect, 51), at(Call::Send, 51)],
        sockets: Sockets::UNIX,
        shows: DENIED,
        title: "the caller may not write to the socket file",
        happened: "The path leads to a file on which the caller has no w permission. To connect \
                   is to write.",
        why: "Linux asks for write permission on the socket's file, for connect and for every \
              send to an address; r and x do not matter. The first class that fits the caller \
              (owner, group, others) decides alone, even if a later one would allow it. \
              Connections that exist are not affected by a later chmod.",
        fix: "Make the caller a member of the socket's group, or have the server make the socket \
              with a mode that lets the caller in (SocketMode=, a umask before bind). Membership \
              grants all that the group may do, not this socket only, and counts in new sessions \
              alone: those that run keep the groups they have. An access control list that \
              setfacl puts on the socket is lost when the server binds anew, because that makes \
              another file.",
        commands: &["usermod -aG {group} {user}", "setfacl -m u:{user}:rw {path}"],
        differs: None,
        documents: &[
            Document::BsdConnect2,
            Document::Posix("connect"),
            Document::Man("connect(2)"),
            Document::Man("unix(7)"),
        ],
        class: Class::UpFront,
        test: no_write_permission,
        confusable: &["connect/security-module"],
        provoke: Provoke::Live("as an ordinary user: connect to a live socket of mode 0555"),
    },
    Cause {
        id: "connect/group-not-in-credentials",
        calls: &[at(Call::Connect, 41), at(Call::Send, 41)],
        sockets: Sockets::UNIX,
        shows: DENIED,
        title: "the user is in the group, but this process is not",
        happened: "The file would let the caller in through its group. The group database lists \
                   the user as a member, but the calling process does not carry the group.",
        why: "A process gets its groups at login and hands them down. Adding the user to a group \
              changes the database, and no process that already runs: not the shell, and not the \
              desktop session that starts new shells.",
        fix: "Log out and in again (all of the session: also systemd --user, tmux or a desktop), \
              restart the service, or start one command with the group.",
        commands: &["sg {group} -c 'exec \"$SHELL\"'", "id {user}"],
        differs: None,
        documents: &[Document::Man("credentials(7)"), Document::Man("initgroups(3)")],
        class: Class::UpFront,
        test: group_not_in_credentials,
        confusable: &[],
        provoke: Provoke::Live(
            "as root: a socket of mode 0660 whose group lists the user; connect without that group",
        ),
    },
    Cause {
        id: "connect/user-namespace",
        calls: &[at(Call::Connect, 41), at(Call::Send, 41)],
        sockets: Sockets::UNIX,
        shows: &[
            fails(LINUX, Errno::EACCES, Evidence::Measured),
            never(NOT_LINUX, Evidence::Source),
        ],
        title: "the caller is root only inside a user namespace",
        happened: "The caller has the capability to override file modes, but only in a user \
                   namespace in which the owner or group of the file has no id.",
        why: "Capabilities count for files whose owner and group both exist in the namespace. To \
              root of a rootless container, the files of the real root belong to nobody.",
        fix: "Share a socket whose owner is mapped into the namespace, or that others may write \
              to; or map the owner's id into the namespace.",
        commands: &["cat /proc/self/uid_map", "ls -lan {path}"],
        differs: None,
        documents: &[Document::Man("user_namespaces(7)"), Document::Man("capabilities(7)")],
        class: Class::UpFront,
        test: user_namespace,
        confusable: &[],
        provoke: Provoke::Live(
            "unshare the user namespace, become root in it, connect to the real root's 0660 socket",
        ),
    },
    Cause {
        id: "connect/protected-symlink",
        calls: &[at(Call::Connect, 41), at(Call::Send, 41)],
        sockets: Sockets::UNIX,
        shows: &[
            fails(LINUX, Errno::EACCES, Evidence::Measured),
            never(NOT_LINUX, Evidence::Inferred),
        ],
        title: "a protected symbolic link may not be followed",
        happened: "The last component of the path is a symbolic link in a directory that is \
                   sticky and writable by all (such as /tmp), and it belongs neither to the \
                   caller nor to the owner of the directory.",
        why: "With fs.protected_symlinks on, Linux does not follow such links, for root neither: \
              an attacker could have planted them.",
        fix: "Use the real path of the socket, or let the owner of the directory or the caller \
              make the link.",
        commands: &["readlink {file}", "sysctl fs.protected_symlinks"],
        differs: None,
        documents: &[Document::Man("proc_sys_fs(5)")],
        class: Class::UpFront,
        test: protected_symlink,
        confusable: &[],
        provoke: Provoke::Live(
            "as root: fs.protected_symlinks on, another user's link in a directory of mode 1777",
        ),
    },
];

/// What denies the caller the way to the file, or writing to it.
struct Barrier<'a> {
    step: &'a Step,
    want: Want,
    denial: Denial,
    sure: bool,
}

/// The directory that may not be searched, or the file that may not be written to.
fn barrier<'a>(case: &Case<'a>) -> Result<Barrier<'a>, Finding> {
    let Some(walk) = look::walk(case) else { return Err(look::unless_hidden(case)) };
    let want = match walk.end {
        End::NoSearch => Want::Search,
        End::Found => Want::Write,
        _ => return Err(Finding::Excluded),
    };
    let Some(step) = walk.steps.last() else { return Err(Finding::Excluded) };
    match look::may(case, step, want) {
        Verdict::Denied { denial, sure } => Ok(Barrier { step, want, denial, sure }),
        Verdict::Unknown => Err(Finding::Unseen("the ids and groups of the caller")),
        Verdict::Allowed | Verdict::KernelRefuses => Err(Finding::Excluded),
    }
}

/// The group that the caller's account has, its process lacks, and that would open the barrier.
fn missing_group(case: &Case<'_>, barrier: &Barrier<'_>) -> Option<String> {
    let bit = if barrier.want == Want::Write { 0o20 } else { 0o10 };
    let opens = barrier.step.mode & bit != 0 && barrier.denial.class == ModeClass::Other;
    if !opens || barrier.step.acl.is(|acl| acl.is_some()) {
        return None;
    }
    let ids = case.facts.caller.ids.known()?;
    let groups = case.facts.caller.account_groups.known()?;
    let gid = barrier.step.gid;
    let group = groups.iter().find(|g| g.gid == gid && !ids.in_group(gid))?;
    Some(format!("{} (gid {gid})", show(group.name.as_bytes())))
}

/// Whether the barrier has a more precise name than the missing bit.
fn has_precise_reason(case: &Case<'_>, barrier: &Barrier<'_>) -> bool {
    barrier.denial.capability_out_of_reach || missing_group(case, barrier).is_some()
}

fn finding(case: &Case<'_>, barrier: &Barrier<'_>) -> Finding {
    let step = barrier.step;
    let because = format!(
        "{} is {} owned by {}: {}; the caller is {}",
        show(&step.path),
        step.kind.name(),
        ownership(step),
        barrier.denial.because,
        caller(case)
    );
    look::sure(barrier.sure, because, "its access control list could not be read")
}

/// `root:adm`, by number where a name is not known.
fn ownership(step: &Step) -> String {
    let name = |known: &Option<String>, id: u32| match known {
        Some(name) => show(name.as_bytes()),
        None => format!("{id}"),
    };
    format!("{}:{}", name(&step.owner_name, step.uid), name(&step.group_name, step.gid))
}

/// `uid 1000 with the groups 1000, 27`.
fn caller(case: &Case<'_>) -> String {
    let Some(ids) = case.facts.caller.ids.known() else { return String::from("not known") };
    let mut text = format!("uid {} in group {}", ids.uid, ids.gid);
    for group in ids.groups.iter().filter(|g| **g != ids.gid).take(32) {
        text.push_str(&format!(", {group}"));
    }
    text
}

fn no_search_permission(case: &Case<'_>) -> Finding {
    match barrier(case) {
        Ok(b) if b.want == Want::Search && !has_precise_reason(case, &b) => finding(case, &b),
        Err(unseen @ Finding::Unseen(_)) if searching(case) => unseen,
        Err(_) => private_mount(case),
        _ => Finding::Excluded,
    }
}

/// FUSE lets nobody but the user who mounted a file system into it, unless it was told otherwise.
fn private_mount(case: &Case<'_>) -> Finding {
    let step = look::walk(case).filter(|w| w.end == End::NoSearch).and_then(|w| w.steps.last());
    let fuse = step.and_then(|s| Some((s, s.mount.known()?)));
    match fuse.filter(|(_, mount)| mount.fs_type.starts_with("fuse")) {
        Some((step, mount)) => Finding::Holds(format!(
            "{} is on {} mounted at {}, which admits only the user who mounted it (it was \
             mounted without allow_other); the caller is {}",
            show(&step.path),
            show(mount.fs_type.as_bytes()),
            show(&mount.point),
            caller(case)
        )),
        None => Finding::Excluded,
    }
}

fn no_write_permission(case: &Case<'_>) -> Finding {
    match barrier(case) {
        Ok(b) if b.want == Want::Write && !has_precise_reason(case, &b) => finding(case, &b),
        Err(unseen @ Finding::Unseen(_)) if !searching(case) => unseen,
        _ => Finding::Excluded,
    }
}

fn searching(case: &Case<'_>) -> bool {
    look::walk(case).is_some_and(|w| w.end == End::NoSearch)
}

fn group_not_in_credentials(case: &Case<'_>) -> Finding {
    let Ok(barrier) = barrier(case) else { return Finding::Excluded };
    if barrier.denial.capability_out_of_reach {
        return Finding::Excluded;
    }
    match missing_group(case, &barrier) {
        Some(group) => Finding::Holds(format!(
            "{} has mode {:04o} and group {group}; the group database puts the user into that \
             group, but the caller is {}",
            show(&barrier.step.path),
            barrier.step.mode,
            caller(case)
        )),
        None => Finding::Excluded,
    }
}

fn user_namespace(case: &Case<'_>) -> Finding {
    match barrier(case) {
        Ok(b) if b.denial.capability_out_of_reach => Finding::Holds(format!(
            "{} is owned by uid {} and gid {}, which have no id in the caller's user namespace, \
             and {}",
            show(&b.step.path),
            b.step.uid,
            b.step.gid,
            b.denial.because
        )),
        _ => Finding::Excluded,
    }
}

fn protected_symlink(case: &Case<'_>) -> Finding {
    let Some(walk) = look::walk(case) else { return look::unless_hidden(case) };
    let link = walk.steps.last().filter(|_| walk.end == End::ProtectedLink);
    match link {
        Some(link) => Finding::Holds(format!(
            "fs.protected_symlinks is on, and the link {} belongs to uid {}, which is neither \
             the caller's nor that of the owner of its sticky directory",
            show(&link.path),
            link.uid
        )),
        None => Finding::Excluded,
    }
}
