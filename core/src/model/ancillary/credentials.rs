//! Credentials: what a sender may claim to be, and when a message carries them unasked.

use crate::model::process::{Caps, Process};
use crate::model::socket::SocketId;
use crate::model::stop::{Tried, fail};
use crate::model::world::World;
use crate::op::Ids;
use crate::profile::Claim;

/// What a reader is told of a message whose sender was not recorded.
pub(super) const NOBODY: Ids = Ids { pid: 0, uid: 65534, gid: 65534 };

/// No user and no group has this number.
const NO_ID: u32 = u32::MAX;

/// Whether the process may claim to be this.
pub(super) fn check_claim(
    process: &Process,
    claimed: &Ids,
    exists: impl FnOnce(i32) -> bool,
) -> Tried<Ids> {
    if claimed.uid == NO_ID || claimed.gid == NO_ID {
        return Err(fail("credentials/malformed"));
    }
    let own = &process.credentials;
    let has = |cap| own.caps.contains(cap);
    let permitted = (claimed.pid == process.pid || has(Caps::SYS_ADMIN))
        && (own.users.contains(&claimed.uid) || has(Caps::SETUID))
        && (own.groups.contains(&claimed.gid) || has(Caps::SETGID));
    if !permitted {
        return Err(fail("credentials/not-permitted"));
    }
    if !exists(claimed.pid) {
        return Err(fail("credentials/no-such-process"));
    }
    Ok(*claimed)
}

/// Whether somebody wants to know who sends: the sender, or the receiver. Of an end that nobody
/// has accepted yet, what its owner will want is not known, so it is assumed to.
#[inline]
pub(super) fn wanted(world: &World, from: SocketId, to: SocketId) -> bool {
    let wants = |id: SocketId| {
        let options = &world.sockets[id].options;
        options.pass_credentials || options.pass_pidfd
    };
    match *world.profile.ancillary.credentials {
        Claim::Checked => wants(to) || wants(from) || world.sockets[to].file.is_none(),
        Claim::FilledIn => wants(to),
        Claim::None => false,
    }
}
