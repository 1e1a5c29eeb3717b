//! Network namespaces: which there are, and how to get into one.

use super::netlink::Client;
use super::process;
use super::tables::{Table, mark};
use crate::fact::{Seen, Unseen};
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, fstat, openat, readlinkat};
use rustix::io::Errno;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// So many namespaces are looked into at most, and for so long.
const MOST: usize = 512;
const PATIENCE: Duration = Duration::from_secs(1);

/// The tables of other namespaces, and whether those are all there are.
pub(crate) struct Others {
    pub tables: Vec<Table>,
    pub everywhere: Seen<()>,
    /// The files of those that could not be entered and that have no table.
    pub closed: Vec<PathBuf>,
}

/// Runs `work` in a network namespace.
///
/// A thread of its own enters the namespace and ends: the namespace stays with what it opened
/// there, and never with a thread that does something else.
pub(crate) fn within<T: Send + 'static>(
    namespace: OwnedFd,
    work: impl FnOnce() -> Result<T, Errno> + Send + 'static,
) -> Result<T, Errno> {
    let thread = std::thread::Builder::new().spawn(move || {
        move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))?;
        work()
    });
    let result = thread.map_err(|_| Errno::AGAIN)?.join();
    result.unwrap_or(Err(Errno::IO))
}

/// Opens a netlink socket inside a network namespace.
pub(crate) fn client_in(namespace: OwnedFd) -> Result<Client, Errno> {
    within(namespace, Client::sockets)
}

/// Opens the network namespace of a process.
pub(crate) fn of_process(pid: u32) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    openat(CWD, format!("/proc/{pid}/ns/net"), flags, Mode::empty())
}

/// Every network namespace that a process is in or that has a name in `/run/netns`, but for the
/// one with this mark.
pub(crate) fn others(home: Option<u64>) -> Others {
    let start = Instant::now();
    let (pids, all_pids) = process::pids();
    let mut others = Others {
        tables: Vec::new(),
        everywhere: completeness(all_pids, &pids),
        closed: Vec::new(),
    };
    let mut marks: Vec<u64> = home.into_iter().collect();
    for pid in pids {
        match mark(&pid.to_string()) {
            Ok(found) if marks.contains(&found) => continue,
            Ok(found) => marks.push(found),
            Err(Errno::NOENT | Errno::SRCH) => continue,
            Err(_) => {
                others.everywhere = hidden();
                others.closed.push(format!("/proc/{pid}/ns/net").into());
                continue;
            }
        }
        if marks.len() > MOST || start.elapsed() > PATIENCE {
            let error = "there are too many network namespaces to look into each".to_string();
            others.everywhere = Seen::Unseen(Unseen::Failed { error });
            return others;
        }
        others.tables.push(Table::of(Some(pid)));
    }
    add_named(&mut others);
    others
}

/// Whether the processes that `/proc` shows lead to every namespace.
fn completeness(all_pids: bool, pids: &[u32]) -> Seen<()> {
    if pids.is_empty() {
        return Seen::Unseen(Unseen::Absent { what: "/proc" });
    }
    if !all_pids {
        return hidden();
    }
    process::none_outside()
}

fn hidden() -> Seen<()> {
    Seen::Unseen(Unseen::Denied { needs: "CAP_SYS_ADMIN, to look into each network namespace" })
}

/// Adds the namespaces that `ip netns` gave a name and that no process is in.
fn add_named(others: &mut Others) {
    let Ok(directory) = std::fs::read_dir("/run/netns") else { return };
    for entry in directory.flatten().take(MOST) {
        match named_table(&entry.path(), &others.tables) {
            Ok(Some(table)) => others.tables.push(table),
            Ok(None) => {}
            Err(_) => {
                others.everywhere = hidden();
                others.closed.push(entry.path());
            }
        }
    }
}

/// `None`: known already, or an ordinary file whose namespace is gone.
fn named_table(path: &Path, known: &[Table]) -> Result<Option<Table>, Errno> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let namespace = openat(CWD, path, flags, Mode::empty())?;
    let id = fstat(&namespace)?.st_ino;
    if known.iter().any(|t| t.id.is(|k| *k == id)) {
        return Ok(None);
    }
    match client_in(namespace) {
        Ok(client) => Ok(Some(Table::with(client, id, path))),
        Err(Errno::INVAL) => Ok(None),
        Err(errno) => Err(errno),
    }
}

/// The number of the namespace of a process: `None` if it may not be seen.
pub(crate) fn id_of(process: &str) -> Result<u64, Errno> {
    let link = readlinkat(CWD, format!("/proc/{process}/ns/net"), Vec::with_capacity(64))?;
    process::namespace_of_link(link.as_bytes()).ok_or(Errno::INVAL)
}
