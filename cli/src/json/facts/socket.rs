//! Sockets and descriptors as JSON.

use super::{all, bytes, plain, processes, seen, with};
use serde_json::{Value, json};
use sunpath::fact::socket::{Backlog, Directions, OwnSocket, Peer, SocketOptions, State};
use sunpath::fact::{AbstractTarget, Descriptor, SocketFact};

pub(super) fn abstract_name(target: &AbstractTarget) -> Value {
    with(
        with(json!({"kind": "abstract"}), bytes("name", &target.name)),
        json!({
            "bound": seen(&target.bound, |s| all(s, socket)),
            "elsewhere": seen(&target.elsewhere, |s| all(s, socket)),
            "padded": seen(&target.padded, |s| all(s, socket)),
            "everywhere": seen(&target.everywhere, |()| true.into()),
            "as_path": seen(&target.as_path, |path| match path {
                Some(path) => bytes("path", path),
                None => Value::Null,
            }),
        }),
    )
}

pub(super) fn socket(socket: &SocketFact) -> Value {
    let name = match &socket.name {
        Some(name) => self::name(name),
        None => json!({"name": null}),
    };
    let file = socket.file.map(|f| json!({"device": f.device, "inode": f.inode}));
    with(
        with(
            json!({
                "inode": socket.inode,
                "type": socket.kind.name(),
                "state": state(socket.state),
            }),
            name,
        ),
        json!({
            "file": file,
            "net_namespace": plain(&socket.net_namespace),
            "backlog": socket.backlog.map(backlog),
            "peer": socket.peer,
            "queued_bytes": plain(&socket.queued_bytes),
            "shutdown": directions(&socket.shutdown),
            "stuck_ms": plain(&socket.stuck_ms),
            "owners": processes(&socket.owners),
        }),
    )
}

/// A path, or an abstract name as `@name`.
fn name(name: &[u8]) -> Value {
    match name {
        [0, rest @ ..] => bytes("name", &[b"@", rest].concat()),
        path => bytes("name", path),
    }
}

pub(super) fn backlog(backlog: Backlog) -> Value {
    json!({"pending": backlog.pending, "limit": backlog.limit})
}

const fn state(state: State) -> &'static str {
    match state {
        State::Unconnected => "unconnected",
        State::Listening => "listening",
        State::Connected => "connected",
    }
}

fn directions(shutdown: &Directions) -> Value {
    json!({"read": shutdown.read, "write": shutdown.write})
}

pub(super) fn descriptor(descriptor: &Descriptor) -> Value {
    match descriptor {
        Descriptor::NotOpen => json!({"kind": "not_open"}),
        Descriptor::PathOnly => json!({"kind": "path_only"}),
        Descriptor::NotSocket(what) => json!({"kind": "not_socket", "what": what}),
        Descriptor::Socket(own) => with(json!({"kind": "socket"}), self::own(own)),
    }
}

fn own(own: &OwnSocket) -> Value {
    let start = json!({
        "inode": own.inode,
        "type": own.kind.name(),
        "state": state(own.state),
        "connecting": own.connecting,
    });
    with(
        with(start, bytes("raw_name", &own.name)),
        json!({
            "peer": seen(&own.peer, |p| p.as_ref().map_or(Value::Null, peer)),
            "shutdown": seen(&own.shutdown, directions),
            "pending_error": seen(&own.pending_error, |e| e.map(|e| e.name()).into()),
            "nonblocking": own.nonblocking,
            "send_timeout_us": own.send_timeout_us,
            "receive_timeout_us": own.receive_timeout_us,
            "send_buffer": own.send_buffer,
            "unread_by_peer": plain(&own.unread_by_peer),
            "readable": plain(&own.readable),
            "backlog": own.backlog.map(backlog),
            "urgent": plain(&own.urgent),
            "options": options(&own.options),
            "history": {
                "connect_failed": own.history.connect_failed,
                "answered": own.history.answered,
                "blocked": own.history.blocked,
            },
        }),
    )
}

fn peer(peer: &Peer) -> Value {
    json!({
        "inode": plain(&peer.inode),
        "closed": plain(&peer.closed),
        "shutdown": seen(&peer.shutdown, directions),
        "mutual": plain(&peer.mutual),
        "queue": seen(&peer.queue, |q| backlog(*q)),
        "refuses_rights": plain(&peer.refuses_rights),
        "process": seen(&peer.process, super::process),
    })
}

fn options(options: &SocketOptions) -> Value {
    json!({
        "pass_credentials": options.pass_credentials,
        "pass_pidfd": options.pass_pidfd,
        "pass_rights": options.pass_rights,
        "broadcast": options.broadcast,
        "urgent_inline": options.urgent_inline,
        "reuse_address": options.reuse_address,
    })
}
