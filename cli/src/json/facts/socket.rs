//! Sockets as JSON.

use super::{all, bytes, plain, processes, seen, with};
use serde_json::{Value, json};
use sunpath::fact::socket::{Backlog, Directions, State};
use sunpath::fact::{AbstractTarget, SocketFact};

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
            "all_owners": seen(&socket.all_owners, |()| true.into()),
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
