//! Why ancillary data was dropped. The kernel only says that it was.

use crate::sys::message::Inbox;
use crate::sys::{Errno as Host, lsm, process};
use std::fmt;

/// Ancillary data that was dropped from a message (`recv/descriptors-truncated`), and what may have
/// been the reason. Dropped descriptors are closed; the bytes of the message are all there.
///
/// [recvmsg(2)](https://man7.org/linux/man-pages/man2/recvmsg.2.html)
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Truncation {
    /// How many descriptors the buffer keeps at most.
    pub room: usize,
    /// How many arrived and were kept.
    pub received: usize,
    /// How many descriptors were open in this process when this was asked for; `None` if `/proc`
    /// does not tell.
    pub open: Option<u64>,
    /// The process's soft `RLIMIT_NOFILE`; `None` is unlimited.
    pub limit: Option<u64>,
    /// The reasons that are possible, the likeliest first.
    pub suspects: Vec<Suspect>,
}

/// A reason for which the kernel drops ancillary data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Suspect {
    /// The buffer has not enough room.
    Buffer,
    /// The process had no descriptor number left (`RLIMIT_NOFILE`).
    DescriptorLimit,
    /// A security module did not let the process have a file.
    SecurityModule,
}

impl Truncation {
    /// The id of the cause in the catalogue: `recv/descriptors-truncated`.
    pub fn cause(&self) -> &'static str {
        "recv/descriptors-truncated"
    }

    pub(super) fn of(inbox: &Inbox) -> Truncation {
        let limit = process::descriptor_limit(None).unwrap_or(None);
        let open = open_descriptors(limit);
        let (room, received) = (inbox.most(), inbox.arrived());
        let at_limit = match (open, limit) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(open), Some(limit)) => open >= limit,
        } || inbox.pidfd_failed() == Some(Host::MFILE);
        let mut suspects = Vec::new();
        if received >= room || inbox.is_full() {
            suspects.push(Suspect::Buffer);
        }
        // Where the kernel had room left, it was something else that stopped it.
        if inbox.kernel_stopped() {
            let by_module = modules_check_files().then_some(Suspect::SecurityModule);
            let by_limit = limit.map(|_| Suspect::DescriptorLimit);
            let order = if at_limit { [by_limit, by_module] } else { [by_module, by_limit] };
            suspects.extend(order.into_iter().flatten());
        }
        Truncation { room, received, open, limit, suspects }
    }
}

/// How many descriptors are open; at the limit there is none left to count them with.
fn open_descriptors(limit: Option<u64>) -> Option<u64> {
    match std::fs::read_dir("/proc/self/fd") {
        // One is that of the directory.
        Ok(listing) => Some((listing.count() as u64).saturating_sub(1)),
        Err(error) if error.raw_os_error() == Some(Host::MFILE.raw_os_error()) => limit,
        Err(_) => None,
    }
}

/// Whether a security module that looks at received files is active, or may be.
fn modules_check_files() -> bool {
    const SELINUX: u64 = 101;
    const SMACK: u64 = 102;
    const APPARMOR: u64 = 104;
    const BPF: u64 = 109;
    let check = |id: &u64| [SELINUX, SMACK, APPARMOR, BPF].contains(id);
    lsm::list_modules().map_or(true, |ids| ids.iter().any(check))
}

impl fmt::Display for Suspect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Suspect::Buffer => "the ancillary buffer is too small",
            Suspect::DescriptorLimit => "the limit of open descriptors was reached",
            Suspect::SecurityModule => "a security module refused a file",
        })
    }
}

impl fmt::Display for Truncation {
    /// `ancillary data was dropped: 1 descriptor came, of room for 1; 9 are open, of 1024; the
    /// ancillary buffer is too small`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Truncation { room, received, open, limit, suspects } = self;
        let plural = if *received == 1 { "" } else { "s" };
        write!(
            f,
            "ancillary data was dropped: {received} descriptor{plural} came, of room for {room}"
        )?;
        if let (Some(open), Some(limit)) = (open, limit) {
            write!(f, "; {open} are open, of {limit}")?;
        }
        for (i, suspect) in suspects.iter().enumerate() {
            write!(f, "{}{suspect}", if i == 0 { "; " } else { ", or " })?;
        }
        Ok(())
    }
}
