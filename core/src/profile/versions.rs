//! What was otherwise in earlier versions of Linux.

use super::{Cell, Inherited, LINUX, Profile, Urgent};
use crate::op::Opt;

/// The rules of a version of Linux: those of [`LINUX`], with what changed since taken back. Versions
/// before 5.4 are treated as that one, later ones than 6.18 as 6.18.
///
/// | since | |
/// |---|---|
/// | 6.17 | `SO_INQ` |
/// | 6.16 | `SO_PASSRIGHTS`; descriptors for processes that were waited for; connections get their listener's wishes (`SO_PASSCRED` and its kin) when a client connects, not when they are accepted |
/// | 6.5 | `SO_PASSPIDFD`, `SO_PEERPIDFD` |
/// | 5.15 | `MSG_OOB` |
///
/// ```
/// use sunpath_core::op::Opt;
/// use sunpath_core::profile::{LINUX, linux};
///
/// assert_eq!(linux(6, 18), LINUX);
/// assert!(linux(6, 1).options.absent.contains(&Opt::PassPidfd));
/// ```
pub fn linux(major: u32, minor: u32) -> Profile {
    let before = |version: (u32, u32)| (major, minor) < version;
    let mut rules = LINUX;
    if before((6, 17)) {
        const ABSENT: &[Opt] = &[Opt::Inq];
        rules.options.absent = Cell::source(ABSENT, "6.17: unix_setsockopt, SO_INQ");
    }
    if before((6, 16)) {
        const ABSENT: &[Opt] = &[Opt::Inq, Opt::PassRights];
        rules.options.absent = Cell::source(ABSENT, "6.16: sk_setsockopt, SO_PASSRIGHTS");
        rules.ancillary.pidfd_of_reaped = Cell::source(false, "6.16: pidfs_register_pid");
        rules.connection.wishes_inherited =
            Cell::source(Inherited::WithAccept, "6.16: unix_stream_connect, sk_scm_recv_flags");
    }
    if before((6, 5)) {
        const ABSENT: &[Opt] = &[Opt::Inq, Opt::PassRights, Opt::PassPidfd, Opt::PeerPidfd];
        rules.options.absent = Cell::source(ABSENT, "6.5: sk_setsockopt, SO_PASSPIDFD");
    }
    if before((5, 15)) {
        rules.transfer.urgent = Cell::source(Urgent::NotYet, "5.15: unix_stream_sendmsg");
    }
    rules
}
