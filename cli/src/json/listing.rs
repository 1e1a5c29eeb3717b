//! Listings as JSON: one object, with one line for each socket.

use super::{calm, put_bytes};
use crate::select::{Stage, shown_name};
use crate::users::Users;
use serde_json::{Map, Value, json};
use sunpath::fact::{Seen, Unseen};
use sunpath::list::{Holder, Listing, Peer, Socket};

/// The answer of `sunpath ls`.
pub fn listing(listing: &Listing, sockets: &[&Socket], users: &Users) -> String {
    let mut out = String::from("{\n\"sockets\": [");
    for (i, socket) in sockets.iter().enumerate() {
        out.push_str(if i == 0 { "\n" } else { ",\n" });
        out.push_str(&calm(&line(listing, socket, users).to_string()));
    }
    let rest = seen(listing);
    out.push_str("\n],\n");
    for (i, (key, value)) in rest.iter().enumerate() {
        out.push_str(if i == 0 { "" } else { ",\n" });
        out.push_str(&format!("{}: {}", Value::from(key.as_str()), calm(&value.to_string())));
    }
    out.push_str("\n}\n");
    out
}

/// Where it was looked, and what could be seen there.
pub(super) fn seen(listing: &Listing) -> Map<String, Value> {
    let ways = listing.closed_namespaces.iter().map(|way| {
        let mut object = Map::new();
        put_bytes(&mut object, "path", way.as_os_str().as_encoded_bytes());
        Value::Object(object)
    });
    let mut object = Map::new();
    let namespaces = listing.namespaces.iter().map(|n| known(*n)).collect();
    object.insert("net_namespaces".into(), namespaces);
    object.insert("closed_namespaces".into(), ways.collect());
    object.insert("all_sockets".into(), complete(&listing.all_sockets));
    object.insert("all_holders".into(), complete(&listing.all_holders));
    object.insert("closed_processes".into(), listing.closed_processes.into());
    object
}

pub(super) fn line(listing: &Listing, socket: &Socket, users: &Users) -> Value {
    let mut object = Map::new();
    object.insert("inode".into(), number(socket.inode));
    object.insert("type".into(), socket.kind.name().into());
    object.insert("state".into(), Stage::of(socket).name().into());
    name(&mut object, socket);
    let more = json!({
        "file": socket.file.map(|f| json!({"device": f.device, "inode": f.inode})),
        "net_namespace": known(socket.namespace),
        "holders": holders(listing, socket, users),
        "made_by": socket.uid.map(|uid| user(uid, users)),
        "peer": socket.peer.map(|peer| self::peer(listing, socket, peer, users)),
        "backlog": socket.backlog.map(|b| json!({"pending": b.pending, "limit": b.limit})),
        "queued_bytes": socket.unread,
        "unread_by_peer": socket.unsent,
        "descriptors_in_flight": socket.in_flight,
        "shutdown": {"read": socket.shutdown.read, "write": socket.shutdown.write},
        "waits_at": socket.waits_at,
    });
    if let Value::Object(more) = more {
        object.extend(more);
    }
    Value::Object(object)
}

fn name(object: &mut Map<String, Value>, socket: &Socket) {
    match shown_name(socket) {
        Some(name) => put_bytes(object, "name", &name),
        None => drop(object.insert("name".into(), Value::Null)),
    }
}

fn peer(listing: &Listing, socket: &Socket, peer: Peer, users: &Users) -> Value {
    let (state, inode) = match peer {
        Peer::Socket(inode) => ("connected", number(inode)),
        Peer::AtListener(inode) => ("not-accepted", number(inode)),
        Peer::Gone => ("closed", Value::Null),
    };
    let mut object = Map::new();
    object.insert("state".into(), state.into());
    object.insert("inode".into(), inode);
    match listing.peer(socket) {
        Some(peer) => {
            name(&mut object, peer);
            object.insert("holders".into(), holders(listing, peer, users));
        }
        None => {
            object.insert("name".into(), Value::Null);
            object.insert("holders".into(), json!([]));
        }
    }
    Value::Object(object)
}

pub(super) fn holders(listing: &Listing, socket: &Socket, users: &Users) -> Value {
    let one = |holder: &Holder| {
        let process = listing.processes.get(&holder.pid);
        let uid = process.and_then(|process| process.uid);
        json!({
            "pid": holder.pid,
            "fd": holder.fd,
            "process": process.map(|process| String::from_utf8_lossy(&process.name)),
            "user": uid.map(|uid| user(uid, users)),
        })
    };
    listing.holders(socket).iter().map(one).collect()
}

pub(super) fn user(uid: u32, users: &Users) -> Value {
    json!({"uid": uid, "name": users.name(uid, |name| name.map(str::to_string))})
}

/// `null` where there is none.
fn number(number: u32) -> Value {
    if number == 0 { Value::Null } else { number.into() }
}

/// The number of a namespace, or that it may not be seen.
pub(super) fn known(number: u64) -> Value {
    match number {
        0 => json!({"unseen": Unseen::Denied { needs: "CAP_SYS_PTRACE" }.to_string()}),
        number => number.into(),
    }
}

pub(super) fn complete(seen: &Seen<()>) -> Value {
    match seen {
        Seen::Known(()) => true.into(),
        Seen::Unseen(why) => json!({"unseen": why.to_string()}),
    }
}
