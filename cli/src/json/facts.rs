//! Facts as JSON, field by field, so that a change of a type cannot change the format by accident.

mod path;
mod socket;

use super::put_bytes;
use serde_json::{Map, Value, json};
use std::net::IpAddr;
use sunpath::Facts;
use sunpath::fact::caller::{Caller, Ids, Seccomp, UserNamespace};
use sunpath::fact::inet::{InetSocket, Neighbour, Route};
use sunpath::fact::process::{DescriptorUse, ProcessState, WaitsIn};
use sunpath::fact::{InetTarget, Process, Seen, System, Target};

/// Everything that was observed.
pub fn facts(facts: &Facts) -> Value {
    let target = match &facts.target {
        Target::None => Value::Null,
        Target::Path(p) => path::path(p),
        Target::Abstract(a) => socket::abstract_name(a),
        Target::Inet(i) => inet(i),
    };
    json!({
        "taken_ms": facts.taken_ms,
        "caller": caller(&facts.caller),
        "target": target,
        "system": system(&facts.system),
    })
}

/// A known value, or an object that says why it is not known.
fn seen<T>(fact: &Seen<T>, known: impl FnOnce(&T) -> Value) -> Value {
    match fact {
        Seen::Known(value) => known(value),
        Seen::Unseen(reason) => json!({"unseen": reason.to_string()}),
    }
}

/// A known value that JSON has a form for.
fn plain<T: Clone + Into<Value>>(fact: &Seen<T>) -> Value {
    seen(fact, |v| v.clone().into())
}

/// Bytes below a key of an object of their own.
fn bytes(key: &str, value: &[u8]) -> Value {
    let mut object = Map::new();
    put_bytes(&mut object, key, value);
    Value::Object(object)
}

/// An object with further fields.
fn with(mut object: Value, more: Value) -> Value {
    if let (Value::Object(object), Value::Object(more)) = (&mut object, more) {
        object.extend(more);
    }
    object
}

fn all<T>(items: &[T], one: impl Fn(&T) -> Value) -> Value {
    items.iter().map(one).collect()
}

fn caller(caller: &Caller) -> Value {
    json!({
        "pid": caller.pid,
        "user_name": caller.user_name,
        "ids": seen(&caller.ids, ids),
        "capabilities": seen(&caller.capabilities, |c| format!("{:016x}", c.0).into()),
        "user_namespace": seen(&caller.user_namespace, user_namespace),
        "account_groups": seen(&caller.account_groups, |groups| {
            all(groups, |g| json!({"gid": g.gid, "name": g.name}))
        }),
        "root": seen(&caller.root, |p| bytes("path", p)),
        "cwd": seen(&caller.cwd, |p| bytes("path", p)),
        "mount_namespace": plain(&caller.mount_namespace),
        "net_namespace": plain(&caller.net_namespace),
        "seccomp": seen(&caller.seccomp, |s| seccomp(*s).into()),
        "landlock": plain(&caller.landlock),
        "security_label": plain(&caller.security_label),
        "descriptors": seen(&caller.descriptors, descriptor_use),
    })
}

fn ids(ids: &Ids) -> Value {
    json!({"uid": ids.uid, "gid": ids.gid, "groups": ids.groups})
}

fn user_namespace(ns: &UserNamespace) -> Value {
    let map = |ranges: &[sunpath::fact::caller::IdRange]| {
        all(ranges, |r| json!({"inside": r.inside, "outside": r.outside, "count": r.count}))
    };
    json!({"initial": ns.initial, "uid_map": map(&ns.uid_map), "gid_map": map(&ns.gid_map)})
}

const fn seccomp(seccomp: Seccomp) -> &'static str {
    match seccomp {
        Seccomp::Off => "off",
        Seccomp::Strict => "strict",
        Seccomp::Filter => "filter",
    }
}

fn descriptor_use(descriptors: &DescriptorUse) -> Value {
    json!({"used": descriptors.used, "limit": descriptors.limit})
}

fn process(process: &Process) -> Value {
    json!({
        "pid": process.pid,
        "name": process.name,
        "fd": process.fd,
        "uid": plain(&process.uid),
        "state": seen(&process.state, |s: &ProcessState| s.name().into()),
        "waits_in": seen(&process.waits_in, |w| match w {
            WaitsIn::Events => json!({"events": true}),
            WaitsIn::Elsewhere { call } => json!({"events": false, "call": call}),
        }),
        "frozen": plain(&process.frozen),
        "descriptors": seen(&process.descriptors, descriptor_use),
        "mount_namespace": plain(&process.mount_namespace),
        "net_namespace": plain(&process.net_namespace),
        "root": seen(&process.root, |p| bytes("path", p)),
    })
}

fn processes(owners: &Seen<Vec<Process>>) -> Value {
    seen(owners, |owners| all(owners, process))
}

fn inet(target: &InetTarget) -> Value {
    json!({
        "kind": "inet",
        "host": target.host,
        "port": target.port,
        "addresses": seen(&target.addresses, |a| all(a, |ip: &IpAddr| ip.to_string().into())),
        "route": seen(&target.route, route),
        "listeners": seen(&target.listeners, |l| all(l, inet_socket)),
        "neighbour": seen(&target.neighbour, |n| neighbour(*n).into()),
        "port_range": seen(&target.port_range, |(from, to)| json!([from, to])),
        "ports_used": plain(&target.ports_used),
        "is_local": plain(&target.is_local),
        "in_use_by": seen(&target.in_use_by, |s| all(s, inet_socket)),
        "nonlocal_bind": plain(&target.nonlocal_bind),
        "unprivileged_from": plain(&target.unprivileged_from),
    })
}

fn route(route: &Route) -> Value {
    match route {
        Route::Local => json!({"kind": "local"}),
        Route::Unicast { device, gateway } => {
            let gateway = gateway.map(|g| g.to_string());
            json!({"kind": "unicast", "device": device, "gateway": gateway})
        }
        Route::Broadcast => json!({"kind": "broadcast"}),
        Route::Multicast => json!({"kind": "multicast"}),
        Route::Unreachable => json!({"kind": "unreachable"}),
        Route::Prohibited => json!({"kind": "prohibited"}),
        Route::Blackhole => json!({"kind": "blackhole"}),
        Route::None => json!({"kind": "none"}),
    }
}

const fn neighbour(neighbour: Neighbour) -> &'static str {
    match neighbour {
        Neighbour::Reachable => "reachable",
        Neighbour::Failed => "failed",
        Neighbour::Incomplete => "incomplete",
        Neighbour::None => "none",
    }
}

fn inet_socket(socket: &InetSocket) -> Value {
    json!({
        "inode": socket.inode,
        "local": socket.local.to_string(),
        "remote": socket.remote.map(|r| r.to_string()),
        "listening": socket.listening,
        "v6_only": socket.v6_only,
        "backlog": socket.backlog.map(socket::backlog),
        "owners": processes(&socket.owners),
    })
}

fn system(system: &System) -> Value {
    json!({
        "release": plain(&system.release),
        "version": seen(&system.version, |(a, b, c)| json!([a, b, c])),
        "security_modules": plain(&system.security_modules),
        "protected_symlinks": plain(&system.protected_symlinks),
        "somaxconn": plain(&system.somaxconn),
        "max_dgram_qlen": plain(&system.max_dgram_qlen),
        "optmem_max": plain(&system.optmem_max),
        "wmem_max": plain(&system.wmem_max),
        "file_max": plain(&system.file_max),
        "files_open": plain(&system.files_open),
        "unix_sockets": plain(&system.unix_sockets),
    })
}
