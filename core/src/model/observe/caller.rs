//! Who makes the call.

use crate::fact::caller::{self, Capabilities, Ids, Seccomp, UserNamespace};
use crate::fact::process::DescriptorUse;
use crate::fact::{self, Seen};
use crate::model::process::Caps;
use crate::model::world::{Caller, World};
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
            capabilities: Seen::Known(capabilities(credentials.caps)),
            user_namespace: Seen::Known(UserNamespace { initial: true, ..Default::default() }),
            account_groups: Seen::Known(Vec::<caller::Group>::new()),
            root: Seen::Known(b"/".to_vec()),
            mount_namespace: Seen::Known(1),
            net_namespace: Seen::Known(process.net.into()),
            seccomp: Seen::Known(Seccomp::Off),
            landlock: Seen::Known(false),
            descriptors: Seen::Known(DescriptorUse { used, limit: process.limit.into() }),
            ..fact::Caller::default()
        }
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
