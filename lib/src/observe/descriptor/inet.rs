//! An internet socket of the caller.

use crate::SocketType;
use crate::fact::socket::{Backlog, Directions, OwnSocket, Peer, State};
use crate::fact::{Seen, Unseen};
use crate::sys::option::{self, TcpState};
use crate::sys::{Result, socket};
use rustix::event::PollFlags;
use std::os::fd::BorrowedFd;

/// Fills in what is special to the family.
pub(super) fn fill(fd: BorrowedFd<'_>, ready: PollFlags, own: &mut OwnSocket) -> Result<()> {
    let name = socket::getsockname(fd)?;
    // Port 0 is no name yet.
    own.name = match name.to_internet() {
        Some(address) if address.port() != 0 => name.as_bytes().to_vec(),
        _ => Vec::new(),
    };
    own.pending_error = if ready.contains(PollFlags::ERR) {
        let error = String::from("an error waits; to look at it would clear it");
        Seen::Unseen(Unseen::Failed { error })
    } else {
        Seen::Known(None)
    };
    own.shutdown = match own.kind {
        SocketType::Tcp => tcp(fd, ready, own)?,
        _ => udp(ready),
    };
    own.peer = Seen::Known((own.state == State::Connected).then(Peer::default));
    Ok(())
}

fn tcp(fd: BorrowedFd<'_>, ready: PollFlags, own: &mut OwnSocket) -> Result<Seen<Directions>> {
    let info = option::tcp(fd)?;
    own.connecting = info.state == TcpState::Connecting;
    own.backlog = (info.state == TcpState::Listening)
        .then_some(Backlog { pending: info.pending, limit: info.limit });
    let read = ready.contains(PollFlags::RDHUP);
    let write = match info.state {
        TcpState::ClosedByOwner => true,
        // One that ended has both directions shut down, one that never began none.
        TcpState::Closed => read,
        _ => false,
    };
    Ok(Seen::Known(Directions { read, write }))
}

/// `poll` does not tell of a socket that is shut down for sending alone.
fn udp(ready: PollFlags) -> Seen<Directions> {
    match (ready.contains(PollFlags::RDHUP), ready.contains(PollFlags::HUP)) {
        (true, write) => Seen::Known(Directions { read: true, write }),
        (false, _) => Seen::Unseen(Unseen::Absent { what: "a way to see whether sending is shut" }),
    }
}
