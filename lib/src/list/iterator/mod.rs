//! All descriptors of all processes that are UNIX domain sockets, told by the kernel in one go: a BPF iterator.
//!
//! ```text
//!   /sys/kernel/btf/vmlinux ──► types ──► program ──► kernel, for each descriptor ──► (pid, fd, inode)
//! ```
//! To ask `/proc` for each descriptor costs a system call that walks a path; here it is a few
//! instructions in the kernel. That takes privilege, Linux 6.16, and to be where processes have
//! the numbers that the kernel itself gives them. Where anything is missing, `/proc` is asked: what
//! is found is the same.
//!
//! As in `/proc/PID/fd`, a process's descriptors are those of its first thread. A thread that
//! gave up the common table has others, which neither shows.

mod program;
mod types;

use super::Holder;
use super::holders::Held;
use crate::observe::process::in_initial_namespace;
use crate::sys::{Errno, bpf};
use rustix::fd::{AsFd, OwnedFd};
use rustix::thread::{CapabilitySet, capabilities};

/// A program in the kernel, ready to run. It is gone when this is dropped.
#[derive(Debug)]
pub(super) struct Program {
    link: OwnedFd,
}

/// The kernel gives at most 32 KiB at a time.
const BUFFER: usize = 32 * 1024;

/// Whether it is worth a try: this process has the capabilities that loading takes (the kernel asks
/// for more), and what the program sees is what `/proc` shows.
pub(super) fn may_be_had() -> bool {
    let sets = capabilities(None).map_or(CapabilitySet::empty(), |sets| sets.effective);
    let both = CapabilitySet::BPF | CapabilitySet::PERFMON;
    let allowed = sets.contains(CapabilitySet::SYS_ADMIN) || sets.contains(both);
    allowed && sets.contains(CapabilitySet::SYS_PTRACE) && in_initial_namespace()
}

impl Program {
    /// `None`: the kernel cannot do that, does not allow it, or is not understood.
    pub(super) fn load() -> Option<Program> {
        let types = bpf::Types::map().ok()?;
        let layout = types::find(types.bytes())?;
        let program = bpf::load(&program::sockets(&layout)?, layout.iterator).ok()?;
        // The link keeps the program.
        bpf::attach(&program).ok().map(|link| Program { link })
    }

    /// Who holds which UNIX domain socket, at this moment.
    pub(super) fn held(&self) -> Result<Vec<Held>, Errno> {
        let output = bpf::iterate(self.link.as_fd())?;
        let mut held = Vec::new();
        let mut buffer = [0; BUFFER];
        loop {
            match rustix::io::read(&output, &mut buffer) {
                Ok(0) => return Ok(held),
                // Whole records only: the kernel takes a record back that does not fit.
                Ok(length) => held.extend(records(buffer.get(..length).unwrap_or_default())),
                // A signal came, or a million descriptors in a row were no sockets.
                Err(Errno::INTR | Errno::AGAIN) => {}
                Err(errno) => return Err(errno),
            }
        }
    }
}

/// What the program has written.
fn records(bytes: &[u8]) -> impl Iterator<Item = Held> {
    let (records, _) = bytes.as_chunks::<{ program::RECORD }>();
    records.iter().map(|record| {
        let (numbers, _) = record.as_chunks();
        let number = |at: usize| numbers.get(at).copied().map_or(0, u32::from_ne_bytes);
        (number(0), Holder { pid: number(1), fd: number(2) })
    })
}
