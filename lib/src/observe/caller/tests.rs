use super::*;
use std::process::Command;
use sunpath_core::fact::caller::Group;

#[test]
fn the_calling_thread_is_as_its_calls_say() {
    let view = view(&As::Myself).unwrap();
    let ids = view.caller.ids.known().unwrap();
    assert_eq!(ids.uid, rustix::process::geteuid().as_raw());
    assert_eq!(ids.gid, rustix::process::getegid().as_raw());
    let mut groups: Vec<_> =
        rustix::process::getgroups().unwrap().iter().map(|g| g.as_raw()).collect();
    groups.sort_unstable();
    let mut seen = ids.groups.clone();
    seen.sort_unstable();
    assert_eq!(seen, groups);
    let sets = rustix::thread::capabilities(None).unwrap();
    assert_eq!(view.caller.capabilities, Seen::Known(Capabilities(sets.effective.bits())));
    assert_eq!(view.caller.pid, Some(std::process::id()));
    assert_eq!(view.caller.root, Seen::Known(b"/".to_vec()));
    let used = view.caller.descriptors.known().unwrap();
    assert!(used.used >= 3 && !used.is_full(), "{used:?}");
}

#[test]
fn a_process_is_as_the_thread_it_is() {
    let mine = view(&As::Myself).unwrap().caller;
    let other = view(&As::Process(std::process::id())).unwrap().caller;
    assert_eq!(mine.ids, other.ids);
    assert_eq!(mine.user_namespace, other.user_namespace);
    assert_eq!(mine.mount_namespace, other.mount_namespace);
    assert_eq!(mine.net_namespace, other.net_namespace);
    assert_eq!(mine.account_groups, other.account_groups);
    assert_eq!(mine.cwd, other.cwd);
}

#[test]
fn who_does_not_exist_is_an_error() {
    let name = |n: &[u8]| As::User(UserSpec::Name(n.to_vec()));
    for (caller, text) in [
        (
            name(b"no such\x1b[31m user"),
            "user \"no such\\x1b[31m user\" is not in the user database",
        ),
        (name(b""), "user \"\" is not in the user database"),
        (name(b"a\0b"), "user \"a\\0b\" is not in the user database"),
        (As::User(UserSpec::Id(3_999_999_999)), "user id 3999999999 is not in the user database"),
        (As::Process(0), "there is no process 0"),
        (As::Process(u32::MAX), "there is no process 4294967295"),
        (As::Process(i32::MAX as u32), "there is no process 2147483647"),
    ] {
        assert_eq!(view(&caller).unwrap_err().to_string(), text);
    }
}

#[test]
fn a_user_has_the_groups_of_the_database() {
    for root in [b"root".as_slice(), b"0"] {
        let view = view(&As::User(UserSpec::Name(root.to_vec()))).unwrap();
        assert_eq!(view.caller.user_name.as_deref(), Some("root"));
        assert_eq!(view.caller.ids.known().unwrap().uid, 0);
        assert_eq!(view.caller.pid, None);
        assert!(view.caller.account_groups.known().unwrap().iter().any(|g| g.gid == 0));
        assert!(view.caller.capabilities.known().unwrap().has(Capabilities::DAC_OVERRIDE));
    }
    let ids = Ids { uid: 4321, gid: 1, groups: vec![2] };
    let view = view(&As::User(UserSpec::Ids(ids.clone()))).unwrap();
    assert_eq!(view.caller.ids, Seen::Known(ids));
    assert_eq!(view.caller.capabilities, Seen::Known(Capabilities(0)));
    assert!(!view.myself);
}

#[test]
fn a_dead_process_is_no_panic() {
    let mut child = Command::new("true").spawn().unwrap();
    let pid = child.id();
    // Wait until it is dead, but do not reap it.
    let number = rustix::process::Pid::from_raw(pid.cast_signed()).unwrap();
    let options = rustix::process::WaitIdOptions::EXITED | rustix::process::WaitIdOptions::NOWAIT;
    rustix::process::waitid(rustix::process::WaitId::Pid(number), options).unwrap();
    let view = view(&As::Process(pid)).unwrap();
    assert!(view.caller.ids.known().is_some());
    assert_eq!(view.caller.root.unseen(), Some(&Unseen::Changed));
    let walk = crate::observe::path::walk(b"/", &view);
    assert_eq!(walk.unseen(), Some(&Unseen::Changed));
    child.wait().unwrap();
    assert_eq!(super::view(&As::Process(pid)).unwrap_err(), ObserveError::NoSuchProcess(pid));
}

#[test]
fn a_process_that_dies_while_it_is_read_is_no_panic() {
    for _ in 0..50 {
        let mut child = Command::new("true").spawn().unwrap();
        if let Ok(view) = view(&As::Process(child.id())) {
            let _ = crate::observe::path::walk(b"/etc/passwd", &view);
        }
        child.wait().unwrap();
    }
}

#[test]
fn groups_have_names() {
    let accounts = Accounts::read();
    let root = accounts.by_id(0).unwrap().unwrap();
    let Group { gid, name } = accounts.groups_of(&root).remove(0);
    assert_eq!(Some(name), accounts.group_name(gid));
}
