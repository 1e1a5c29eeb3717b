//! What a watch need not be told again: what of a socket never changes, and queues that stayed.
//!
//! ```text
//!   sock_diag, in short ──► sockets ──► all known? ── yes ──► the rest as before
//!                                          │ no
//!                                          ▼
//!                           sock_diag, in full ──► known from now on
//! ```
//! Where new sockets are there at every look, it is always asked in full.

use super::socket::{Peer, Socket};
use crate::fact::path::FileId;
use crate::fact::socket::Directions;

/// It is asked in short after so many looks in full without a new socket, and so many times in a
/// row at most.
const STEADY: u32 = 3;
const ANEW: u32 = 8;

/// The clients that wait, 0 for one that has left, by listener.
pub(super) type Clients = Vec<(u32, Vec<u32>)>;

/// What is known of the sockets of the last looks.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// By inode number.
    constants: Vec<Constant>,
    /// So many looks in full brought no new socket.
    steady: u32,
    /// So many looks in short there were since.
    short: u32,
    /// This look is in full, at least in part.
    full: bool,
    queues: Queues,
    clients: Clients,
}

/// What never changes once a socket has a name.
#[derive(Debug)]
struct Constant {
    inode: u32,
    named: bool,
    file: Option<FileId>,
    /// `fchown` may change it, and hardly ever does.
    uid: Option<u32>,
}

/// What of a table changes when a client comes to a listener, is accepted or leaves.
#[derive(Debug, Default, PartialEq, Eq)]
struct Queues {
    /// The listeners with clients, and how many.
    lengths: Vec<(u32, u32)>,
    /// The sockets whose peers have no number: those clients, and what closed peers left behind.
    nameless: Vec<(u32, Directions)>,
}

impl Queues {
    fn of(sockets: &[Socket]) -> Queues {
        let length = |s: &Socket| Some((s.inode, s.backlog?.pending)).filter(|(_, n)| *n > 0);
        let nameless = sockets.iter().filter(|s| s.peer == Some(Peer::Socket(0)));
        Queues {
            lengths: sockets.iter().filter_map(length).collect(),
            nameless: nameless.map(|s| (s.inode, s.shutdown)).collect(),
        }
    }
}

impl Kept {
    /// A look begins.
    pub fn begin(&mut self) {
        self.full = false;
    }

    /// Whether it is worth a try to ask in short.
    pub fn may_suffice(&self) -> bool {
        self.steady >= STEADY && self.short < ANEW && !self.full
    }

    /// Fills in what was not asked for; `false`: it has to be. The sockets are sorted.
    pub fn fill_in(&self, sockets: &mut [Socket]) -> bool {
        let mut known = self.constants.iter().peekable();
        sockets.iter_mut().all(|socket| {
            while known.next_if(|known| known.inode < socket.inode).is_some() {}
            let is_its = |known: &&&Constant| {
                known.inode == socket.inode && known.named == socket.name.is_some()
            };
            let Some(known) = known.peek().filter(is_its) else { return false };
            (socket.file, socket.uid) = (known.file, known.uid);
            true
        })
    }

    /// It was asked in full.
    pub fn asked_in_full(&mut self) {
        self.full = true;
    }

    /// The clients that wait at these sockets: asked for, or the same as before. Those that wait
    /// are connected once and for all, so if none has left or been accepted, and as many are there,
    /// they are the same.
    pub fn clients(&mut self, sockets: &[Socket], ask: impl FnOnce() -> Clients) -> &Clients {
        let queues = Queues::of(sockets);
        if self.full || queues != self.queues {
            self.clients = ask();
            self.queues = queues;
        }
        &self.clients
    }

    /// Keeps what is known after a look.
    pub fn keep(&mut self, sockets: &[Socket]) {
        if !self.full {
            self.short += 1;
            return;
        }
        let known = |s: &Socket| self.constants.binary_search_by_key(&s.inode, |c| c.inode).is_ok();
        let same = sockets.iter().all(|s| s.inode == 0 || known(s));
        self.steady = if same { self.steady + 1 } else { 0 };
        self.short = 0;
        let constant = |s: &Socket| Constant {
            inode: s.inode,
            named: s.name.is_some(),
            file: s.file,
            uid: s.uid,
        };
        self.constants.clear();
        self.constants.extend(sockets.iter().filter(|s| s.inode != 0).map(constant));
    }
}
