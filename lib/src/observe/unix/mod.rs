//! What a UNIX domain address leads to: a [`path`] or an [abstract name](abstract_name).

pub(super) mod abstract_name;
mod attached;
mod names;
pub(super) mod path;
pub(super) mod space;

use super::tables::Tables;
use super::{owners, queue};
use crate::SocketType;
use crate::fact::socket::State;
use crate::fact::{Seen, SocketFact};

/// The most sockets of which owners are looked for.
const MOST: usize = 32;

/// Whether a lookup can lead to the socket: an accepted connection carries its listener's name but
/// cannot be reached by it.
fn can_be_reached(socket: &SocketFact) -> bool {
    socket.kind == SocketType::Datagram || socket.state != State::Connected
}

/// Fills in who holds these sockets.
fn owners_of(lists: &mut [&mut Seen<Vec<SocketFact>>]) {
    let sockets = lists.iter_mut().filter_map(|list| match list {
        Seen::Known(sockets) => Some(sockets),
        Seen::Unseen(_) => None,
    });
    owners::fill(sockets.flatten().take(MOST).map(owners::Wanted::from));
}

/// Fills in whether the queues of listeners move, where somebody waits in them.
fn watch_queues(sockets: &mut Seen<Vec<SocketFact>>, tables: &mut Tables) {
    let Seen::Known(sockets) = sockets else { return };
    for socket in sockets.iter_mut().take(MOST) {
        let waiting = socket.backlog.is_some_and(|b| b.pending > 0);
        if let (true, Ok(inode)) = (waiting, u32::try_from(socket.inode))
            && let Some(client) = tables.table_of(socket).and_then(|t| t.client())
        {
            socket.stuck_ms = queue::stuck_ms(client, inode);
        }
    }
}
