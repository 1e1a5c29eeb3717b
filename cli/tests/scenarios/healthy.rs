//! Sockets that look odd and are well: no false alarm.

use crate::roles::{Role, ask, gist};

fn check(role: Role, scene: &str, arguments: &[&str]) {
    let Some(answer) = ask(role, scene, arguments) else { return };
    assert_eq!(answer["outcome"], "succeeds", "{scene} as {role:?}: {}", gist(&answer));
}

macro_rules! healthy {
    ($($name:ident: $scene:literal $arguments:expr;)*) => {
        $(mod $name {
            use super::*;

            #[test]
            fn to_the_client() {
                check(Role::Client, $scene, &$arguments);
            }

            #[test]
            fn to_root_who_looks_on() {
                check(Role::Onlooker, $scene, &$arguments);
            }

            #[test]
            fn to_an_ordinary_user() {
                check(Role::User, $scene, &$arguments);
            }
        })*
    };
}

healthy! {
    plain: "healthy/plain" [];
    hard_link: "healthy/hard-link" [];
    symlink: "healthy/symlink" [];
    relative_path: "healthy/relative-path" [];
    dot_dot: "healthy/dot-dot" [];
    through_proc: "healthy/through-proc" [];
    spaces_in_name: "healthy/spaces-in-name" [];
    newline_in_name: "healthy/newline-in-name" [];
    longest_path: "healthy/longest-path" [];
    abstract_name: "healthy/abstract" [];
    datagram: "healthy/datagram" ["--type", "datagram"];
    seqpacket: "healthy/seqpacket" ["--type", "seqpacket"];
    other_user: "healthy/other-user" [];
    write_only: "healthy/write-only" [];
    recreated: "healthy/recreated" [];
    draining_queue: "healthy/draining-queue" [];
    nearly_full_backlog: "healthy/nearly-full-backlog" [];
    activated: "healthy/activated" [];
    several_owners: "healthy/several-owners" [];
    waits_in_accept: "healthy/waits-in-accept" [];
    group_access: "healthy/group-access" [];
    passable_directory: "healthy/passable-directory" [];
    bind_mount: "healthy/bind-mount" [];
    read_only_filesystem: "healthy/read-only-filesystem" [];
    renamed: "healthy/renamed" [];
    bound_by_relative_path: "healthy/bound-by-relative-path" [];
    one_worker_stopped: "healthy/one-worker-stopped" [];
    old_connections: "healthy/old-connections" [];
    other_network: "healthy/other-network" [];
    other_mounts: "healthy/other-mounts" [];
    through_root: "healthy/through-root" [];
    overlay: "healthy/overlay" [];
    bind_as_root: "healthy/bind-as-root" ["--call", "bind"];
    bind_fresh: "healthy/bind-fresh" ["--call", "bind"];
}

/// Its new root holds no program that could ask from within.
#[test]
fn a_client_with_another_root() {
    check(Role::Onlooker, "healthy/changed-root", &[]);
}

macro_rules! for_nobody {
    ($($name:ident: $scene:literal;)*) => {
        $(#[test]
        fn $name() {
            check(Role::ForNobody, $scene, &[]);
        })*
    };
}

for_nobody! {
    nobody_may_use_a_socket_that_all_may_write_to: "healthy/other-user";
    nobody_may_use_a_socket_that_nobody_may_read: "healthy/write-only";
    nobody_may_use_a_socket_of_its_group: "healthy/group-access";
    nobody_may_pass_through_a_directory_it_may_not_list: "healthy/passable-directory";
}
