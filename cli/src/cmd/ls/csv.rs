//! Comma-separated values: one line a socket, with titles in the first (RFC 4180, but lines end
//! with a newline alone).

use super::table::shut;
use crate::render::socket::{holders, name, number, users};
use crate::select::Stage;
use crate::users::Users;
use sunpath::list::{Listing, Peer, Socket};

const TITLES: &str = "type,state,queued_bytes,backlog_pending,backlog_limit,descriptors_in_flight,\
                      shutdown,inode,net_namespace,users,holders,name,peer,peer_inode,\
                      peer_holders,peer_name\n";

/// All lines. What there is not, or cannot be seen, is empty.
pub fn lines(listing: &Listing, sockets: &[&Socket], names: &Users) -> String {
    let mut out = String::with_capacity(sockets.len() * 100 + TITLES.len());
    out.push_str(TITLES);
    for socket in sockets {
        line(&mut out, listing, socket, names);
    }
    out
}

fn line(out: &mut String, listing: &Listing, socket: &Socket, names: &Users) {
    let optional = |out: &mut String, value: Option<u32>| {
        if let Some(value) = value {
            number(out, value);
        }
        out.push(',');
    };
    out.push_str(socket.kind.name());
    out.push(',');
    out.push_str(Stage::of(socket).name());
    out.push(',');
    optional(out, socket.unread.filter(|_| socket.backlog.is_none()));
    optional(out, socket.backlog.map(|b| b.pending));
    optional(out, socket.backlog.map(|b| b.limit));
    optional(out, socket.in_flight);
    out.push_str(Some(shut(socket.shutdown)).filter(|s| *s != "-").unwrap_or_default());
    out.push(',');
    optional(out, Some(socket.inode).filter(|inode| *inode != 0));
    if socket.namespace != 0 {
        out.push_str(&socket.namespace.to_string());
    }
    out.push(',');
    field(out, |out| users(out, listing, socket, names));
    out.push(',');
    field(out, |out| holders(out, listing, socket, usize::MAX));
    out.push(',');
    field(out, |out| socket.name.iter().for_each(|its| name(out, its)));
    out.push(',');
    out.push_str(match socket.peer {
        None => "",
        Some(Peer::Socket(_)) => "connected",
        Some(Peer::AtListener(_)) => "not accepted",
        Some(Peer::Gone) => "closed",
    });
    out.push(',');
    let (Some(Peer::Socket(inode)) | Some(Peer::AtListener(inode))) = socket.peer else {
        out.push_str(",,\n");
        return;
    };
    optional(out, Some(inode).filter(|inode| *inode != 0));
    let peer = listing.peer(socket);
    field(out, |out| peer.iter().for_each(|peer| holders(out, listing, peer, usize::MAX)));
    out.push(',');
    let its = peer.and_then(|peer| peer.name.as_deref());
    field(out, |out| its.iter().for_each(|its| name(out, its)));
    out.push('\n');
}

/// A text, in quotes if it needs them. A dash that stands for nothing is left out.
fn field(out: &mut String, write: impl FnOnce(&mut String)) {
    let start = out.len();
    write(out);
    let text = &out[start..];
    if text == "-" {
        out.truncate(start);
    } else if text.contains([',', '"', '\n', '\r']) {
        let quoted = format!("\"{}\"", text.replace('"', "\"\""));
        out.truncate(start);
        out.push_str(&quoted);
    }
}
