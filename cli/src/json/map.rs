//! The graph of who talks to whom, as JSON.

use super::listing::{complete, known, user};
use super::{print, put_bytes};
use crate::map::Map;
use crate::map::graph::{Link, Node, Port};
use serde_json::{Map as Object, Value, json};

/// The answer of `sunpath map --json`.
pub fn map(map: &Map<'_>) -> String {
    let graph = &map.graph;
    let nodes = graph.nodes.iter().enumerate().map(|(at, n)| node(map, at, n));
    let ports = graph.ports.iter().enumerate().map(|(at, p)| port(at, p));
    let listing = map.listing;
    print(&json!({
        "nodes": nodes.collect::<Value>(),
        "ports": ports.collect::<Value>(),
        "links": graph.links.iter().map(link).collect::<Value>(),
        "net_namespaces": listing.namespaces.iter().map(|n| known(*n)).collect::<Value>(),
        "all_sockets": complete(&listing.all_sockets),
        "all_holders": complete(&listing.all_holders),
        "closed_processes": listing.closed_processes,
    }))
}

fn node(map: &Map<'_>, at: usize, node: &Node) -> Value {
    let mut object = Object::new();
    object.insert("id".into(), at.into());
    object.insert("pids".into(), node.pids.clone().into());
    let name = (!node.is_nobody()).then(|| String::from_utf8_lossy(&node.name));
    object.insert("process".into(), name.into());
    object.insert("user".into(), node.uid.map(|uid| user(uid, map.users)).into());
    object.insert("alone".into(), node.alone.into());
    object.insert("peer_closed".into(), node.widowed.into());
    Value::Object(object)
}

fn port(at: usize, port: &Port) -> Value {
    let mut object = Object::new();
    object.insert("id".into(), at.into());
    object.insert("node".into(), port.node.into());
    object.insert("also_held_by".into(), port.also.clone().into());
    name(&mut object, port.name.as_deref());
    object.insert("type".into(), port.kind.name().into());
    object.insert("inode".into(), port.inode.into());
    object.insert("net_namespace".into(), known(port.namespace));
    let backlog = port.backlog.map(|b| json!({"pending": b.pending, "limit": b.limit}));
    object.insert("backlog".into(), backlog.into());
    object.insert("gave_up".into(), port.abandoned.into());
    object.insert("queued_bytes".into(), port.unread.into());
    Value::Object(object)
}

fn link(link: &Link) -> Value {
    let between = &link.between;
    let mut object = Object::new();
    object.insert("from".into(), between.from.into());
    object.insert("to".into(), between.to.into());
    object.insert("relation".into(), between.relation.name().into());
    object.insert("type".into(), between.kind.name().into());
    object.insert("net_namespace".into(), known(between.namespace));
    object.insert("port".into(), between.port.into());
    name(&mut object, between.name.as_deref());
    object.insert("count".into(), link.count().into());
    object.insert("unread_by_client".into(), link.at_client.into());
    object.insert("unread_by_server".into(), link.at_server.into());
    object.insert("descriptors_in_flight".into(), link.in_flight.into());
    let ends = link.ends.iter().map(|(client, server)| json!([client, server]));
    object.insert("ends".into(), ends.collect());
    Value::Object(object)
}

fn name(object: &mut Object<String, Value>, name: Option<&[u8]>) {
    match name {
        Some([0, rest @ ..]) => put_bytes(object, "name", &[b"@", rest].concat()),
        Some(path) => put_bytes(object, "name", path),
        None => drop(object.insert("name".into(), Value::Null)),
    }
}
