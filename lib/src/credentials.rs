//! Ids of a process.

pub use crate::sys::option::Credentials;

use std::fs;
use std::sync::OnceLock;

impl Credentials {
    /// Those of this process: its id, and its *effective* user and group, as the kernel records
    /// them when it connects or listens.
    pub fn current() -> Credentials {
        #[cfg(feature = "sim")]
        if let Some(sim) = crate::sim::current() {
            return sim.credentials();
        }
        Credentials {
            pid: std::process::id().cast_signed(),
            uid: rustix::process::geteuid().as_raw(),
            gid: rustix::process::getegid().as_raw(),
        }
    }

    /// The user, if that is certain: what to compare when deciding what a peer may do.
    ///
    /// `None` if the user has no number in this process's user namespace. The kernel then gives
    /// the number `kernel.overflowuid` (65534), which may also be the number of a user, often
    /// `nobody`; where a namespace does not map every id, nobody can tell the two apart, and
    /// this method does not try. `None` too for an id that was never recorded: with a message
    /// that was sent before anybody asked for credentials the kernel gives process 0 and 65534.
    ///
    /// Reads files of `/proc` if the number is 65534; without `/proc` that is `None`.
    pub fn user(&self) -> Option<u32> {
        self.certain(self.uid, "uid")
    }

    /// The group, if that is certain; see [`user`](Credentials::user).
    pub fn group(&self) -> Option<u32> {
        self.certain(self.gid, "gid")
    }

    fn certain(&self, id: u32, what: &str) -> Option<u32> {
        static OVERFLOW: OnceLock<[u32; 2]> = OnceLock::new();
        let [user, group] = OVERFLOW.get_or_init(|| [overflow("uid"), overflow("gid")]);
        let unmapped = if what == "uid" { *user } else { *group };
        // Without a process, nobody may have been recorded at all.
        let known = || self.pid != 0 && maps_every_id(&format!("/proc/self/{what}_map"));
        (id != u32::MAX && (id != unmapped || known())).then_some(id)
    }
}

/// The number that stands for every id without one.
fn overflow(what: &str) -> u32 {
    const USUAL: u32 = 65534;
    let text = fs::read_to_string(format!("/proc/sys/kernel/overflow{what}")).unwrap_or_default();
    text.trim().parse().unwrap_or(USUAL)
}

fn maps_every_id(map: &str) -> bool {
    let text = fs::read_to_string(map).unwrap_or_default();
    let lengths = text.lines().filter_map(|line| line.split_whitespace().nth(2));
    let ids: u64 = lengths.filter_map(|length| length.parse::<u64>().ok()).sum();
    // The last number is no id.
    ids >= u64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(uid: u32, gid: u32) -> Credentials {
        Credentials { pid: 1, uid, gid }
    }

    #[test]
    fn what_was_never_recorded_is_nobody() {
        assert_eq!(of(u32::MAX, 0).user(), None);
        assert_eq!(of(0, u32::MAX).group(), None);
        assert_eq!((of(0, 5).user(), of(0, 5).group()), (Some(0), Some(5)));
    }

    #[test]
    fn the_overflow_id_of_no_process_is_nobody() {
        let (uid, gid) = (overflow("uid"), overflow("gid"));
        let unrecorded = Credentials { pid: 0, uid, gid };
        assert_eq!((unrecorded.user(), unrecorded.group()), (None, None));
        let elsewhere = Credentials { pid: 0, uid: 5, gid: 6 };
        assert_eq!((elsewhere.user(), elsewhere.group()), (Some(5), Some(6)));
    }

    #[test]
    fn the_overflow_id_is_somebody_where_every_id_is_mapped() {
        let all = maps_every_id("/proc/self/uid_map");
        assert_eq!(of(overflow("uid"), 0).user().is_some(), all);
        assert!(!maps_every_id("/nonexistent"));
    }
}
