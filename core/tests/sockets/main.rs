//! The causes of every call but `connect` and `bind`: named under the facts that show them, and
//! not under others.

mod accept;
mod descriptor;
mod option;
mod platform;
mod recv;
mod rights;
mod send;
mod size;
mod socket;

use sunpath_core::fact::caller::{Capabilities, Ids};
use sunpath_core::fact::process::DescriptorUse;
use sunpath_core::fact::socket::{Backlog, Directions, OwnSocket, Peer, State};
use sunpath_core::fact::{Arguments, Caller, Descriptor, Seen};
use sunpath_core::{
    Call, Certainty, Diagnosis, Errno, Facts, Outcome, SocketType, Symptom, cause, diagnose,
};

const STREAM: SocketType = SocketType::Stream;
const DATAGRAM: SocketType = SocketType::Datagram;
const SEQPACKET: SocketType = SocketType::SeqPacket;
const UNIX: [SocketType; 3] = [STREAM, DATAGRAM, SEQPACKET];
const CONNECTED: [SocketType; 2] = [STREAM, SEQPACKET];

/// The other end of a healthy pair.
fn peer() -> Peer {
    Peer {
        inode: Seen::Known(77),
        name: Seen::Known(vec![]),
        closed: Seen::Known(false),
        shutdown: Seen::Known(Directions::default()),
        mutual: Seen::Known(true),
        elsewhere: Seen::Known(false),
        refuses_rights: Seen::Known(false),
        ..Peer::default()
    }
}

/// A peer that has closed.
fn gone() -> Peer {
    Peer { closed: Seen::Known(true), inode: Seen::Known(0), ..Peer::default() }
}

/// One end of a pair.
fn paired(kind: SocketType) -> OwnSocket {
    OwnSocket {
        inode: 76,
        state: State::Connected,
        peer: Seen::Known(Some(peer())),
        ..OwnSocket::fresh(kind)
    }
}

/// One end of a connection whose peer has closed.
fn abandoned(kind: SocketType) -> OwnSocket {
    let both = Directions { read: true, write: true };
    OwnSocket { peer: Seen::Known(Some(gone())), shutdown: Seen::Known(both), ..paired(kind) }
}

/// A listener with an empty queue.
fn listening(kind: SocketType) -> OwnSocket {
    OwnSocket {
        state: State::Listening,
        name: b"\0app".to_vec(),
        backlog: Some(Backlog { pending: 0, limit: 8 }),
        ..OwnSocket::fresh(kind)
    }
}

/// Only reading, or only writing, or both.
fn shut(read: bool, write: bool) -> Seen<Directions> {
    Seen::Known(Directions { read, write })
}

fn caller() -> Caller {
    Caller {
        pid: Some(999),
        ids: Seen::Known(Ids { uid: 1000, gid: 1000, groups: vec![] }),
        capabilities: Seen::Known(Capabilities(0)),
        descriptors: Seen::Known(DescriptorUse { used: 5, limit: 1024 }),
        ..Caller::default()
    }
}

/// A caller with this socket.
fn with(own: OwnSocket) -> Facts {
    let descriptor = Seen::Known(Descriptor::Socket(own));
    let mut facts = Facts { caller: caller(), descriptor, ..Facts::default() };
    facts.system.optmem_max = Seen::Known(131_072);
    facts.system.file_max = Seen::Known(1_000_000);
    facts.system.files_open = Seen::Known(3000);
    facts.system.unix_sockets = Seen::Known(300);
    facts
}

/// A caller with this socket, that passed these arguments.
fn passing(own: OwnSocket, arguments: Arguments) -> Facts {
    Facts { arguments, ..with(own) }
}

fn not_waiting() -> Arguments {
    Arguments { nonblocking: Some(true), ..Arguments::default() }
}

/// A call that failed, and on what.
#[derive(Clone, Copy)]
struct Failed(Call, SocketType, Symptom);

fn failed(call: Call, kind: SocketType, errno: Errno) -> Failed {
    Failed(call, kind, Symptom::Errno(errno))
}

impl Failed {
    fn diagnose(self, facts: &Facts) -> Diagnosis {
        diagnose(self.0, self.1, Some(self.2), facts)
    }

    fn first(self, facts: &Facts) -> (Option<&'static str>, Option<Certainty>) {
        let d = self.diagnose(facts);
        let first = d.causes.first();
        (first.map(|r| r.cause.id), first.map(|r| r.certainty))
    }

    /// The facts decide it.
    fn is(self, id: &str, facts: &Facts) {
        let d = self.diagnose(facts);
        assert_eq!(self.first(facts), (Some(id), Some(Certainty::Certain)), "{:?}", d.causes);
    }

    /// The facts point to it.
    fn may_be(self, id: &str, facts: &Facts) {
        let d = self.diagnose(facts);
        assert_eq!(self.first(facts), (Some(id), Some(Certainty::Likely)), "{:?}", d.causes);
    }

    /// The facts rule it out.
    fn is_not(self, id: &str, facts: &Facts) {
        assert!(cause::find(id).is_some(), "{id}");
        let d = self.diagnose(facts);
        assert!(d.causes.iter().all(|r| r.cause.id != id), "{id}: {:?}", d.causes);
    }
}

/// What the call would do, and why.
fn predicts(call: Call, kind: SocketType, facts: &Facts, outcome: impl Into<Outcome>, id: &str) {
    let d = diagnose(call, kind, None, facts);
    assert_eq!(d.outcome, outcome.into(), "{:?}", d.causes);
    assert_eq!(d.causes.first().map(|r| r.cause.id), Some(id));
}

fn fails(errno: Errno) -> Outcome {
    Outcome::Fails(errno)
}

/// The call would succeed.
fn works(call: Call, kind: SocketType, facts: &Facts) {
    let d = diagnose(call, kind, None, facts);
    assert_eq!(d.outcome, Outcome::Succeeds, "{call} {kind}: {:?}", d.causes);
}

#[test]
fn what_is_well_raises_no_alarm() {
    for kind in UNIX {
        let ready = OwnSocket { readable: Seen::Known(1), ..paired(kind) };
        works(Call::Send, kind, &with(paired(kind)));
        works(Call::Recv, kind, &with(ready.clone()));
        works(Call::Recv, kind, &passing(ready, not_waiting()));
        for call in [Call::Shutdown, Call::Getsockname, Call::Getpeername, Call::Getsockopt] {
            works(call, kind, &with(paired(kind)));
        }
        works(Call::Shutdown, kind, &with(OwnSocket::fresh(kind)));
        works(Call::Socket, kind, &with(OwnSocket::fresh(kind)));
        works(Call::Socketpair, kind, &with(OwnSocket::fresh(kind)));
    }
    for kind in CONNECTED {
        let bound = OwnSocket { name: b"\0app".to_vec(), ..OwnSocket::fresh(kind) };
        works(Call::Listen, kind, &with(bound));
        works(Call::Listen, kind, &with(listening(kind)));
        let waiting = Some(Backlog { pending: 1, limit: 8 });
        works(Call::Accept, kind, &with(OwnSocket { backlog: waiting, ..listening(kind) }));
    }
}

/// Nothing is said of the socket: a plain address is what the question is about.
#[test]
fn a_socket_that_was_not_looked_at_is_a_fresh_one_for_a_prediction() {
    for call in Call::ALL {
        for kind in UNIX {
            if *call != Call::Listen && *call != Call::Accept || kind != DATAGRAM {
                works(*call, kind, &Facts::default());
            }
        }
    }
}
