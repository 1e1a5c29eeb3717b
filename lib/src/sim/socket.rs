//! Simulated sockets as real descriptors.
//!
//! The program owns the writing end of a pipe, the simulation keeps the reading end. So every
//! conversion of the library's types keeps its shape, a descriptor is known again by its inode
//! whatever its number is, also a duplicate, and when the last of them is closed the pipe hangs up:
//! then the model's descriptor is closed. Nothing is ever written to it.

use crate::op::Fd;
use crate::sys::{Errno as Host, Result, libc};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::fstat;
use rustix::pipe::{PipeFlags, pipe_with};
use std::collections::BTreeMap;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// All sockets of a simulation that the program holds.
#[derive(Debug, Default)]
pub(super) struct Sockets {
    by_inode: BTreeMap<u64, Placeholder>,
    made: u64,
}

/// One of them.
#[derive(Debug)]
struct Placeholder {
    kept: OwnedFd,
    /// Its number among all that were made, because inodes come in no certain order.
    number: u64,
    /// The processes that use it, and their descriptors in the model.
    holders: Vec<Holder>,
}

/// A process and its descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Holder {
    pub(super) process: usize,
    pub(super) fd: Fd,
}

impl Sockets {
    /// A descriptor that stands for one of the model's.
    pub(super) fn add(&mut self, holder: Holder) -> Result<OwnedFd> {
        let (inode, kept, given) = placeholder()?;
        self.made += 1;
        let placeholder = Placeholder { kept, number: self.made, holders: vec![holder] };
        self.by_inode.insert(inode, placeholder);
        Ok(given)
    }

    /// Who uses the socket that this descriptor stands for; `None` if it stands for none.
    pub(super) fn holders(&self, inode: u64) -> Option<&[Holder]> {
        self.by_inode.get(&inode).map(|placeholder| &placeholder.holders[..])
    }

    /// One more process uses it.
    pub(super) fn share(&mut self, inode: u64, holder: Holder) {
        if let Some(placeholder) = self.by_inode.get_mut(&inode) {
            placeholder.holders.push(holder);
        }
    }

    /// Takes out those that the program has closed, in the order in which they were made.
    pub(super) fn take_closed(&mut self) -> Vec<Holder> {
        let closed: Vec<u64> = {
            let wanted = PollFlags::empty();
            let ends = self.by_inode.values();
            let mut polled: Vec<_> = ends.map(|p| PollFd::new(&p.kept, wanted)).collect();
            let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
            let found = loop {
                match poll(&mut polled, Some(&at_once)) {
                    Err(Host::INTR) => {}
                    found => break found.unwrap_or(0),
                }
            };
            if found == 0 {
                return Vec::new();
            }
            let inodes = self.by_inode.keys().zip(&polled);
            inodes.filter(|(_, p)| p.revents().contains(PollFlags::HUP)).map(|(i, _)| *i).collect()
        };
        let mut closed: Vec<_> =
            closed.iter().filter_map(|inode| self.by_inode.remove(inode)).collect();
        closed.sort_by_key(|placeholder| placeholder.number);
        closed.into_iter().flat_map(|placeholder| placeholder.holders).collect()
    }

    /// What a process that has died held is not its own any more.
    pub(super) fn forget(&mut self, process: usize) {
        for placeholder in self.by_inode.values_mut() {
            placeholder.holders.retain(|holder| holder.process != process);
        }
    }

    /// The inode and the holders of each socket that is held, in the order in which they were made.
    pub(super) fn held(&self) -> Vec<(u64, Vec<Holder>)> {
        let mut all: Vec<_> = self.by_inode.iter().collect();
        all.sort_by_key(|(_, placeholder)| placeholder.number);
        all.into_iter().map(|(inode, held)| (*inode, held.holders.clone())).collect()
    }
}

/// A new pipe: its inode, the end that is kept, and the one that the program gets.
pub(super) fn placeholder() -> Result<(u64, OwnedFd, OwnedFd)> {
    let (kept, given) = pipe_with(PipeFlags::CLOEXEC)?;
    let inode = inode(given.as_fd()).ok_or(Host::BADF)?;
    Ok((inode, kept, given))
}

/// By which a placeholder is known, if the descriptor is a pipe at all.
pub(super) fn inode(fd: BorrowedFd<'_>) -> Option<u64> {
    let status = fstat(fd).ok()?;
    (status.st_mode & libc::S_IFMT == libc::S_IFIFO).then_some(status.st_ino)
}
