//! An object in each line, as docs/json.md describes it.

use super::{Descriptor, Event, What, Who};
use crate::json::put_bytes;
use serde_json::{Map, Value, json};

/// Writes a line.
pub(super) fn write(event: &Event<'_>, line: &mut Vec<u8>) {
    let mut object = Map::new();
    object.insert("time_us".into(), (event.time.as_micros() as u64).into());
    object.insert("connection".into(), event.connection.number.into());
    object.insert("event".into(), event.what.name().into());
    if let Some(from) = event.what.from() {
        object.insert("from".into(), from.name().into());
    }
    match event.what {
        What::Open => {
            object.insert("type".into(), event.connection.kind.name().into());
            object.insert("client".into(), who(&event.connection.client));
            object.insert("server".into(), who(&event.connection.server));
        }
        What::Refused { why } => {
            object.insert("client".into(), who(&event.connection.client));
            object.insert("error".into(), why.into());
        }
        What::Data { bytes, length, urgent, descriptors, .. } => {
            let shown = event.shown(bytes);
            object.insert("bytes".into(), length.into());
            put_bytes(&mut object, "data", shown);
            object.insert("cut".into(), (shown.len() < length).into());
            object.insert("urgent".into(), urgent.into());
            let descriptors = descriptors.iter().map(descriptor).collect();
            object.insert("descriptors".into(), Value::Array(descriptors));
        }
        What::Lost { bytes, .. } => {
            object.insert("bytes".into(), bytes.into());
        }
        What::Close => {
            object.insert("client_bytes".into(), event.totals[0].into());
            object.insert("server_bytes".into(), event.totals[1].into());
        }
        What::End { .. } | What::Reset { .. } => {}
    }
    line.extend_from_slice(crate::json::line(&Value::Object(object)).as_bytes());
}

fn who(who: &Who) -> Value {
    let pid = Some(who.pid).filter(|pid| *pid != 0);
    json!({"pid": pid, "uid": who.uid, "process": who.name})
}

fn descriptor(descriptor: &Descriptor) -> Value {
    let mut object = Map::new();
    object.insert("kind".into(), descriptor.kind.into());
    match &descriptor.name {
        Some(name) => put_bytes(&mut object, "name", name),
        None => drop(object.insert("name".into(), Value::Null)),
    }
    object.insert("inode".into(), descriptor.inode.into());
    Value::Object(object)
}
