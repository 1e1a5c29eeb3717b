//! Socket activation of a program that has threads already: the test runner's own.

use std::io::{Read, Write};
use sunpath::activation::{Activation, Launcher};
use sunpath::{Address, Listener, Stream};

const STARTED: &str = "SUNPATH_ACTIVATION_STARTED";

/// As a service when it was started as one; otherwise it was not activated.
#[test]
fn service() {
    let activation = Activation::take().unwrap();
    if std::env::var_os(STARTED).is_none() {
        assert!(activation.is_none());
        return;
    }
    let mut activation = activation.expect("it was activated");
    let threads = std::fs::read_dir("/proc/self/task").unwrap().count();
    // Other threads may be reading the environment: it is left as it is.
    assert_eq!(std::env::var_os("LISTEN_FDS").is_some(), threads > 1);
    assert!(Activation::take().unwrap().is_none(), "once only, whatever the environment says");
    let listener = activation.listener("api").unwrap();
    listener.accept().unwrap().write_all(b"ok").unwrap();
}

#[test]
fn a_program_with_threads_is_activated_once() {
    let listener = Listener::bind(Address::Unnamed).unwrap();
    let mut client = Stream::connect(listener.local_addr().unwrap()).unwrap();
    let mut launcher = Launcher::new(std::env::current_exe().unwrap());
    launcher.command().args(["--exact", "service"]).env(STARTED, "yes");
    launcher.command().stdout(std::process::Stdio::null());
    launcher.pass("api", &listener).unwrap();
    let mut child = launcher.spawn().unwrap();
    // Without this copy, the client is told if the service fails.
    drop(listener);
    let mut answer = [0; 2];
    client.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"ok");
    assert!(child.wait().unwrap().success());
}
