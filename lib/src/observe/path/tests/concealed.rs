//! Little to see: `/proc` that conceals processes, no `/proc` at all, no free descriptor, a user
//! namespace around the observer; and file systems whose devices are not what `stat` says.

use super::elsewhere::{apart, is_root};
use super::*;
use crate::observe::caller::{ObserveError, UserSpec};
use crate::sys::namespace;
use rustix::mount::MountFlags;
use rustix::process::{Gid, Uid};
use std::process::Command;
use sunpath_core::fact::caller::Ids;

fn drop_ids() {
    let (uid, gid) = (Uid::from_raw(4321), Gid::from_raw(4321));
    rustix::thread::set_thread_groups(&[]).unwrap();
    rustix::thread::set_thread_res_gid(gid, gid, gid).unwrap();
    rustix::thread::set_thread_res_uid(uid, uid, uid).unwrap();
}

/// A process of another user than [`drop_ids`] takes.
struct Other(std::process::Child);

impl Other {
    fn new() -> Other {
        Other(Command::new("sleep").arg("60").spawn().unwrap())
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_concealed_process_exists_but_shows_nothing() {
    if !is_root("to mount /proc") {
        return;
    }
    let other = Other::new();
    apart(|| {
        let flags = MountFlags::empty();
        namespace::mount("proc", "proc", Path::new("/proc"), flags, c"hidepid=2").unwrap();
        drop_ids();
        let view = view(&As::Process(other.0.id())).unwrap();
        for unseen in [view.caller.ids.unseen(), view.caller.root.unseen()] {
            assert!(matches!(unseen, Some(Unseen::Denied { .. })), "{unseen:?}");
        }
        assert!(matches!(walk(b"/etc/passwd", &view).unseen(), Some(Unseen::Denied { .. })));
        let nobody = super::view(&As::Process(i32::MAX as u32)).unwrap_err();
        assert_eq!(nobody, ObserveError::NoSuchProcess(i32::MAX as u32));
        let mine = super::view(&As::Myself).unwrap();
        assert_eq!(mine.caller.ids.known().unwrap().uid, 4321);
    });
}

#[test]
fn the_process_of_another_user_shows_who_it_is_but_not_where() {
    if !is_root("to become another user") {
        return;
    }
    let other = Other::new();
    let look = || {
        drop_ids();
        view(&As::Process(other.0.id())).unwrap()
    };
    let (ids, root, used) = thread::scope(|s| {
        let run = || {
            let view = look();
            (view.caller.ids.clone(), walk(b"/", &view), view.caller.descriptors.clone())
        };
        s.spawn(run).join().unwrap()
    });
    assert_eq!(ids.known().unwrap().uid, 0);
    let why = root.unseen().map(ToString::to_string).unwrap_or_default();
    assert!(why.contains("EACCES") && why.contains("CAP_SYS_PTRACE"), "{root:?}");
    assert!(used.known().is_some() || matches!(used.unseen(), Some(Unseen::Denied { .. })));
}

#[test]
fn without_proc_the_calls_still_tell_who_calls() {
    if !is_root("to hide /proc") {
        return;
    }
    let dir = Temporary::new();
    let _listener = UnixListener::bind(dir.join("s")).unwrap();
    let with = view(&As::Myself).unwrap().caller;
    apart(|| {
        let flags = MountFlags::empty();
        namespace::mount("tmpfs", "none", Path::new("/proc"), flags, c"").unwrap();
        let view = view(&As::Myself).unwrap();
        assert_eq!(view.caller.ids, with.ids);
        assert_eq!(view.caller.capabilities, with.capabilities);
        let walk = walk(&bytes(dir.join("s")), &view).known().unwrap().clone();
        assert_eq!(walk.end, End::Found);
        let step = walk.steps.last().unwrap();
        assert_eq!(step.kernel_allows, Seen::Known(true));
        assert!(matches!(step.mount.unseen(), Some(Unseen::Absent { .. })));
        assert!(matches!(step.acl.unseen(), Some(Unseen::Absent { .. })));
        assert_eq!(super::view(&As::Process(1)).unwrap_err(), ObserveError::NoProc);
        let root = super::view(&As::User(UserSpec::Id(0))).unwrap();
        assert!(super::walk(b"/", &root).known().is_some());
    });
}

/// Runs this test again in a process of its own, by a command that ends with its arguments; the
/// process finds `SUNPATH_INSIDE` set.
fn again(command: &mut Command, test: &str) -> Option<std::process::Output> {
    command.arg(std::env::current_exe().ok()?).args(["--exact", test, "--nocapture"]);
    command.env("SUNPATH_INSIDE", "1").output().ok()
}

fn is_inside() -> bool {
    std::env::var_os("SUNPATH_INSIDE").is_some()
}

/// Fails as the process did.
fn passed(output: &std::process::Output) {
    let text = String::from_utf8_lossy(&output.stderr);
    let out = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && out.contains("1 passed"), "{out}{text}");
}

#[test]
fn inside_a_user_namespace_its_ids_are_meant() {
    if is_inside() {
        let view = view(&As::Myself).unwrap();
        let namespace = view.caller.user_namespace.known().unwrap();
        assert!(!namespace.initial);
        let dir = Temporary::new();
        let mine = walked(dir.join("")).steps.pop().unwrap();
        assert_eq!((mine.uid, mine.gid), (0, 0));
        assert!(namespace.maps(mine.uid, mine.gid), "{namespace:?}");
        let of_root = walked("/proc/1").steps.pop().unwrap();
        assert!(!namespace.maps(of_root.uid, of_root.gid), "{namespace:?} {of_root:?}");
        return;
    }
    // Not root, whose files would be mapped.
    let mut command = Command::new("unshare");
    if rustix::process::geteuid().is_root() {
        command = Command::new("setpriv");
        command.args(["--reuid=4321", "--regid=4321", "--clear-groups", "unshare"]);
    }
    let test = "observe::path::tests::concealed::inside_a_user_namespace_its_ids_are_meant";
    match again(command.args(["-Ur"]), test) {
        Some(output) if String::from_utf8_lossy(&output.stderr).contains("unshare failed") => {
            eprintln!("skipped: user namespaces are not allowed here");
        }
        // The directory of the build may be closed to other users.
        Some(output) if matches!(output.status.code(), Some(126 | 127)) => {
            eprintln!("skipped: this program cannot be run by another user");
        }
        Some(output) => passed(&output),
        None => eprintln!("skipped: unshare(1) or setpriv(1) is missing"),
    }
}

#[test]
fn without_a_free_descriptor_nothing_is_claimed() {
    if is_inside() {
        let path = std::env::current_exe().unwrap();
        let calm = view(&As::Myself).unwrap();
        let files: Vec<_> = std::iter::from_fn(|| fs::File::open("/").ok()).take(1 << 20).collect();
        let full = view(&As::Myself).unwrap();
        let walk = walk(&bytes(path), &calm);
        drop(files);
        assert!(full.caller.descriptors.known().unwrap().is_full());
        let end = &walk.known().unwrap().end;
        assert!(matches!(end, End::Hidden { errno: Some(sunpath_core::Errno::EMFILE) }), "{end:?}");
        return;
    }
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 64; exec \"$0\" \"$@\""]);
    let test = "observe::path::tests::concealed::without_a_free_descriptor_nothing_is_claimed";
    passed(&again(&mut command, test).unwrap());
}

#[test]
fn a_file_system_is_known_by_its_own_device() {
    if !is_root("to mount") {
        return;
    }
    let dir = Temporary::new();
    let path = dir.join("top/merged/s");
    for name in ["low", "top"] {
        fs::create_dir(dir.join(name)).unwrap();
    }
    apart(|| {
        let mount = |kind, target: &Path, data: &str| {
            let data = std::ffi::CString::new(data).unwrap();
            namespace::mount(kind, "none", target, MountFlags::empty(), &data)
        };
        mount("tmpfs", &dir.join("top"), "").unwrap();
        for name in ["upper", "work", "merged"] {
            fs::create_dir(dir.join("top").join(name)).unwrap();
        }
        let at = |name| dir.join(name).display().to_string();
        let options = format!(
            "lowerdir={},upperdir={},workdir={},xino=off",
            at("low"),
            at("top/upper"),
            at("top/work")
        );
        if let Err(errno) = mount("overlay", &dir.join("top/merged"), &options) {
            eprintln!("skipped: no overlay of two file systems: {errno}");
            return;
        }
        let _listener = UnixListener::bind(&path).unwrap();
        let device = fs::symlink_metadata(&path).unwrap().dev();
        let stat = u64::from(libc::major(device)) << 32 | u64::from(libc::minor(device));
        let step = walked(&path).steps.pop().unwrap();
        assert_ne!(step.file.device, stat, "the layers are on one file system");
        let nobody = As::User(UserSpec::Ids(Ids { uid: 4321, gid: 4321, groups: vec![] }));
        for caller in [As::Myself, nobody] {
            let endpoint = sunpath_core::Endpoint::Unix(sunpath_core::Address::Path(bytes(&path)));
            let mut query = crate::observe::Query::new(
                sunpath_core::Call::Connect,
                sunpath_core::SocketType::Stream,
                endpoint,
            );
            query.caller = caller;
            let facts = crate::observe::observe(&query).unwrap();
            let attached = facts.path().unwrap().attached.known().unwrap();
            assert_eq!(attached.len(), 1, "{attached:?}");
        }
    });
}
