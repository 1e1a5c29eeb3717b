//! The pure rule against the kernel's answer.

use super::super::{acl, look};
use super::*;
use crate::sys::file;
use proptest::prelude::*;
use rustix::fs::{CWD, FileType, Mode, XattrFlags};
use rustix::process::{Gid, Uid};
use rustix::thread::{CapabilitySet, CapabilitySets};
use sunpath_core::fact::caller::Capabilities;
use sunpath_core::fact::path::{Acl, Step};
use sunpath_core::fact::permission::{Permission, Want, judge};

/// A file and who wants to use it. Ids are few, so that they often meet.
#[derive(Debug, Clone)]
struct Situation {
    kind: FileType,
    mode: u32,
    owner: (u32, u32),
    acl: Option<Acl>,
    caller: (u32, u32),
    groups: Vec<u32>,
    capabilities: u64,
}

fn situation() -> impl Strategy<Value = Situation> {
    let id = || 1000u32..1003;
    let bits = || 0u8..8;
    let entries = move || prop::collection::btree_map(id(), bits(), 0..3);
    let list = (entries(), entries(), bits(), bits()).prop_map(|(users, groups, own, mask)| Acl {
        users: users.into_iter().collect(),
        groups: groups.into_iter().collect(),
        owning_group: own,
        mask,
    });
    let kinds = [FileType::Socket, FileType::Directory, FileType::RegularFile, FileType::Fifo];
    let capabilities = prop_oneof![
        4 => Just(0),
        1 => Just(1 << Capabilities::DAC_OVERRIDE),
        1 => Just(1 << Capabilities::DAC_READ_SEARCH),
    ];
    (
        prop::sample::select(kinds.to_vec()),
        0u32..0o1000,
        (id(), id()),
        prop::option::of(list),
        (prop_oneof![Just(0), id()], id()),
        prop::collection::vec(id(), 0..3),
        capabilities,
    )
        .prop_map(|(kind, mode, owner, acl, caller, groups, capabilities)| Situation {
            kind,
            mode,
            owner,
            acl,
            caller,
            groups,
            capabilities,
        })
}

/// Makes the file; false if its file system has no access control lists.
fn make(path: &Path, it: &Situation) -> bool {
    let mode = Mode::from_raw_mode(it.mode);
    match it.kind {
        FileType::Directory => rustix::fs::mkdir(path, mode).unwrap(),
        kind => rustix::fs::mknodat(CWD, path, kind, mode, 0).unwrap(),
    }
    std::os::unix::fs::chown(path, Some(it.owner.0), Some(it.owner.1)).unwrap();
    rustix::fs::chmod(path, mode).unwrap();
    let Some(list) = &it.acl else { return true };
    let bytes = acl::tests::write(list, it.mode);
    match rustix::fs::setxattr(path, acl::NAME, &bytes, XattrFlags::empty()) {
        Err(rustix::io::Errno::OPNOTSUPP) => false,
        answer => {
            answer.unwrap();
            true
        }
    }
}

/// Takes the ids and capabilities, on this thread only.
fn become_caller(it: &Situation) {
    let gid = Gid::from_raw(it.caller.1);
    let uid = Uid::from_raw(it.caller.0);
    let groups: Vec<_> = it.groups.iter().map(|g| Gid::from_raw(*g)).collect();
    let wanted = CapabilitySet::from_bits_retain(it.capabilities);
    let sets = CapabilitySets { effective: wanted, permitted: wanted, inheritable: wanted };
    rustix::thread::set_keep_capabilities(true).unwrap();
    rustix::thread::set_thread_groups(&groups).unwrap();
    rustix::thread::set_thread_res_gid(gid, gid, gid).unwrap();
    rustix::thread::set_thread_res_uid(uid, uid, uid).unwrap();
    rustix::thread::set_capabilities(None, sets).unwrap();
}

/// The file as the caller sees it, and who the caller is by its own view.
fn seen_by_caller(path: &Path, it: &Situation) -> (Step, Caller) {
    let opened = file::open_path(file::WORKING_DIRECTORY, &bytes(path)).unwrap();
    let unseen = Seen::Unseen(Unseen::NotLooked);
    let look = || {
        become_caller(it);
        let seen = look::look(opened.as_fd(), bytes(path), &unseen, true).unwrap();
        (seen.step, view(&As::Myself).unwrap().caller)
    };
    thread::scope(|scope| scope.spawn(look).join().unwrap())
}

#[test]
fn the_rule_is_the_kernels() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: needs root to make files of others");
        return;
    }
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 512,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let outcome = runner.run(&situation(), |it| {
        let dir = Temporary::new();
        let path = dir.join("f");
        if !make(&path, &it) {
            return Err(TestCaseError::reject("no access control lists here"));
        }
        let (step, caller) = seen_by_caller(&path, &it);
        let ids = caller.ids.known().unwrap();
        prop_assert_eq!((ids.uid, ids.gid), it.caller);
        prop_assert_eq!(caller.capabilities.known(), Some(&Capabilities(it.capabilities)));
        let want = if it.kind == FileType::Directory { Want::Search } else { Want::Write };
        let allowed = matches!(judge(&caller, &step, want), Seen::Known(Permission::Allowed(_)));
        prop_assert_eq!(Some(&allowed), step.kernel_allows.known(), "{:?} {:?}", step, caller.ids);
        Ok(())
    });
    outcome.unwrap();
}
