//! Who is at the other end.

use super::tell::{Teller, Weight};
use crate::json::put_bytes;
use crate::render::text::show;
use serde_json::{Map, Value};
use std::ffi::OsStr;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use sunpath::sys::accounts;
use sunpath::{Credentials, Peer};

/// Tells of the process that made a connection, or that listens.
pub fn peer(teller: &Teller, peer: Peer<'_>) {
    let credentials = match peer.credentials() {
        Ok(credentials) => credentials,
        Err(error) => return teller.note(&format!("who the peer is cannot be told: {error}")),
    };
    let mut fields = ids(credentials);
    let mut text = format!("peer: {}", sentence(credentials));
    let groups = peer.groups().ok();
    if let Some(groups) = groups.as_ref().filter(|groups| !groups.is_empty()) {
        let list: Vec<_> = groups.iter().map(u32::to_string).collect();
        text.push_str(&format!(", groups {}", list.join(" ")));
    }
    fields.insert("groups".into(), groups.into());
    if let Ok(Some(label)) = peer.security_label() {
        text.push_str(&format!(", label {}", show(&label)));
        put_bytes(&mut fields, "label", &label);
    }
    let process = peer.process();
    let running = process.as_ref().ok().map(Option::is_some);
    let process = process.ok().flatten();
    let name = process.as_ref().and_then(|process| process.name());
    let executable = process.as_ref().and_then(|p| p.executable()).map(|path| path.as_os_str());
    let pidfd = peer.pidfd().ok();
    put(&mut fields, "process", name);
    put(&mut fields, "executable", executable);
    fields.insert("running".into(), running.into());
    let pidfd = pidfd.as_ref().and_then(pid_of);
    fields.insert("pidfd".into(), pidfd.into());
    if let Some(name) = name {
        text.push_str(&format!(", {}", show(name.as_bytes())));
    }
    if let Some(path) = executable {
        text.push_str(&format!(" ({})", show(path.as_bytes())));
    }
    text.push_str(match running {
        Some(true) => "; the process runs",
        Some(false) => "; the process has ended",
        None => "",
    });
    text.push_str(&pidfd.map(|pid| format!(", as pid {pid} here")).unwrap_or_default());
    teller.tell(Weight::News, "peer", Value::Object(fields), &text);
}

/// Tells of the process that sent a message.
pub fn sender(teller: &Teller, credentials: Credentials, runs: Option<bool>) {
    let mut fields = ids(credentials);
    fields.insert("running".into(), runs.into());
    let runs = match runs {
        Some(true) => "; the process runs",
        Some(false) => "; the process has ended",
        None => "",
    };
    let text = format!("sender: {}{runs}", sentence(credentials));
    teller.tell(Weight::News, "sender", Value::Object(fields), &text);
}

fn put(fields: &mut Map<String, Value>, key: &str, value: Option<&OsStr>) {
    match value {
        Some(value) => put_bytes(fields, key, value.as_bytes()),
        None => drop(fields.insert(key.into(), Value::Null)),
    }
}

fn ids(credentials: Credentials) -> Map<String, Value> {
    let Credentials { pid, uid, gid, .. } = credentials;
    let mut fields = Map::new();
    fields.insert("pid".into(), pid.into());
    fields.insert("uid".into(), uid.into());
    fields.insert("gid".into(), gid.into());
    match user(uid) {
        Some(name) => put_bytes(&mut fields, "user", &name),
        None => drop(fields.insert("user".into(), Value::Null)),
    }
    fields
}

fn sentence(credentials: Credentials) -> String {
    let name = user(credentials.uid).map(|name| format!(" ({})", show(&name))).unwrap_or_default();
    format!("pid {}, user {}{name}, group {}", credentials.pid, credentials.uid, credentials.gid)
}

fn user(uid: u32) -> Option<Vec<u8>> {
    Some(accounts::user_by_id(uid).ok()??.name)
}

/// The process behind a process descriptor, as this process numbers it; `None` if it has ended.
pub fn pid_of(pidfd: &OwnedFd) -> Option<u32> {
    let path = format!("/proc/self/fdinfo/{}", pidfd.as_raw_fd());
    let info = std::fs::read_to_string(path).ok()?;
    info.lines().find_map(|line| line.strip_prefix("Pid:"))?.trim().parse().ok()
}
