//! The kernel's file permission rule, as a pure function with its reason.

use super::Seen;
use super::caller::{Caller, Capabilities, IdRange, Ids};
use super::path::{Acl, FileKind, Step};
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
/// the caller's user namespace. Security modules, and file systems whose servers decide for
/// themselves, are not considered: [`Step::kernel_allows`] knows about them.
///
/// A caller whose capabilities are not known is taken to have those of its user id: all for 0,
/// none for others.
pub fn judge(caller: &Caller, step: &Step, want: Want) -> Seen<Permission> {
    let ids = match &caller.ids {
        Seen::Known(ids) => ids,
        Seen::Unseen(reason) => return Seen::Unseen(reason.clone()),
    };
    let (class, bits) = class_and_bits(ids, step);
    let shown = triplet(bits);
    let gives = match class {
        Class::Owner => format!("mode {:04o} gives the owner {shown}", step.mode),
        Class::Group => format!("mode {:04o} gives its group {shown}", step.mode),
        Class::Other => format!("mode {:04o} gives others {shown}", step.mode),
        Class::Acl => format!("its access control list gives this caller {shown}"),
    };
    if bits & want.bit() != 0 {
        return Seen::Known(Permission::Allowed(gives));
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
        because: format!("{gives}, without {}", want.letter()),
        class,
        capability_out_of_reach: reach == Some(false),
    }))
}

/// What every id is shown as that has none in the observer's user namespace.
const OVERFLOW: u32 = 65_534;

/// Whether caller and file may have the same id only because neither has one in the namespace:
/// then [`judge`] may err.
pub(crate) fn is_ambiguous(caller: &Caller, step: &Step) -> bool {
    let (Some(ids), Some(namespace)) = (caller.ids.known(), caller.user_namespace.known()) else {
        return false;
    };
    if namespace.initial {
        return false;
    }
    let unmapped = |map: &[IdRange]| !map.iter().any(|range| range.has_inside(OVERFLOW));
    let user = ids.uid == OVERFLOW && step.uid == OVERFLOW && unmapped(&namespace.uid_map);
    let group = ids.in_group(OVERFLOW) && step.gid == OVERFLOW && unmapped(&namespace.gid_map);
    user || group
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

/// The class that decides, and its bits. A list counts only if the group's bits of the mode, which
/// show the list's mask, are not all off: with the mask off, the kernel does not even look at it,
/// so that a user named in the list is judged as one of the others.
fn class_and_bits(ids: &Ids, step: &Step) -> (Class, u8) {
    let mode = step.mode;
    if ids.uid == step.uid {
        return (Class::Owner, (mode >> 6 & 7) as u8);
    }
    if let Some(Some(acl)) = step.acl.known()
        && mode & 0o070 != 0
    {
        return match bits_of_list(ids, step.gid, acl) {
            Some(bits) => (Class::Acl, bits),
            None => (Class::Other, (mode & 7) as u8),
        };
    }
    if ids.in_group(step.gid) {
        return (Class::Group, (mode >> 3 & 7) as u8);
    }
    (Class::Other, (mode & 7) as u8)
}

/// What a list gives to these ids; `None` if it does not mention them. Of several groups the
/// caller is in, each gives what it has.
fn bits_of_list(ids: &Ids, owning: u32, acl: &Acl) -> Option<u8> {
    if let Some((_, bits)) = acl.users.iter().find(|(uid, _)| *uid == ids.uid) {
        return Some(bits & acl.mask);
    }
    let groups = acl.groups.iter().copied().chain([(owning, acl.owning_group)]);
    let mine = groups.filter(|(gid, _)| ids.in_group(*gid)).map(|(_, bits)| bits);
    mine.reduce(|all, bits| all | bits).map(|bits| bits & acl.mask)
}

fn triplet(bits: u8) -> String {
    [(4, 'r'), (2, 'w'), (1, 'x')]
        .iter()
        .map(|(bit, letter)| if bits & bit != 0 { *letter } else { '-' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::Unseen;
    use super::super::caller::UserNamespace;
    use super::*;
    use alloc::vec;

    fn caller(uid: u32, gid: u32, groups: &[u32], capabilities: u64) -> Caller {
        Caller {
            ids: Seen::Known(Ids { uid, gid, groups: groups.into() }),
            capabilities: Seen::Known(Capabilities(capabilities)),
            ..Caller::default()
        }
    }

    fn file(mode: u32, kind: FileKind) -> Step {
        let acl = Seen::Known(None);
        Step { kind, mode, uid: 10, gid: 20, acl, ..Step::default() }
    }

    fn allowed(caller: &Caller, step: &Step, want: Want) -> bool {
        matches!(judge(caller, step, want), Seen::Known(Permission::Allowed(_)))
    }

    fn class(caller: &Caller, step: &Step, want: Want) -> Class {
        match judge(caller, step, want) {
            Seen::Known(Permission::Denied(denial)) => denial.class,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_first_class_that_matches_decides() {
        let socket = file(0o077, FileKind::Socket);
        assert_eq!(class(&caller(10, 20, &[], 0), &socket, Want::Write), Class::Owner);
        let socket = file(0o707, FileKind::Socket);
        assert_eq!(class(&caller(1, 2, &[20], 0), &socket, Want::Write), Class::Group);
        assert!(allowed(&caller(1, 2, &[], 0), &socket, Want::Write));
        assert_eq!(
            class(&caller(1, 2, &[], 0), &file(0o775, FileKind::Socket), Want::Write),
            Class::Other
        );
    }

    #[test]
    fn a_list_counts_only_with_a_mask() {
        let mut socket = file(0o670, FileKind::Socket);
        let list = Acl { users: vec![(1, 6)], groups: vec![(3, 6)], owning_group: 4, mask: 7 };
        socket.acl = Seen::Known(Some(list.clone()));
        assert!(allowed(&caller(1, 2, &[], 0), &socket, Want::Write));
        assert!(allowed(&caller(5, 3, &[20], 0), &socket, Want::Write));
        assert_eq!(class(&caller(5, 20, &[], 0), &socket, Want::Write), Class::Acl);
        assert_eq!(class(&caller(5, 6, &[], 0), &socket, Want::Write), Class::Other);

        // With the mask off, whom the list names is judged as one of the others.
        socket.mode = 0o602;
        socket.acl = Seen::Known(Some(Acl { mask: 0, ..list }));
        assert!(allowed(&caller(1, 2, &[], 0), &socket, Want::Write));
        assert_eq!(class(&caller(5, 20, &[], 0), &socket, Want::Write), Class::Group);
    }

    #[test]
    fn capabilities_reach_as_far_as_their_namespace() {
        let socket = file(0o600, FileKind::Socket);
        let all = 1 << Capabilities::DAC_OVERRIDE;
        let mut root = caller(0, 0, &[], all);
        assert!(allowed(&root, &socket, Want::Write));
        let inside = |first, count| IdRange { inside: 0, outside: first, count };
        let namespace =
            |uids, gids| UserNamespace { initial: false, uid_map: vec![uids], gid_map: vec![gids] };
        root.user_namespace = Seen::Known(namespace(inside(10, 1), inside(20, 1)));
        assert!(allowed(&root, &socket, Want::Write));
        root.user_namespace = Seen::Known(namespace(inside(10, 1), inside(21, 1)));
        let Seen::Known(Permission::Denied(denial)) = judge(&root, &socket, Want::Write) else {
            panic!("the group has no id in the namespace");
        };
        assert!(denial.capability_out_of_reach);
    }

    #[test]
    fn reading_rights_open_directories_only_to_search() {
        let reader = caller(1, 2, &[], 1 << Capabilities::DAC_READ_SEARCH);
        assert!(allowed(&reader, &file(0, FileKind::Directory), Want::Search));
        assert!(!allowed(&reader, &file(0, FileKind::Directory), Want::Write));
        assert!(!allowed(&reader, &file(0, FileKind::Socket), Want::Write));
    }

    #[test]
    fn ids_that_nobody_mapped_tell_nothing() {
        let mut caller = caller(OVERFLOW, OVERFLOW, &[], 0);
        let mut step = file(0o700, FileKind::Directory);
        step.uid = OVERFLOW;
        assert!(!is_ambiguous(&caller, &step), "the user nobody itself");
        let unmapped = UserNamespace { initial: false, uid_map: vec![], gid_map: vec![] };
        caller.user_namespace = Seen::Known(unmapped);
        assert!(is_ambiguous(&caller, &step));
        step.uid = 0;
        assert!(!is_ambiguous(&caller, &step));
    }

    #[test]
    fn who_is_unknown_is_not_judged() {
        let nobody = Caller::default();
        let step = file(0o777, FileKind::Socket);
        assert_eq!(judge(&nobody, &step, Want::Write).unseen(), Some(&Unseen::NotLooked));
    }
}
