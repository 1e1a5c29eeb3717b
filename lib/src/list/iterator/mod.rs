//! All descriptors of all processes that are UNIX domain sockets, told by the kernel in one go: a BPF iterator.
//!
//! ```text
//!   /sys/kernel/btf/vmlinux ──► types ──► program ──► kernel, for each descriptor ──► (pid, fd, inode)
//!                                                             for each process    ──► (pid, name, ..)
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

use super::holders::Held;
use super::{Holder, Process};
use crate::fact::process::ProcessState;
use crate::observe::process::in_initial_namespace;
pub(super) use crate::sys::bpf::Types;
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
        Program::by(&Types::map().ok()?)
    }

    /// The same, when it is known where the kernel describes its types.
    pub(super) fn by(types: &Types) -> Option<Program> {
        let layout = types::find(types.bytes())?;
        let program = bpf::load(&program::sockets(&layout)?, layout.iterator).ok()?;
        // The link keeps the program.
        bpf::attach(&program).ok().map(|link| Program { link })
    }

    /// Who holds which UNIX domain socket, at this moment, and what the processes are.
    pub(super) fn told(&self) -> Result<Told, Errno> {
        let output = bpf::iterate(self.link.as_fd())?;
        let mut told = Told::default();
        let mut buffer = [0; BUFFER];
        loop {
            match rustix::io::read(&output, &mut buffer) {
                Ok(0) => return Ok(told),
                // Whole records only: the kernel takes a record back that does not fit.
                Ok(length) => told.add(buffer.get(..length).unwrap_or_default()),
                // A signal came, or a million descriptors in a row were no sockets.
                Err(Errno::INTR | Errno::AGAIN) => {}
                Err(errno) => return Err(errno),
            }
        }
    }
}

/// What the kernel tells.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub held: Vec<Held>,
    pub processes: Processes,
}

impl Told {
    /// Adds what the program has written.
    fn add(&mut self, mut bytes: &[u8]) {
        while let Some((record, rest)) = bytes.split_first_chunk::<{ program::RECORD }>() {
            let inode = word(record, 0);
            if inode == 0 {
                let Some((record, rest)) = bytes.split_first_chunk() else { return };
                self.processes.0.push(*record);
                bytes = rest;
            } else {
                let holder = Holder { pid: word(record, 4), fd: word(record, 8) };
                self.held.push((inode, holder));
                bytes = rest;
            }
        }
    }
}

/// The number of four bytes at this place of a record.
fn word<const N: usize>(record: &[u8; N], at: usize) -> u32 {
    let bytes = record.get(at..).and_then(<[u8]>::first_chunk);
    bytes.copied().map_or(0, u32::from_ne_bytes)
}

/// All processes that have a descriptor 0, whether they hold sockets or not, in the order of their
/// ids.
#[derive(Debug, Default)]
pub(super) struct Processes(Vec<[u8; program::PROCESS_RECORD]>);

/// `TASK_RUNNING`, `TASK_INTERRUPTIBLE`, and that a sleeper may be frozen (`TASK_FREEZABLE`).
const RUNNING: u32 = 0;
const SLEEPING: u32 = 1;
const FREEZABLE: u32 = 0x2000;

impl Processes {
    /// What one of them is. `None`: it was not told, or is in a state that is rare, and better read
    /// from `/proc` than from numbers that are the kernel's own.
    pub(super) fn get(&self, pid: u32) -> Option<Process> {
        let at = self.0.binary_search_by_key(&pid, |record| word(record, 4)).ok()?;
        let record = self.0.get(at)?;
        let state = match word(record, 28) & !FREEZABLE {
            RUNNING => ProcessState::Running,
            SLEEPING => ProcessState::Sleeping,
            _ => return None,
        };
        let name = record.get(8..24)?.split(|byte| *byte == 0).next()?.to_vec();
        Some(Process { pid, name, uid: Some(word(record, 24)), state })
    }
}
