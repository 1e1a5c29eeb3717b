//! What a watch need not be told again: what of a socket hardly ever changes, and queues that stayed.
//!
//! ```text
//!   sock_diag, in short ──► sockets ──► all known? ── yes ──► the rest as before
//!                                          │ no
//!                                          ▼
//!                           sock_diag, in full ──► known from now on
//! ```
//! To whom a socket is connected is what takes the kernel longest to tell. It cannot change without a
//! trace: when a client is accepted there is a new socket, and when a peer closes there is one less.
//! Only datagram sockets may turn from one peer to another, and they hardly ever do. Where new
//! sockets are there at every look, it is always asked in full.

use super::socket::{Peer, Socket};
use crate::fact::path::FileId;
use crate::fact::socket::{Directions, State};

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

/// What stays as it is while a socket has its name and its state.
#[derive(Debug)]
struct Constant {
    inode: u32,
    named: bool,
    state: State,
    shutdown: Directions,
    file: Option<FileId>,
    /// `fchown` may change it, and hardly ever does.
    uid: Option<u32>,
    /// 0: one without a number.
    peer: Option<u32>,
}

impl Constant {
    fn of(socket: &Socket) -> Constant {
        Constant {
            inode: socket.inode,
            named: socket.name.is_some(),
            state: socket.state,
            shutdown: socket.shutdown,
            file: socket.file,
            uid: socket.uid,
            peer: socket.peer.map(|peer| match peer {
                Peer::Socket(inode) => inode,
                Peer::AtListener(_) | Peer::Gone => 0,
            }),
        }
    }

    fn holds_for(&self, socket: &Socket) -> bool {
        self.inode == socket.inode
            && self.named == socket.name.is_some()
            && (self.state, self.shutdown) == (socket.state, socket.shutdown)
    }
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
    pub fn fill_in(&mut self, sockets: &mut [Socket]) -> bool {
        let mut known = self.constants.iter().peekable();
        let mut gone = Vec::new();
        let all_known = sockets.iter_mut().all(|socket| {
            while let Some(other) = known.next_if(|known| known.inode < socket.inode) {
                gone.push(other.inode);
            }
            let Some(known) = known.next_if(|known| known.holds_for(socket)) else { return false };
            (socket.file, socket.uid) = (known.file, known.uid);
            socket.peer = known.peer.map(Peer::Socket);
            true
        });
        gone.extend(known.map(|known| known.inode));
        let has_lost = |socket: &Socket| match socket.peer {
            Some(Peer::Socket(peer)) => gone.binary_search(&peer).is_ok(),
            _ => false,
        };
        let filled = all_known && (gone.is_empty() || !sockets.iter().any(has_lost));
        if !filled {
            // More is about to change.
            self.steady = 0;
        }
        filled
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
        self.constants.clear();
        self.constants.extend(sockets.iter().filter(|s| s.inode != 0).map(Constant::of));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SocketType;
    use crate::fact::socket::{Backlog, State};

    fn socket(inode: u32) -> Socket {
        Socket {
            inode,
            namespace: 1,
            kind: SocketType::Stream,
            state: State::Unconnected,
            name: None,
            file: None,
            peer: None,
            backlog: None,
            unread: None,
            unsent: None,
            shutdown: Directions::default(),
            uid: None,
            in_flight: None,
            waits_at: None,
            held: 0..0,
        }
    }

    fn bound(inode: u32) -> Socket {
        let file = Some(FileId { device: 2, inode: 3 });
        Socket { name: Some(b"/run/a".as_slice().into()), file, uid: Some(7), ..socket(inode) }
    }

    fn listener(inode: u32, pending: u32) -> Socket {
        let backlog = Some(Backlog { pending, limit: 5 });
        Socket { state: State::Listening, backlog, ..bound(inode) }
    }

    fn client(inode: u32) -> Socket {
        Socket { state: State::Connected, peer: Some(Peer::Socket(0)), ..socket(inode) }
    }

    fn asked_in_full(kept: &mut Kept, sockets: &[Socket]) {
        kept.begin();
        kept.asked_in_full();
        kept.keep(sockets);
        kept.begin();
    }

    /// Knows these sockets well.
    fn settled(sockets: &[Socket]) -> Kept {
        let mut kept = Kept::default();
        for _ in 0..=STEADY {
            assert!(!kept.may_suffice());
            asked_in_full(&mut kept, sockets);
        }
        assert!(kept.may_suffice());
        kept
    }

    #[test]
    fn what_was_told_once_is_filled_in() {
        let peer = |inode| Some(Peer::Socket(inode));
        let client = Socket { peer: peer(4), ..bound(3) };
        let server = Socket { peer: peer(3), ..bound(4) };
        let waits = Socket { peer: Some(Peer::AtListener(1)), ..socket(5) };
        let mut kept = settled(&[socket(1), bound(2), client.clone(), server.clone(), waits]);
        let short = |s: &Socket| Socket { file: None, uid: None, peer: None, ..s.clone() };
        let mut sockets = [socket(1), short(&client), short(&server), socket(5)];
        assert!(kept.fill_in(&mut sockets));
        assert_eq!(sockets, [socket(1), client, server, Socket { peer: peer(0), ..socket(5) }]);
    }

    #[test]
    fn what_is_new_has_to_be_asked_for() {
        let mut kept = settled(&[socket(1), bound(4)]);
        assert!(!kept.fill_in(&mut [socket(1), socket(3), bound(4)]), "a socket");
        assert!(!kept.fill_in(&mut [bound(1), bound(4)]), "a name");
        assert!(!kept.fill_in(&mut [socket(1), listener(4, 0)]), "a state");
        let shutdown = Directions { read: true, write: false };
        assert!(!kept.fill_in(&mut [Socket { shutdown, ..socket(1) }, bound(4)]), "an end");
        let connected = Socket { peer: Some(Peer::Socket(4)), ..socket(1) };
        let mut kept = settled(&[connected, bound(4)]);
        assert!(!kept.fill_in(&mut [socket(1)]), "its peer is gone");
        assert!(!kept.may_suffice(), "more may change");
        asked_in_full(&mut kept, &[socket(1), socket(3), bound(4)]);
        assert!(!kept.may_suffice(), "more may come");
    }

    #[test]
    fn now_and_then_all_is_asked_for() {
        let mut kept = settled(&[bound(1)]);
        for _ in 0..ANEW {
            assert!(kept.may_suffice());
            kept.begin();
            kept.keep(&[bound(1)]);
        }
        assert!(!kept.may_suffice());
        asked_in_full(&mut kept, &[bound(1)]);
        assert!(kept.may_suffice());
    }

    #[test]
    fn queues_are_asked_for_when_a_client_comes_leaves_or_is_accepted() {
        let sockets = [listener(1, 1), client(2)];
        let mut kept = settled(&sockets);
        let mut asks = |sockets: &[Socket]| {
            kept.begin();
            let mut asked = false;
            kept.clients(sockets, || {
                asked = true;
                vec![(1, vec![2])]
            });
            asked
        };
        assert!(asks(&sockets));
        assert!(!asks(&sockets));
        assert!(asks(&[listener(1, 2), client(2)]), "one more");
        assert!(asks(&[listener(1, 2), client(2), client(3)]), "another");
        let shut = Directions { read: true, write: true };
        assert!(asks(&[listener(1, 2), Socket { shutdown: shut, ..client(2) }, client(3)]));
        let peer = Some(Peer::Socket(9));
        let accepted = [listener(1, 2), Socket { peer, ..client(2) }, client(3)];
        assert!(asks(&accepted));
        assert!(!asks(&accepted));
    }
}
