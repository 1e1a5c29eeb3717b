//! Something beyond the file modes says no: flags, security modules, filters.

use crate::case::{Case, Finding};
use crate::cause::build::*;
use crate::cause::look::{self, Own, Reached, Verdict, show};
use crate::cause::{Cause, Class, Document, Evidence, Provoke};
use crate::fact::arguments::Family;
use crate::fact::caller::Seccomp;
use crate::fact::path::{End, FileKind, Step, Walk};
use crate::fact::permission::Want;
use crate::{Call, Errno, Sockets, Symptom};
use alloc::format;
use alloc::string::String;

/// The entries of this file.
pub(in crate::cause) const CAUSES: &[Cause] = &[
    Cause {
        id: "connect/family-denied",
        calls: &[at(Call::Socket, 5), at(Call::Socketpair, 5), at(Call::Connect, 5)],
        sockets: Sockets::UNIX,
        shows: &[
            fails(LINUX, Errno::EAFNOSUPPORT, Evidence::Measured),
            never(NOT_LINUX, Evidence::Inferred),
        ],
        title: "a system call filter denies the program UNIX domain sockets",
        happened: "The kernel has UNIX domain sockets, but a seccomp filter of the process \
                   answers for it: socket(AF_UNIX) fails as if the family were not there.",
        why: "RestrictAddressFamilies= and container profiles restrict the families with a \
              filter that returns this error. The program cannot tell the filter from a kernel \
              without the family.",
        fix: "Add AF_UNIX to RestrictAddressFamilies= of the service, or to the profile of the \
              container.",
        commands: &["grep Seccomp /proc/self/status"],
        differs: None,
        documents: &[
            Document::Man("seccomp(2)"),
            Document::Man("systemd.exec(5)"),
            Document::Man("socket(2)"),
        ],
        class: Class::UpFront,
        test: family_denied,
        confusable: &[],
        provoke: Provoke::Live(
            "install a seccomp filter that answers EAFNOSUPPORT for socket(AF_UNIX), call it",
        ),
    },
    Cause {
        id: "connect/immutable",
        calls: &[at(Call::Connect, 50), at(Call::Send, 50)],
        sockets: Sockets::UNIX,
        shows: &[
            fails(LINUX, Errno::EPERM, Evidence::Measured),
            fails(BSDS, Errno::EPERM, Evidence::Inferred),
            never(OPENSERVER, Evidence::Inferred),
        ],
        title: "the socket file is immutable",
        happened: "The file at the path has the immutable flag, so nobody may write to it, root \
                   neither.",
        why: "To connect is to ask for write permission, and the flag is looked at before the \
              modes, and before whether anybody is bound to the file.",
        fix: "Clear the flag. chattr cannot open a socket: clear it on a copy of the directory \
              or remove the file by clearing the flag with debugfs on the unmounted file system.",
        commands: &["lsattr -d {dir}"],
        differs: None,
        documents: &[Document::BsdConnect2, Document::Man("FS_IOC_SETFLAGS(2const)")],
        class: Class::UpFront,
        test: immutable,
        confusable: &[],
        provoke: Provoke::Live(
            "as root: set the flag on a socket's inode in an image with debugfs, mount it, connect",
        ),
    },
    Cause {
        id: "connect/security-module",
        calls: &[at(Call::Connect, 52), at(Call::Send, 52), at(Call::Bind, 52)],
        sockets: Sockets::UNIX,
        shows: &[
            fails(LINUX, Errno::EACCES, Evidence::Measured),
            fails(FREEBSD, Errno::EACCES, Evidence::Inferred),
            fails(MACOS, Errno::EPERM, Evidence::Source),
            never(OPENSERVER, Evidence::Inferred),
        ],
        title: "a security module denies what the file modes allow",
        happened: "Every mode bit and access control list on the way lets the caller pass, and \
                   yet access is denied: by SELinux, AppArmor, Smack, Landlock or their like (or \
                   by the server of a network file system, or by a system call filter).",
        why: "Security modules are asked in addition to the file modes, and can only take rights \
              away. They answer with the same error.",
        fix: "Look for the denial in the audit log, and mend the policy: the label of the socket \
              file, the profile of the program, or the sandbox it was started in.",
        commands: &[
            "ausearch -m AVC,USER_AVC -ts recent",
            "dmesg | grep -i denied",
            "ls -Z {path}",
        ],
        differs: None,
        documents: &[
            Document::Man("selinux(8)"),
            Document::Man("apparmor(7)"),
            Document::Man("landlock(7)"),
        ],
        class: Class::UpFront,
        test: security_module,
        confusable: &[
            "bind/no-write-permission",
            "connect/no-search-permission",
            "connect/no-write-permission",
            "connect/landlock-scope",
        ],
        provoke: Provoke::Live(
            "restrict a process with Landlock so that it may make no sockets, bind",
        ),
    },
    Cause {
        id: "connect/landlock-scope",
        calls: &[at(Call::Connect, 90), at(Call::Send, 90)],
        sockets: Sockets::UNIX,
        shows: &[
            fails(LINUX, Errno::EPERM, Evidence::Measured),
            never(NOT_LINUX, Evidence::Inferred),
        ],
        title: "a Landlock sandbox keeps the caller from abstract names outside of it",
        happened: "The abstract name is bound, but by a process outside of the caller's Landlock \
                   domain, and the domain is scoped to its own abstract sockets.",
        why: "Abstract names have no file whose mode could be checked. Since Linux 6.12 a \
              sandbox can confine them with LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET. The check comes \
              last: a name that is not bound is still refused with ECONNREFUSED.",
        fix: "Connect before entering the sandbox, or pass a connected descriptor into it; or \
              let both processes belong to the same domain; or use a path.",
        commands: &[],
        differs: None,
        documents: &[Document::Man("landlock(7)")],
        class: Class::UpFront,
        test: landlock_scope,
        confusable: &["connect/security-module"],
        provoke: Provoke::Live(
            "restrict a process with the scope flag, connect to an abstract name bound outside",
        ),
    },
];

fn family_denied(case: &Case<'_>) -> Finding {
    let creation = case.facts.arguments.creation;
    if creation.is_some_and(|c| c.family != Family::Unix || c.family_known == Some(false)) {
        return Finding::Excluded;
    }
    match (case.symptom, case.facts.caller.seccomp.known()) {
        (_, Some(Seccomp::Off | Seccomp::Strict)) => Finding::Excluded,
        (None, _) => Finding::Unobservable("what a system call filter allows cannot be read"),
        (Some(_), Some(Seccomp::Filter)) => Finding::Holds(String::from(
            "the caller has a seccomp filter, and the kernel itself never gives this error for \
             UNIX domain sockets",
        )),
        (Some(_), None) => Finding::Unseen("whether the caller has a system call filter"),
    }
}

fn immutable(case: &Case<'_>) -> Finding {
    let Some(file) = look::found(case) else { return look::unless_hidden(case) };
    match file.immutable.known() {
        Some(true) => Finding::Holds(format!("{} has the immutable flag", show(&file.path))),
        Some(false) => Finding::Excluded,
        None if case.symptom.is_some() => Finding::Unseen("the immutable flag of the file"),
        None => Finding::Excluded,
    }
}

/// The security modules that are active, for a sentence.
fn modules(case: &Case<'_>) -> String {
    let label = case.facts.caller.security_label.known();
    let label = label.map(|l| format!("; the caller's label is {}", show(l.as_bytes())));
    let label = label.unwrap_or_default();
    match case.facts.system.security_modules.known() {
        Some(list) if list.is_empty() => format!("no security module is active{label}"),
        Some(list) => format!("active modules: {}{label}", show(list.join(", ").as_bytes())),
        None => format!("which modules are active could not be read{label}"),
    }
}

fn security_module(case: &Case<'_>) -> Finding {
    if case.facts.abstract_name().is_some() {
        return no_file_to_blame(case);
    }
    let Some(walk) = look::walk(case) else { return Finding::Excluded };
    let Some(last) = walk.steps.last() else { return Finding::Excluded };
    if walk.end == (End::Failed { errno: Some(Errno::EACCES) }) {
        return Finding::Suggests(format!(
            "the kernel answers EACCES to a look beyond {}, where no mode denies it; {}",
            show(&last.path),
            modules(case)
        ));
    }
    let verdict = match (&walk.end, case.call) {
        (End::Missing { last: true, .. }, Call::Bind) => both(case, last),
        (_, Call::Bind) => return Finding::Excluded,
        (End::Found, _) => look::may(case, last, Want::Write),
        (End::NoSearch, _) if last.mount.is(|m| m.fs_type.starts_with("fuse")) => {
            return Finding::Excluded;
        }
        (End::NoSearch, _) => look::may(case, last, Want::Search),
        _ => return Finding::Excluded,
    };
    let place = show(&last.path);
    match verdict {
        Verdict::KernelRefuses => Finding::Suggests(format!(
            "the mode {:04o} of {place} lets the caller pass, but the kernel says no when asked; {}",
            last.mode,
            modules(case)
        )),
        Verdict::Allowed if case.symptom.is_some() && bypasses(case, walk) => {
            Finding::Untraced(format!(
                "the caller looked at may override file modes, as root may, and the modes do not \
                 let everybody pass: most likely the program that failed ran as another user; {}",
                modules(case)
            ))
        }
        Verdict::Allowed if case.symptom.is_some() => Finding::Suggests(format!(
            "the mode {:04o} of {place} and everything on the way let the caller pass; {}",
            last.mode,
            modules(case)
        )),
        _ => Finding::Excluded,
    }
}

/// Whether the caller is let through by its rank, where the modes would stop others: then the
/// denial that was seen may well have been that of somebody else. Not if the facts come from the
/// process that failed itself: its own socket was looked at, or its own sandbox.
fn bypasses(case: &Case<'_>, walk: &Walk) -> bool {
    const OTHERS_WRITE: u32 = 0o002;
    const OTHERS_SEARCH: u32 = 0o001;
    let caller = &case.facts.caller;
    if !caller.overrides_modes() || case.facts.own().is_some() || caller.landlock.is(|l| *l) {
        return false;
    }
    let unsearchable =
        |step: &Step| step.kind == FileKind::Directory && step.mode & OTHERS_SEARCH == 0;
    let unwritable = walk.steps.last().is_some_and(|last| last.mode & OTHERS_WRITE == 0);
    unwritable || walk.steps.iter().any(unsearchable)
}

/// May the caller make a name in this directory?
fn both(case: &Case<'_>, directory: &Step) -> Verdict {
    match look::may(case, directory, Want::Write) {
        Verdict::Allowed => look::may(case, directory, Want::Search),
        denied => denied,
    }
}

fn no_file_to_blame(case: &Case<'_>) -> Finding {
    match case.symptom {
        Some(_) => Finding::Suggests(format!(
            "an abstract name has no file whose mode could deny access; {}",
            modules(case)
        )),
        None => Finding::Excluded,
    }
}

fn landlock_scope(case: &Case<'_>) -> Finding {
    if case.facts.abstract_name().is_none() || !matches!(look::reached(case), Reached::Socket(_)) {
        return Finding::Excluded;
    }
    let absent = case.facts.system.security_modules.is(|m| !m.iter().any(|m| m == "landlock"));
    if absent || case.facts.caller.landlock.is(|restricted| !restricted) {
        return Finding::Excluded;
    }
    let eperm = case.symptom == Some(Symptom::Errno(Errno::EPERM));
    let taken = match (look::reached(case), look::own(case)) {
        (Reached::Socket(s), Own::Socket(own)) => s.peer.is_some_and(|p| p != own.inode),
        (Reached::Socket(s), _) => s.peer.is_some(),
        _ => false,
    };
    let filtered = case.facts.caller.seccomp.is(|s| *s != Seccomp::Off);
    match case.facts.caller.landlock.known() {
        Some(_) if eperm && !taken && !filtered => Finding::Holds(String::from(
            "the caller is in a Landlock domain, the name is bound, and nothing else denies \
             access to an abstract name with EPERM",
        )),
        _ if eperm && !taken => Finding::Suggests(String::from(
            "the name is bound, and a sandbox is what denies access to an abstract name with \
             EPERM; that the caller's domain covers abstract names cannot be seen from outside",
        )),
        _ => Finding::Unobservable("whether a Landlock domain covers abstract names"),
    }
}
