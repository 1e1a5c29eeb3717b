//! Who makes the call.

use super::sockets::mount_namespace;
use crate::fact::caller::{Capabilities, Group, IdRange, Ids, Seccomp, UserNamespace};
use crate::fact::process::DescriptorUse;
use crate::fact::{self, Seen};
use crate::model::process::{Caps, Process};
use crate::model::world::{Caller, World};
use alloc::format;
use alloc::vec::Vec;

impl World {
    pub(super) fn caller_facts(&self, caller: Caller) -> fact::Caller {
        let process = &self.processes[caller.process];
        let credentials = &process.credentials;
        let used = process.descriptors.iter().flatten().count() as u64;
        fact::Caller {
            pid: Some(process.pid as u32),
            ids: Seen::Known(Ids {
                uid: credentials.users[1],
                gid: credentials.groups[1],
                groups: credentials.supplementary.clone(),
            }),
            capabilities: Seen::Known(match process.restrictions.user_namespace {
                true => capabilities(Caps::ALL),
                false => capabilities(credentials.caps),
            }),
            user_namespace: Seen::Known(user_namespace(process)),
            account_groups: Seen::Known(self.account_groups(credentials.users[1])),
            root: Seen::Known(b"/".to_vec()),
            mount_namespace: Seen::Known(mount_namespace(process)),
            net_namespace: Seen::Known(process.net.into()),
            seccomp: Seen::Known(match process.restrictions.no_unix {
                true => Seccomp::Filter,
                false => Seccomp::Off,
            }),
            landlock: Seen::Known(process.restrictions.scope.is_some()),
            descriptors: Seen::Known(DescriptorUse { used, limit: process.limit.into() }),
            ..fact::Caller::default()
        }
    }

    fn account_groups(&self, user: u32) -> Vec<Group> {
        let mine = self.environment.members.iter().filter(|(uid, _)| *uid == user);
        mine.map(|(_, gid)| Group { gid: *gid, name: format!("group{gid}") }).collect()
    }
}

/// In a namespace of its own, a process has itself mapped to root and nobody else.
fn user_namespace(process: &Process) -> UserNamespace {
    let own = |outside| alloc::vec![IdRange { inside: 0, outside, count: 1 }];
    match process.restrictions.user_namespace {
        false => UserNamespace { initial: true, ..UserNamespace::default() },
        true => UserNamespace {
            initial: false,
            uid_map: own(process.credentials.users[1]),
            gid_map: own(process.credentials.groups[1]),
        },
    }
}

/// Capabilities under the numbers that Linux gives them.
fn capabilities(caps: Caps) -> Capabilities {
    const NUMBERS: &[(Caps, u32)] = &[
        (Caps::DAC_OVERRIDE, Capabilities::DAC_OVERRIDE),
        (Caps::DAC_READ_SEARCH, Capabilities::DAC_READ_SEARCH),
        (Caps::SETGID, Capabilities::SETGID),
        (Caps::SETUID, Capabilities::SETUID),
        (Caps::NET_ADMIN, Capabilities::NET_ADMIN),
        (Caps::SYS_ADMIN, Capabilities::SYS_ADMIN),
        (Caps::SYS_RESOURCE, Capabilities::SYS_RESOURCE),
    ];
    let held = NUMBERS.iter().filter(|(cap, _)| caps.contains(*cap));
    Capabilities(held.map(|(_, number)| 1 << number).sum())
}
