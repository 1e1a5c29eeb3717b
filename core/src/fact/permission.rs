//! The kernel's file permission rule, as a pure function with its reason.

use super::caller::{Caller, Capabilities};
use super::path::{FileKind, Step};
use super::{Seen, Unseen};
use alloc::format;
use alloc::string::String;

/// What a caller wants to do with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// Write: to connect to a socket, or to create a name in a directory.
    Write,
    /// Search a directory.
    Search,
}

impl Want {
    const fn bit(self) -> u8 {
        match self {
            Want::Write => 2,
            Want::Search => 1,
        }
    }

    const fn letter(self) -> char {
        match self {
            Want::Write => 'w',
            Want::Search => 'x',
        }
    }
}

/// The answer, with the rule that gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Permission {
    /// Allowed, by this rule.
    Allowed(String),
    /// Denied, by this rule.
    Denied(Denial),
}

/// Why a permission was denied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// In words, for example `mode 0755 gives "others" r-x, without w`.
    pub because: String,
    /// Which class of the mode decided.
    pub class: Class,
    /// The caller has `CAP_DAC_OVERRIDE`, but only in a user namespace where the file's owner or
    /// group has no id.
    pub capability_out_of_reach: bool,
}

/// The class of the permission bits that applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// The owner's bits.
    Owner,
    /// The group's bits.
    Group,
    /// Everybody else's bits.
    Other,
    /// An entry of the access control list.
    Acl,
}

/// May the caller do this to the file, by mode bits, access control list and capabilities?
///
/// Follows `generic_permission` of Linux: the first class that matches decides, even if a later
/// one would allow more; capabilities count only if the file's owner and group both have an id in
/// the caller's user namespace. Security modules are not considered.
pub fn judge(caller: &Caller, step: &Step, want: Want) -> Seen<Permission> {
    let Some(ids) = caller.ids.known() else {
        return Seen::Unseen(caller.ids.unseen().cloned().unwrap_or(Unseen::NotLooked));
    };
    let (class, bits) = class_and_bits(ids, step);
    let shown = triplet(bits);
    let who = match class {
        Class::Owner => "the owner",
        Class::Group => "its group",
        Class::Other => "others",
        Class::Acl => "this caller by its access control list",
    };
    if bits & want.bit() != 0 {
        return Seen::Known(Permission::Allowed(format!(
            "mode {:04o} gives {who} {shown}",
            step.mode
        )));
    }
    let reach = override_reach(caller, step, want);
    if reach == Some(true) {
        return Seen::Known(Permission::Allowed(String::from(
            "the caller may override file modes",
        )));
    }
    if reach.is_none() && ids.uid == 0 && caller.capabilities.known().is_none() {
        return Seen::Known(Permission::Allowed(String::from("the caller is root")));
    }
    Seen::Known(Permission::Denied(Denial {
        because: format!("mode {:04o} gives {who} {shown}, without {}", step.mode, want.letter()),
        class,
        capability_out_of_reach: reach == Some(false),
    }))
}

/// `None`: no such capability; `Some(false)`: held, but not over this file.
fn override_reach(caller: &Caller, step: &Step, want: Want) -> Option<bool> {
    let capabilities = caller.capabilities.known()?;
    let search = want == Want::Search && step.kind == FileKind::Directory;
    let held = capabilities.has(Capabilities::DAC_OVERRIDE)
        || (search && capabilities.has(Capabilities::DAC_READ_SEARCH));
    if !held {
        return None;
    }
    let mapped = caller.user_namespace.known().is_none_or(|ns| ns.maps(step.uid, step.gid));
    Some(mapped)
}

fn class_and_bits(ids: &super::caller::Ids, step: &Step) -> (Class, u8) {
    let mode = step.mode;
    if ids.uid == step.uid {
        return (Class::Owner, (mode >> 6 & 7) as u8);
    }
    if let Some(Some(acl)) = step.acl.known() {
        if let Some((_, bits)) = acl.users.iter().find(|(uid, _)| *uid == ids.uid) {
            return (Class::Acl, bits & acl.mask);
        }
        let mut in_any = false;
        let mut union = 0;
        if ids.in_group(step.gid) {
            in_any = true;
            union |= acl.owning_group;
        }
        for (gid, bits) in &acl.groups {
            if ids.in_group(*gid) {
                in_any = true;
                union |= bits;
            }
        }
        if in_any {
            return (Class::Acl, union & acl.mask);
        }
        return (Class::Other, (mode & 7) as u8);
    }
    if ids.in_group(step.gid) {
        return (Class::Group, (mode >> 3 & 7) as u8);
    }
    (Class::Other, (mode & 7) as u8)
}

fn triplet(bits: u8) -> String {
    [(4, 'r'), (2, 'w'), (1, 'x')]
        .iter()
        .map(|(bit, letter)| if bits & bit != 0 { *letter } else { '-' })
        .collect()
}
