//! Sockets and the processes that hold them.

use super::page::Page;
use super::text::{calm, count, show};
use super::{BAD, paint};
use sunpath::SocketType;
use sunpath::fact::process::{ProcessState, WaitsIn};
use sunpath::fact::socket::{Backlog, State};
use sunpath::fact::{InetTarget, Process, SocketFact};
use sunpath::text::escape;

/// Sockets shown at most, and processes of each.
const MOST: usize = 3;
const LABEL: usize = 8;

/// A heading and the sockets, those that could take a connection first.
pub fn sockets(page: &mut Page, heading: &str, sockets: &[SocketFact], names: bool) {
    let mut sorted: Vec<_> = sockets.iter().collect();
    sorted.sort_by_key(|s| rank(s));
    let established = |s: &&&SocketFact| rank(s) == 2;
    let connections = sorted.iter().filter(established).count();
    if connections < sorted.len() {
        sorted.retain(|s| rank(s) < 2);
    }
    page.head(heading);
    for socket in sorted.iter().take(MOST) {
        one(page, socket, names);
    }
    if sorted.len() > MOST {
        page.para(&format!("and {}", count(sorted.len() - MOST, "more socket")), 2);
    }
    if connections > 0 && rank(sorted[0]) < 2 {
        page.field("", LABEL, &format!("{} established", count(connections, "connection")));
    }
}

/// Listeners first, established connections last.
fn rank(socket: &SocketFact) -> u8 {
    match (socket.state, socket.kind) {
        (State::Listening, _) => 0,
        (State::Connected, SocketType::Stream | SocketType::SeqPacket) => 2,
        _ => 1,
    }
}

fn one(page: &mut Page, socket: &SocketFact, names: bool) {
    match socket.owners.known() {
        Some(owners) if owners.is_empty() => {
            page.field("process", LABEL, "none that could be seen holds it");
        }
        Some(owners) => processes(page, owners),
        None => {
            let why = socket.owners.unseen().map(ToString::to_string).unwrap_or_default();
            page.field("process", LABEL, &format!("not visible: {}", calm(&why)));
        }
    }
    page.field("socket", LABEL, &state(socket));
    if let Some(backlog) = socket.backlog {
        page.field("backlog", LABEL, &self::backlog(backlog, socket.stuck_ms.known().copied()));
    }
    if let Some(name) = socket.name.as_ref().filter(|_| names) {
        page.field("bound to", LABEL, &bound(name));
    }
}

fn bound(name: &[u8]) -> String {
    match name {
        [0, rest @ ..] => {
            let text = rest.iter().rposition(|b| *b != 0).map_or(0, |at| at + 1);
            match rest.len() - text {
                0 => format!("@{}", show(rest)),
                nuls => format!("@{} and {}", show(&rest[..text]), count(nuls, "NUL byte")),
            }
        }
        path => show(path),
    }
}

fn processes(page: &mut Page, owners: &[Process]) {
    for owner in owners.iter().take(MOST) {
        page.field("process", LABEL, &process(owner));
    }
    if owners.len() > MOST {
        page.field("", LABEL, &format!("and {} more", owners.len() - MOST));
    }
}

/// `nginx, pid 4711, uid 33, descriptor 7; sleeping, waits for events`
fn process(process: &Process) -> String {
    let mut text = format!("{}, pid {}", show(process.name.as_bytes()), process.pid);
    if let Some(uid) = process.uid.known() {
        text.push_str(&format!(", uid {uid}"));
    }
    if let Some(fd) = process.fd {
        text.push_str(&format!(", descriptor {fd}"));
    }
    let mut doing = Vec::new();
    if process.frozen.is(|f| *f) {
        doing.push(paint(BAD, "frozen"));
    }
    if let Some(state) = process.state.known() {
        let dead_stop =
            matches!(state, ProcessState::Stopped | ProcessState::Traced | ProcessState::Dead);
        doing.push(if dead_stop { paint(BAD, state.name()) } else { state.name().to_string() });
    }
    match process.waits_in.known() {
        Some(WaitsIn::Events) => doing.push("ready for events".to_string()),
        Some(WaitsIn::Elsewhere { call }) => {
            doing.push(format!("in {}", escape(call.as_bytes())));
        }
        None => {}
    }
    if let Some(use_) = process.descriptors.known().filter(|d| d.is_full()) {
        let full = format!("{} of {} descriptors in use", use_.used, use_.limit);
        doing.push(paint(BAD, &full));
    }
    if !doing.is_empty() {
        text.push_str(&format!("; {}", doing.join(", ")));
    }
    text
}

fn state(socket: &SocketFact) -> String {
    let mut text = socket.kind.name().to_string();
    let state = match (socket.state, socket.kind) {
        (State::Listening, _) => "listening",
        (State::Connected, SocketType::Datagram) => "bound, and connected to one sender",
        (State::Connected, _) => "connected",
        (State::Unconnected, SocketType::Datagram) => "bound",
        (State::Unconnected, _) => "bound, not listening",
    };
    text.push_str(&format!(", {state}"));
    let shut = match (socket.shutdown.read, socket.shutdown.write) {
        (true, true) => "shut down",
        (true, false) => "shut down for receiving",
        (false, true) => "shut down for sending",
        (false, false) => "",
    };
    if !shut.is_empty() {
        text.push_str(&format!(", {}", paint(BAD, shut)));
    }
    let queued = socket.queued_bytes.known().filter(|b| **b > 0);
    if let Some(bytes) = queued.filter(|_| socket.kind == SocketType::Datagram) {
        text.push_str(&format!(", {} unread", count(*bytes as usize, "byte")));
    }
    text
}

fn backlog(backlog: Backlog, stuck_ms: Option<u32>) -> String {
    let mut text = format!("{} waiting to be accepted, limit {}", backlog.pending, backlog.limit);
    if backlog.is_full() {
        text =
            format!("{} (one above the limit is admitted)", paint(BAD, &format!("full: {text}")));
    }
    if let Some(ms) = stuck_ms.filter(|ms| *ms > 0) {
        text.push_str(&format!("; the first has not moved for {ms} ms"));
    }
    text
}

/// What an internet address leads to.
pub fn inet(page: &mut Page, target: &InetTarget) {
    if let Some(addresses) = target.addresses.known().filter(|a| !a.is_empty()) {
        let shown: Vec<_> = addresses.iter().take(8).map(ToString::to_string).collect();
        page.field("address", LABEL, &shown.join(", "));
    }
    if let Some(route) = target.route.known() {
        page.field("route", LABEL, &self::route(route));
    }
    let listeners = target.listeners.known().map(Vec::as_slice).unwrap_or_default();
    for listener in listeners.iter().take(MOST) {
        let state = if listener.listening { "listening on" } else { "bound to" };
        page.field("socket", LABEL, &format!("{state} {}", listener.local));
        if let Some(backlog) = listener.backlog {
            page.field("backlog", LABEL, &self::backlog(backlog, None));
        }
        if let Some(owners) = listener.owners.known() {
            processes(page, owners);
        }
    }
}

fn route(route: &sunpath::fact::inet::Route) -> String {
    use sunpath::fact::inet::Route;
    match route {
        Route::Local => "this machine".to_string(),
        Route::Unicast { device, gateway } => {
            let by = gateway.map(|g| format!(", by {g}")).unwrap_or_default();
            format!("out of {}{by}", escape(device.as_bytes()))
        }
        Route::Broadcast => "a broadcast address".to_string(),
        Route::Multicast => "a multicast group".to_string(),
        Route::Unreachable => "declared unreachable by the routing table".to_string(),
        Route::Prohibited => "prohibited by the routing table".to_string(),
        Route::Blackhole => "swallowed by the routing table (blackhole)".to_string(),
        Route::None => "none".to_string(),
    }
}
