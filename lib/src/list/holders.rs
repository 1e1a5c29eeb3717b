//! Which descriptors of which processes are sockets: told by the kernel in one go where it can be
//! asked (`iterator`), otherwise by one look at each descriptor of each process.

use super::iterator::{self, Processes, Program, Told, Types};
use crate::fact::{Seen, Unseen};
use crate::observe::descriptors::{self, Kind};
use crate::observe::process;
use crate::sys::process::ends;
use crate::sys::{Errno, thread};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;

/// A descriptor of a process that refers to a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Holder {
    /// The process.
    pub pid: u32,
    /// The descriptor's number in it.
    pub fd: u32,
}

/// A socket's inode number, and who holds it.
pub(super) type Held = (u32, Holder);

/// What all processes hold.
#[derive(Default)]
pub(super) struct Found {
    pub held: Vec<Held>,
    /// What was told about processes along with it.
    pub processes: Processes,
    /// So many processes could not be looked into.
    pub closed: usize,
    /// Whether these are all holders.
    pub all: Seen<()>,
}

impl From<Told> for Found {
    fn from(Told { held, processes }: Told) -> Found {
        Found { held, processes, closed: 0, all: process::none_outside() }
    }
}

/// Finds all holders while this thread does something else, and helps when it is done with that;
/// `then` makes something of both.
pub(super) fn find_beside<T, U>(other: impl FnOnce() -> T, then: impl FnOnce(Found, T) -> U) -> U {
    if !iterator::may_be_had() {
        let (found, value) = search_beside(other);
        return then(found, value);
    }
    let (tell, told) = sync_channel(1);
    let ask = move || {
        let types = Types::map().ok();
        let program = types.as_ref().and_then(Program::by);
        // Nobody listens: the other thread has panicked.
        let _ = tell.send(program.as_ref().and_then(|program| program.told().ok()));
        // To take all of it down again takes a while.
        drop((program, types));
    };
    // Without a helper there is no sender.
    let helper = thread::beside_detached(ask);
    let value = other();
    let done = match told.recv().ok().flatten() {
        Some(told) => then(Found::from(told), value),
        None => then(search_beside(|| ()).0, value),
    };
    if let Ok(helper) = helper
        && !ends()
    {
        let _ = helper.join();
    }
    done
}

/// The same, by asking `/proc`.
fn search_beside<T>(other: impl FnOnce() -> T) -> (Found, T) {
    let (pids, all_pids) = process::pids();
    let search = Search::new(&pids);
    let (held, value) = std::thread::scope(|scope| {
        // Without a second thread the first does all the work.
        let helper = thread::beside(scope, || search.work());
        let value = other();
        let mut held = search.work();
        if let Ok(Ok(more)) = helper.map(|h| h.join()) {
            held.extend(more);
        }
        (held, value)
    });
    let closed = search.closed();
    let all = completeness(&pids, all_pids, closed);
    (Found { held, closed, all, ..Found::default() }, value)
}

/// A search through processes, on which several threads may work.
struct Search<'a> {
    pids: &'a [u32],
    next: AtomicUsize,
    closed: AtomicUsize,
    kind: Kind,
}

impl<'a> Search<'a> {
    fn new(pids: &'a [u32]) -> Search<'a> {
        Search {
            pids,
            next: AtomicUsize::new(0),
            closed: AtomicUsize::new(0),
            kind: Kind::sockets(),
        }
    }

    /// Looks into processes that nobody has looked into yet, until none is left.
    fn work(&self) -> Vec<Held> {
        let mut held = Vec::new();
        while let Some(pid) = self.pids.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            match look_into(*pid, self.kind, &mut held) {
                Ok(()) | Err(Errno::NOENT | Errno::SRCH) => {}
                Err(_) => {
                    self.closed.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
        held
    }

    /// How many processes could not be looked into.
    fn closed(&self) -> usize {
        self.closed.load(Ordering::Relaxed)
    }
}

/// Adds the sockets that a process holds.
pub(super) fn look_into(pid: u32, kind: Kind, held: &mut Vec<Held>) -> Result<(), Errno> {
    let directory = descriptors::of(pid)?;
    descriptors::each(&directory, |name| {
        let socket = descriptors::socket_at(&directory, name, kind);
        // The tables show the low half of the number.
        if let (Ok(Some(inode)), Some(fd)) = (socket, descriptors::number(name)) {
            held.push((inode as u32, Holder { pid, fd }));
        }
    })
}

/// Whether the holders found are all there are.
pub(super) fn completeness(pids: &[u32], all_pids: bool, closed: usize) -> Seen<()> {
    Seen::Unseen(if pids.is_empty() {
        Unseen::Absent { what: "/proc" }
    } else if closed > 0 || !all_pids {
        Unseen::Denied { needs: process::SAME_USER }
    } else {
        return process::none_outside();
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::list::tables;
    use rustix::fs::{CWD, Mode, OFlags, openat};
    use std::collections::BTreeSet;
    use std::os::fd::{AsRawFd, RawFd};
    use std::os::unix::net::{UnixDatagram, UnixStream};

    /// What both ways saw in two looks each, taken in turn: what one way saw both times, the other
    /// must have seen in between.
    fn compare(program: &Program) -> Result<BTreeSet<Held>, String> {
        let told = || program.told().unwrap().held.into_iter().collect::<BTreeSet<Held>>();
        // `/proc` does not tell the family. One dump may pass sockets over while others close.
        let sockets: BTreeSet<u32> =
            (0..3).flat_map(|_| tables::again(true)).map(|socket| socket.inode).collect();
        let shown = || {
            let held = search_beside(|| ()).0.held.into_iter();
            held.filter(|(inode, _)| sockets.contains(inode)).collect::<BTreeSet<Held>>()
        };
        let looks = [told(), shown(), told(), shown()];
        for (name, [before, between, after]) in [
            ("/proc", [&looks[0], &looks[1], &looks[2]]),
            ("kernel", [&looks[1], &looks[2], &looks[3]]),
        ] {
            if let Some(lost) = before.intersection(after).find(|held| !between.contains(held)) {
                return Err(format!("{name} does not show {lost:?}"));
            }
        }
        Ok(looks[2].intersection(&looks[3]).copied().collect())
    }

    #[test]
    fn the_kernel_tells_what_proc_shows() {
        let Some(program) = may_be_told() else { return };
        let dir = crate::observe::test::Dir::new();
        let path = dir.join("socket");
        let server = UnixDatagram::bind(&path).unwrap();
        let again = server.try_clone().unwrap();
        let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        // Not a socket: its file.
        let file = openat(CWD, &path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).unwrap();
        let (tell, told) = std::sync::mpsc::channel();
        let (over, wait) = std::sync::mpsc::channel::<()>();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                crate::sys::thread::unshare_descriptors().unwrap();
                let pair = UnixStream::pair().unwrap();
                tell.send(rustix::fs::fstat(&pair.0).unwrap().st_ino as u32).unwrap();
                // Until the other side is gone, also by a failure.
                wait.recv().unwrap_err();
            });
            let (over, own) = (over, told.recv().unwrap());
            // Other tests open and close sockets all the time.
            let both = (0..20).find_map(|_| compare(&program).ok());
            let both = both.unwrap_or_else(|| compare(&program).expect("the same"));
            drop(over);
            let me = std::process::id();
            let at = |fd: RawFd| {
                both.iter().find(|(_, h)| h.pid == me && h.fd == fd as u32).map(|(inode, _)| *inode)
            };
            assert!(at(server.as_raw_fd()).is_some());
            assert_eq!(at(server.as_raw_fd()), at(again.as_raw_fd()));
            assert_eq!(at(other.as_raw_fd()), None);
            assert_eq!(at(file.as_raw_fd()), None);
            // What only a thread has that gave up the common table.
            assert!(both.iter().all(|(inode, _)| *inode != own));
        });
    }

    fn may_be_told() -> Option<Program> {
        let program = if iterator::may_be_had() { Program::load() } else { None };
        if program.is_none() {
            eprintln!("skipped: the kernel cannot be asked here (root, Linux 6.16)");
        }
        program
    }
}
