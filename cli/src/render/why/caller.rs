//! Who makes the call, where that matters.

use super::Answer;
use crate::render::page::Page;
use crate::render::text::{calm, show};
use sunpath::Errno;
use sunpath::Outcome;
use sunpath::fact::caller::{Caller, Capabilities, Seccomp};

const LABEL: usize = 8;

/// Whether the answer depends on the caller, or was asked for another one.
pub(super) fn matters(answer: &Answer<'_>) -> bool {
    let errno = match answer.diagnosis.outcome {
        Outcome::Fails(errno) => Some(errno),
        _ => None,
    };
    answer.who.is_some() || matches!(errno, Some(Errno::EACCES | Errno::EPERM))
}

/// Its identity and rights.
pub(super) fn write(page: &mut Page, answer: &Answer<'_>) {
    let caller = &answer.facts.caller;
    page.head("Caller");
    let mut who = Vec::new();
    if let Some(name) = &caller.user_name {
        who.push(show(name.as_bytes()));
    }
    if let Some(pid) = caller.pid.filter(|_| answer.who.is_some()) {
        who.push(format!("pid {pid}"));
    }
    match caller.ids.known() {
        Some(ids) => who.push(format!("uid {}, gid {}", ids.uid, ids.gid)),
        None => {
            let why = caller.ids.unseen().map(ToString::to_string).unwrap_or_default();
            who.push(format!("ids not visible ({})", calm(&why)));
        }
    }
    page.field("user", LABEL, &who.join(", "));
    groups(page, caller);
    rights(page, caller);
    let place = |path: &[u8]| path != b"/" && !path.is_empty();
    if let Some(root) = caller.root.known().filter(|r| place(r)) {
        page.field("root", LABEL, &show(root));
    }
}

fn groups(page: &mut Page, caller: &Caller) {
    let Some(ids) = caller.ids.known() else { return };
    let accounts = caller.account_groups.known().map(Vec::as_slice).unwrap_or_default();
    let name = |gid: &u32| match accounts.iter().find(|g| g.gid == *gid) {
        Some(group) => format!("{} ({gid})", show(group.name.as_bytes())),
        None => gid.to_string(),
    };
    if !ids.groups.is_empty() {
        let names: Vec<_> = ids.groups.iter().take(32).map(name).collect();
        page.field("groups", LABEL, &names.join(", "));
    }
    let absent: Vec<_> =
        accounts.iter().filter(|g| !ids.in_group(g.gid)).map(|g| name(&g.gid)).collect();
    if !absent.is_empty() {
        let text = format!("{}: in the group database, but not in this session", absent.join(", "));
        page.field("", LABEL, &text);
    }
}

fn rights(page: &mut Page, caller: &Caller) {
    let held = |caps: &Capabilities| caps.has(Capabilities::DAC_OVERRIDE);
    let scope = match caller.user_namespace.known() {
        Some(ns) if !ns.initial => ", in a user namespace of its own",
        _ => "",
    };
    match caller.capabilities.test(held) {
        Some(true) => page.field("rights", LABEL, &format!("may override file modes{scope}")),
        Some(false) => page.field("rights", LABEL, &format!("bound by file modes{scope}")),
        None => {}
    }
    if caller.seccomp.is(|s| *s != Seccomp::Off) {
        page.field("filter", LABEL, "system calls are filtered (seccomp)");
    }
}
