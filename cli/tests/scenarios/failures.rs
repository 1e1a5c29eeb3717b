//! One test for each everyday failure and each way to look at it.

use crate::roles::{Role, ask, gist};
use serde_json::Value;
use std::process::Command;

/// What must be said first, and how surely.
struct Expected {
    id: &'static str,
    certainty: &'static str,
}

const fn certain(id: &'static str) -> Expected {
    Expected { id, certainty: "certain" }
}

/// The kernel hides what would make it certain; `_why` says what.
const fn likely(id: &'static str, _why: &'static str) -> Expected {
    Expected { id, certainty: "likely" }
}

/// Certain where every process that may hold the server's socket could be looked into.
const fn by_owners(id: &'static str) -> Expected {
    Expected { id, certainty: BY_OWNERS }
}

const BY_OWNERS: &str = "by owners";

impl Expected {
    fn certainty(&self, answer: &Value) -> &'static str {
        let all = answer["facts"]["target"]["attached"][0]["all_owners"] == true;
        match self.certainty {
            BY_OWNERS if all => "certain",
            BY_OWNERS => "likely",
            fixed => fixed,
        }
    }
}

fn check(role: Role, scene: &str, arguments: &[&str], expected: &Expected) {
    let Some(answer) = ask(role, scene, arguments) else { return };
    let first = &answer["causes"][0];
    assert_eq!(first["id"], expected.id, "{scene} as {role:?}: {}", gist(&answer));
    let certainty = expected.certainty(&answer);
    assert_eq!(first["certainty"], certainty, "{scene} as {role:?}: {}", gist(&answer));
    let outcome = if expected.id.starts_with("wait/") { "waits" } else { "fails" };
    assert_eq!(answer["outcome"], outcome, "{scene} as {role:?}: {}", gist(&answer));
    assert!(!first["because"].as_str().unwrap_or_default().is_empty());
}

macro_rules! failures {
    ($($name:ident: $scene:literal $arguments:expr => $expected:expr;)*) => {
        $(mod $name {
            use super::*;

            #[test]
            fn to_the_client() {
                check(Role::Client, $scene, &$arguments, &$expected);
            }

            #[test]
            fn to_root_who_looks_on() {
                check(Role::Onlooker, $scene, &$arguments, &$expected);
            }

            #[test]
            fn to_an_ordinary_user() {
                check(Role::User, $scene, &$arguments, &$expected);
            }
        })*
    };
}

failures! {
    no_such_file: "connect/no-such-file" [] => certain("connect/no-such-file");
    missing_directory: "connect/missing-directory" [] => certain("connect/missing-directory");
    dangling_symlink: "connect/dangling-symlink" [] => certain("connect/dangling-symlink");
    not_a_directory: "connect/not-a-directory" [] => certain("connect/not-a-directory");
    no_search: "connect/no-search-permission" [] => certain("connect/no-search-permission");
    no_write: "connect/no-write-permission" [] => certain("connect/no-write-permission");
    group: "connect/group-not-in-credentials" [] => certain("connect/group-not-in-credentials");
    user_namespace: "connect/user-namespace" [] => certain("connect/user-namespace");
    regular_file: "connect/not-a-socket" [] => certain("connect/not-a-socket");
    directory: "connect/not-a-socket/directory" [] => certain("connect/not-a-socket");
    fifo: "connect/not-a-socket/fifo" [] => certain("connect/not-a-socket");
    device: "connect/not-a-socket/device" [] => certain("connect/not-a-socket");
    stale_socket: "connect/stale-socket" [] => certain("connect/stale-socket");
    not_listening: "connect/not-listening" [] => certain("connect/not-listening");
    listener_shut_down: "connect/listener-shut-down" [] => certain("connect/listener-shut-down");
    datagram_server: "connect/wrong-type" [] => certain("connect/wrong-type");
    seqpacket_server: "connect/wrong-type/seqpacket" [] => certain("connect/wrong-type");
    client_does_not_wait: "connect/backlog-full" ["--error", "EAGAIN"] => likely(
        "connect/backlog-full",
        "the caller's timeout, which would explain it too, is in a descriptor not shown to it",
    );
    client_waits: "wait/backlog-full" [] => certain("wait/backlog-full");
    never_accepts: "wait/server-not-accepting" [] => likely(
        "wait/server-not-accepting",
        "what a process will do next cannot be known",
    );
    stopped: "wait/server-stopped" [] => by_owners("wait/server-stopped");
    no_descriptors: "wait/server-out-of-descriptors" [] => by_owners(
        "wait/server-out-of-descriptors"
    );
    path_too_long: "connect/path-too-long" [] => certain("connect/path-too-long");
    symlink_loop: "connect/symlink-loop" [] => certain("connect/symlink-loop");
    abstract_nobody: "connect/abstract-nobody" [] => certain("connect/abstract-nobody");
    other_network: "connect/abstract-other-namespace" [] => certain(
        "connect/abstract-other-namespace"
    );
    padded: "connect/abstract-padded" [] => certain("connect/abstract-padded");
    written_as_path: "connect/abstract-written-as-path" [] => certain(
        "connect/abstract-written-as-path"
    );
    other_mounts: "connect/other-mount-namespace" [] => certain("connect/other-mount-namespace");
    unlinked: "connect/unlinked-live" [] => certain("connect/unlinked-live");
    rebound: "connect/path-rebound" [] => certain("connect/path-rebound");
    stale_mount: "connect/stale-bind-mount" [] => certain("connect/stale-bind-mount");
    overlay: "connect/other-filesystem-view" [] => certain("connect/other-filesystem-view");
    trailing_newline: "connect/stray-whitespace" [] => certain("connect/stray-whitespace");
    lost_slash: "connect/lost-leading-slash" [] => certain("connect/lost-leading-slash");
    family_denied: "connect/family-denied" ["--error", "EAFNOSUPPORT"] => certain(
        "connect/family-denied"
    );
    landlock_scope: "connect/landlock-scope" ["--error", "EPERM"] => likely(
        "connect/landlock-scope",
        "the kernel tells nobody which Landlock rules a process is under",
    );
    protected_symlink: "connect/protected-symlink" [] => certain("connect/protected-symlink");
    dead_fuse: "connect/dead-fuse-mount" [] => certain("connect/dead-fuse-mount");
    bind_stale: "bind/stale-socket" ["--call", "bind"] => certain("bind/stale-socket");
    bind_live: "bind/live-socket" ["--call", "bind"] => certain("bind/live-socket");
    bind_file: "bind/not-a-socket" ["--call", "bind"] => certain("bind/not-a-socket");
    bind_dangling: "bind/dangling-symlink" ["--call", "bind"] => certain("bind/dangling-symlink");
    bind_missing: "bind/missing-directory" ["--call", "bind"] => certain("bind/missing-directory");
    bind_no_write: "bind/no-write-permission" ["--call", "bind"] => certain(
        "bind/no-write-permission"
    );
    bind_read_only: "bind/read-only-filesystem" ["--call", "bind"] => certain(
        "bind/read-only-filesystem"
    );
    bind_no_space: "bind/no-space" ["--call", "bind"] => certain("bind/no-space");
    bind_too_long: "connect/path-too-long" ["--call", "bind"] => certain("connect/path-too-long");
    bind_sysfs: "bind/filesystem-without-sockets" ["--call", "bind"] => certain(
        "bind/filesystem-without-sockets"
    );
    bind_immutable: "bind/immutable-directory" ["--call", "bind"] => certain(
        "bind/immutable-directory"
    );
    stale_link: "connect/stale-socket/symlink" [] => certain("connect/stale-socket");
    stale_datagram: "connect/stale-socket/datagram" ["--type", "datagram"] => certain(
        "connect/stale-socket"
    );
    stale_on_overlay: "connect/stale-socket/overlay" [] => certain("connect/stale-socket");
    bind_stale_on_overlay: "bind/stale-socket/overlay" ["--call", "bind"] => certain(
        "bind/stale-socket"
    );
    alive_elsewhere: "connect/stale-socket/elsewhere-alive" [] => certain("connect/stale-socket");
    unlinked_elsewhere: "connect/unlinked-live/other-network" [] => certain(
        "connect/unlinked-live"
    );
    rebound_elsewhere: "connect/path-rebound/other-network" [] => certain("connect/path-rebound");
    deaf_packets: "connect/not-listening/seqpacket" ["--type", "seqpacket"] => certain(
        "connect/not-listening"
    );
    stopped_and_full: "wait/server-stopped/backlog-full" [] => by_owners("wait/server-stopped");
    unaccepted_packets: "wait/server-not-accepting/seqpacket" ["--type", "seqpacket"] => likely(
        "wait/server-not-accepting",
        "what a process will do next cannot be known",
    );
    bind_abstract: "bind/abstract-in-use" ["--call", "bind"] => certain("bind/abstract-in-use");
}

macro_rules! for_nobody {
    ($($name:ident: $scene:literal $arguments:expr;)*) => {
        $(#[test]
        fn $name() {
            check(Role::ForNobody, $scene, &$arguments, &certain($scene));
        })*
    };
}

for_nobody! {
    root_asks_about_a_directory_that_nobody_may_not_search: "connect/no-search-permission" [];
    root_asks_about_a_socket_that_nobody_may_not_write_to: "connect/no-write-permission" [];
    root_asks_about_a_directory_that_nobody_may_not_write_to:
        "bind/no-write-permission" ["--call", "bind"];
}

/// Failures of a program's own socket have no address that `why` could be asked about.
fn provoked(id: &str) {
    let tool = env!("CARGO_BIN_EXE_sunpath");
    let output = Command::new(tool).args(["conform", "--json", id]).output().expect("run sunpath");
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let cause = &report["causes"][0];
    if cause["result"] == "skipped" {
        eprintln!("skipped: {id}: {}", cause["reason"]);
        return;
    }
    assert_eq!(cause["result"], "as-documented", "{report:#}");
    assert_eq!(cause["certainty"], "certain", "{report:#}");
}

#[test]
fn a_client_without_descriptors() {
    provoked("socket/descriptor-limit");
}

#[test]
fn a_server_that_closed_with_our_data_unread() {
    provoked("recv/peer-closed-with-unread-data");
}

#[test]
fn a_server_that_died_with_us_in_its_backlog() {
    provoked("recv/closed-before-accept");
}
