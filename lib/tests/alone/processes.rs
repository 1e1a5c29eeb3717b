//! Children, ids and limits.

use crate::is_root;
use rustix::process::Signal;
use std::time::Duration;
use sunpath::SocketType;
use sunpath::sys::Errno;
use sunpath::sys::process::{self, End, PANICKED, fork};
use sunpath::sys::socket::{SocketFlags, socket};

crate::tests! {
    a_child_ends_as_its_closure_says
    a_dropped_child_is_killed_and_reaped
    a_child_can_be_watched_and_killed
    a_process_with_threads_does_not_fork
    ids_are_given_up_for_good
    a_limit_of_descriptors_holds
}

fn a_child_ends_as_its_closure_says() {
    assert_eq!(fork(|| 7).unwrap().wait(), Ok(End::Exited(7)));
    let panicking = fork(|| {
        std::panic::set_hook(Box::new(|_| {}));
        panic!("on purpose")
    });
    assert_eq!(panicking.unwrap().wait(), Ok(End::Exited(PANICKED)));
}

fn sleep() -> i32 {
    std::thread::sleep(Duration::from_secs(60));
    0
}

fn a_dropped_child_is_killed_and_reaped() {
    let child = fork(sleep).unwrap();
    let path = format!("/proc/{}", child.pid());
    assert!(std::fs::exists(&path).unwrap());
    drop(child);
    assert!(!std::fs::exists(&path).unwrap());
}

fn a_child_can_be_watched_and_killed() {
    let mut child = fork(sleep).unwrap();
    assert_eq!(child.try_wait(), Ok(None));
    child.kill(Signal::TERM).unwrap();
    loop {
        if let Some(end) = child.try_wait().unwrap() {
            assert_eq!(end, End::Killed(libc::SIGTERM));
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(child.kill(Signal::TERM), Err(Errno::SRCH));
}

fn a_process_with_threads_does_not_fork() {
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let thread = std::thread::spawn(move || stopped.recv());
    assert_eq!(fork(|| 0).unwrap_err(), Errno::BUSY);
    drop(stop);
    thread.join().unwrap().unwrap_err();
}

fn ids_are_given_up_for_good() {
    if !is_root() {
        assert_eq!(process::become_user(0, 0, &[]), Err(Errno::PERM));
        return;
    }
    process::become_user(65534, 65533, &[4, 5]).unwrap();
    assert_eq!(rustix::process::getuid().as_raw(), 65534);
    assert_eq!(rustix::process::getegid().as_raw(), 65533);
    let groups = rustix::process::getgroups().unwrap();
    assert_eq!(groups.iter().map(|g| g.as_raw()).collect::<Vec<_>>(), [4, 5]);
    assert_eq!(process::become_user(0, 0, &[]), Err(Errno::PERM));
}

fn a_limit_of_descriptors_holds() {
    process::limit_descriptors(3).unwrap();
    assert_eq!(process::descriptor_limit(None), Ok(Some(3)));
    let refused = socket(SocketType::Stream, SocketFlags::empty()).unwrap_err();
    assert_eq!(refused, Errno::MFILE);
}
