//! Which socket is bound to a file, and which merely look like it.
//!
//! Two witnesses are heard: the kernel's own lookup ([`rehearse`]), which is never wrong but may be
//! denied and names no socket, and the socket tables, which name sockets but only by the low half
//! of an inode number and by the file system's own device number, which on some file systems is
//! not the one that `stat` shows.

use super::names::Spellings;
use crate::SocketType;
use crate::fact::path::{FileId, Step};
use crate::fact::socket::State;
use crate::fact::{Seen, SocketFact, Unseen};
use crate::observe::diag::{Record, States};
use crate::observe::rehearse::Bound;
use crate::observe::tables::Tables;

/// The sockets that have to do with a path.
pub(super) struct Belonging {
    pub attached: Seen<Vec<SocketFact>>,
    pub namesakes: Seen<Vec<SocketFact>>,
    pub lookalikes: Seen<Vec<SocketFact>>,
    pub everywhere: Seen<()>,
}

/// What is looked for.
pub(super) struct Wanted<'a> {
    /// The names that may lead to the file.
    pub names: &'a Spellings,
    /// The socket file, if the path leads to one.
    pub file: Option<&'a Step>,
    /// What the kernel says is bound to it.
    pub bound: Option<Bound>,
}

/// On these file systems the tables and `stat` give different device numbers for a file.
const OTHER_DEVICE: [&str; 3] = ["btrfs", "overlay", "bcachefs"];

impl Wanted<'_> {
    fn same_inode(&self, file: Option<FileId>) -> bool {
        match (self.file, file) {
            (Some(step), Some(file)) => step.file.inode & 0xffff_ffff == file.inode & 0xffff_ffff,
            _ => false,
        }
    }

    fn same_file(&self, file: Option<FileId>) -> bool {
        self.same_inode(file) && self.file.map(|s| s.file.device) == file.map(|f| f.device)
    }

    /// Everything that may matter: a file by its number, or a name.
    fn may_matter(&self, record: &Record<'_>) -> bool {
        self.same_inode(record.file) || record.name.as_deref().is_some_and(|n| self.names.fit(n))
    }

    /// Whether the socket is the one that the kernel says is bound to the file, by what the tables
    /// show on file systems where they show another device, or show no file at all.
    fn may_be_it(&self, socket: &SocketFact) -> bool {
        let named = socket.name.as_deref().is_some_and(|n| self.names.fit(n));
        let last = socket.name.as_deref().is_some_and(|n| self.names.fit_last(n));
        match socket.file {
            Some(_) => self.same_inode(socket.file) && last,
            None => named,
        }
    }
}

/// Finds them, in the caller's network namespace and, if need be, in all others.
pub(super) fn find(wanted: &Wanted<'_>, tables: &mut Tables) -> Belonging {
    let pick = |record: &Record<'_>| wanted.may_matter(record);
    let home = tables.home.sockets(States::SERVERS, &pick);
    let mut seen = home.clone().unwrap_or_default();
    let mut attached = choose(wanted, &seen);
    if attached.is_empty() && wanted.file.is_some() && wanted.bound != Some(Bound::Nobody) {
        seen.extend(tables.home.sockets(States::CONNECTED, &pick).unwrap_or_default());
        attached = choose(wanted, &seen);
    }
    let mut everywhere = Seen::default();
    if attached.is_empty() {
        let (more, all) = tables.elsewhere(States::SERVERS, &pick);
        seen.extend(more);
        everywhere = all;
        attached = choose(wanted, &seen);
        if attached.is_empty() && matches!(wanted.bound, Some(Bound::Socket { .. })) {
            seen.extend(tables.elsewhere(States::CONNECTED, &pick).0);
            attached = choose(wanted, &seen);
        }
    }
    let is_attached = |s: &SocketFact| attached.iter().any(|a| a.inode == s.inode);
    let near: Vec<SocketFact> =
        seen.iter().filter(|s| !is_attached(s) && super::can_be_reached(s)).cloned().collect();
    let known = |pick: &dyn Fn(&SocketFact) -> bool| match &home {
        Ok(_) => Seen::Known(near.iter().filter(|s| pick(s)).cloned().collect()),
        Err(why) => Seen::Unseen(why.clone()),
    };
    let named = |s: &SocketFact| s.name.as_deref().is_some_and(|n| wanted.names.fit(n));
    Belonging {
        namesakes: known(&|s| named(s) && !wanted.same_file(s.file)),
        lookalikes: known(&|s| {
            let last = s.name.as_deref().is_some_and(|n| wanted.names.fit_last(n));
            last && wanted.same_inode(s.file) && !wanted.same_file(s.file)
        }),
        everywhere: match wanted.bound {
            // The kernel's lookup knows no network namespaces.
            Some(_) => Seen::Known(()),
            None => everywhere,
        },
        attached: conclude(wanted, attached, home.err(), tables),
    }
}

/// The sockets among those seen that are bound to the file.
pub(super) fn choose(wanted: &Wanted<'_>, seen: &[SocketFact]) -> Vec<SocketFact> {
    let exact = || seen.iter().filter(|s| wanted.same_file(s.file));
    match wanted.bound {
        Some(Bound::Nobody) => Vec::new(),
        Some(Bound::Socket { kind, state, .. }) => {
            let agrees = |s: &&SocketFact| s.kind == kind && agree(s, state);
            let found: Vec<SocketFact> = exact().filter(agrees).cloned().collect();
            if !found.is_empty() {
                return found;
            }
            seen.iter().filter(agrees).filter(|s| wanted.may_be_it(s)).cloned().collect()
        }
        None => {
            let found: Vec<SocketFact> = exact().cloned().collect();
            let odd = |s: &Step| s.mount.is(|m| OTHER_DEVICE.contains(&m.fs_type.as_str()));
            if found.is_empty() && wanted.file.is_some_and(odd) {
                let by_number = |s: &&SocketFact| s.file.is_some() && wanted.may_be_it(s);
                return seen.iter().filter(by_number).cloned().collect();
            }
            found
        }
    }
}

/// Whether the table's state of a socket is compatible with what the kernel's lookup met.
fn agree(socket: &SocketFact, state: State) -> bool {
    match state {
        State::Listening => socket.state == State::Listening,
        // A listener that was shut down takes nobody, and a datagram socket may have a peer.
        State::Unconnected | State::Connected => true,
    }
}

/// What is attached, or why that is not known.
fn conclude(
    wanted: &Wanted<'_>,
    attached: Vec<SocketFact>,
    home: Option<Unseen>,
    tables: &mut Tables,
) -> Seen<Vec<SocketFact>> {
    match (wanted.bound, home) {
        (Some(Bound::Nobody), _) => Seen::Known(Vec::new()),
        (Some(Bound::Socket { kind, state, .. }), _) if attached.is_empty() => {
            Seen::Known(vec![nameless(kind, state)])
        }
        (None, Some(why)) if attached.is_empty() => Seen::Unseen(why),
        (None, None) if attached.is_empty() && !tables.home.shows_files() => {
            Seen::Unseen(Unseen::Absent { what: "sock_diag, which tells the files of sockets" })
        }
        _ => Seen::Known(attached),
    }
}

/// A socket that exists, by the kernel's lookup, but that no table shows.
fn nameless(kind: SocketType, state: State) -> SocketFact {
    let needs = "CAP_SYS_ADMIN, to look into the network namespace of the socket";
    SocketFact {
        state,
        net_namespace: Seen::Unseen(Unseen::Denied { needs }),
        owners: Seen::Unseen(Unseen::Denied { needs }),
        ..SocketFact::new(0, kind)
    }
}
