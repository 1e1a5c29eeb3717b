//! What an abstract name leads to.

use super::{can_be_reached, owners_of, watch_queues};
use crate::fact::path::{End, FileKind};
use crate::fact::{AbstractTarget, Seen, SocketFact};
use crate::observe::caller::View;
use crate::observe::diag::{Record, States};
use crate::observe::path::walk;
use crate::observe::tables::Tables;

/// Gathers what there is to know about an abstract name, given without its leading NUL.
pub(in crate::observe) fn target(name: &[u8], view: &View, tables: &mut Tables) -> AbstractTarget {
    let mut target = AbstractTarget { name: name.to_vec(), ..AbstractTarget::default() };
    let like = |record: &Record<'_>| name_of(record).is_some_and(|n| unpadded(n) == unpadded(name));
    match tables.home.sockets(States::SERVERS, &like) {
        Ok(mut found) => {
            // Datagram sockets with a peer, and what is left of a listener, are asked for only if
            // nothing better has the name.
            if !found.iter().any(|s| is_called(s, name)) {
                found.extend(tables.home.sockets(States::CONNECTED, &like).unwrap_or_default());
            }
            let (bound, padded) = found.into_iter().partition(|s| is_called(s, name));
            target.bound = Seen::Known(bound);
            target.padded = Seen::Known(padded);
        }
        Err(why) => {
            target.bound = Seen::Unseen(why.clone());
            target.padded = Seen::Unseen(why);
        }
    }
    if let Seen::Known(padded) = &mut target.padded {
        padded.retain(can_be_reached);
    }
    if !target.bound.is(|bound| bound.iter().any(can_be_reached)) {
        let (found, everywhere) = tables.elsewhere(States::SERVERS, &like);
        target.elsewhere = Seen::Known(found.into_iter().filter(|s| is_called(s, name)).collect());
        target.everywhere = everywhere;
        target.as_path = as_path(name, view);
    }
    owners_of(&mut [&mut target.bound, &mut target.elsewhere, &mut target.padded]);
    watch_queues(&mut target.bound, tables);
    target
}

fn name_of<'a>(record: &'a Record<'_>) -> Option<&'a [u8]> {
    record.name.as_deref()?.strip_prefix(b"\0")
}

fn is_called(socket: &SocketFact, name: &[u8]) -> bool {
    socket.name.as_deref().and_then(|n| n.strip_prefix(b"\0")) == Some(name)
}

/// The name without the NULs at its end.
fn unpadded(name: &[u8]) -> &[u8] {
    let end = name.iter().rposition(|b| *b != 0).map_or(0, |at| at + 1);
    &name[..end]
}

/// A socket file whose path is spelt like the name.
fn as_path(name: &[u8], view: &View) -> Seen<Option<Vec<u8>>> {
    if name.is_empty() || name.contains(&0) {
        return Seen::Known(None);
    }
    walk(name, view).map(|walk| {
        let socket = walk.end == End::Found
            && walk.steps.last().is_some_and(|step| step.kind == FileKind::Socket);
        socket.then(|| name.to_vec())
    })
}
