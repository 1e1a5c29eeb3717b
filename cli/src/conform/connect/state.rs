//! The caller's own socket, and servers that are busy.

use crate::conform::{Look, Make, Observed, Recipe, Scene, failed};
use crate::stage::client::{Client, Position};
use crate::stage::server::{Server, Then};
use crate::stage::{Stage, Step, Trouble, address, endpoint, wait_until};
use std::fs;
use std::path::PathBuf;
use std::time::Duration;
use sunpath::fact::socket::History;
use sunpath::sys::name::Name;
use sunpath::sys::option;
use sunpath::sys::process::Alarm;
use sunpath::sys::socket::{self, SocketFlags};
use sunpath::{Address, Call, Endpoint, SocketType, sys};

/// The recipes of this file.
pub const RECIPES: &[Recipe] = &[
    Recipe { id: "connect/backlog-full", needs: &[], make: Make::Scene(backlog_full) },
    Recipe { id: "connect/already-connected", needs: &[], make: Make::Direct(already_connected) },
    Recipe { id: "connect/from-listener", needs: &[], make: Make::Direct(from_listener) },
    Recipe { id: "connect/timed-out", needs: &[], make: Make::Direct(timed_out) },
    Recipe { id: "connect/interrupted", needs: &[], make: Make::Direct(interrupted) },
    Recipe {
        id: "connect/listener-closed-while-waiting",
        needs: &[],
        make: Make::Direct(listener_closed_while_waiting),
    },
];

/// A server whose backlog is full.
fn full(stage: &mut Stage) -> Result<PathBuf, Trouble> {
    let path = stage.path("app.sock");
    stage.serve(Server::new(&address(&path)).backlog(0))?;
    stage.pending(SocketType::Stream, &address(&path))?;
    Ok(path)
}

fn backlog_full(stage: &mut Stage) -> Result<Scene, Trouble> {
    Ok(Scene::connect(endpoint(full(stage)?)).nonblocking())
}

fn look(endpoint: Endpoint) -> Look<'static> {
    Look::new(Call::Connect, SocketType::Stream).endpoint(endpoint)
}

fn already_connected(stage: &mut Stage) -> Result<Observed, Trouble> {
    let path = stage.path("app.sock");
    stage.serve(Server::new(&address(&path)).then(Then::Accepts))?;
    let name = Name::new(&address(&path)).step("encode the address")?;
    let fd = socket::socket(SocketType::Stream, SocketFlags::empty()).step("make a socket")?;
    socket::connect(&fd, &name).step("connect")?;
    let symptom = failed(socket::connect(&fd, &name));
    Observed::of(look(endpoint(path)).descriptor(&fd), symptom)
}

fn from_listener(stage: &mut Stage) -> Result<Observed, Trouble> {
    let (own, other) = (stage.path("own.sock"), stage.path("app.sock"));
    stage.serve(Server::new(&address(&other)).then(Then::Accepts))?;
    let fd = socket::socket(SocketType::Stream, SocketFlags::empty()).step("make a socket")?;
    let name = Name::new(&address(&own)).step("encode an address")?;
    socket::bind(&fd, &name).step("bind")?;
    socket::listen(&fd, 1).step("listen")?;
    let name = Name::new(&address(&other)).step("encode the address")?;
    let symptom = failed(socket::connect(&fd, &name));
    Observed::of(look(endpoint(other)).descriptor(&fd), symptom)
}

fn timed_out(stage: &mut Stage) -> Result<Observed, Trouble> {
    let path = full(stage)?;
    let name = Name::new(&address(&path)).step("encode the address")?;
    let fd = socket::socket(SocketType::Stream, SocketFlags::empty()).step("make a socket")?;
    option::set_timeout(&fd, sys::libc::SO_SNDTIMEO, 200_000).step("set a timeout")?;
    let symptom = failed(socket::connect(&fd, &name));
    let history = History { blocked: true, ..History::default() };
    Observed::of(look(endpoint(path)).descriptor(&fd).history(history), symptom)
}

fn interrupted(stage: &mut Stage) -> Result<Observed, Trouble> {
    let path = full(stage)?;
    let name = Name::new(&address(&path)).step("encode the address")?;
    let fd = socket::socket(SocketType::Stream, SocketFlags::empty()).step("make a socket")?;
    let alarm = Alarm::every(Duration::from_millis(100), false).step("set an alarm")?;
    let symptom = failed(socket::connect(&fd, &name));
    drop(alarm);
    let history = History { blocked: true, ..History::default() };
    Observed::of(look(endpoint(path)).descriptor(&fd).history(history), symptom)
}

/// The client waits for room in the backlog when the server dies.
fn listener_closed_while_waiting(stage: &mut Stage) -> Result<Observed, Trouble> {
    let address = Address::Abstract(stage.abstract_name("app"));
    let server = stage.serve(Server::new(&address).backlog(0))?;
    stage.pending(SocketType::Stream, &address)?;
    let name = Name::new(&address).step("encode the address")?;
    let fd = socket::socket(SocketType::Stream, SocketFlags::empty()).step("make a socket")?;
    let same = fd.try_clone().step("copy a descriptor")?;
    let connect = move || Ok(failed(socket::connect(&same, &name)));
    let mut client = Client::start(Position::default(), connect)?;
    client.tell()?;
    let stack = format!("/proc/{}/wchan", client.pid());
    let state = format!("/proc/{}/stat", client.pid());
    wait_until("the client waits", || {
        let asleep = fs::read_to_string(&state).is_ok_and(|s| s.contains(") S "));
        let place = fs::read_to_string(&stack).unwrap_or_default();
        asleep && !place.contains("pipe")
    })?;
    stage.end(server)?;
    let symptom = client.hear(Duration::from_secs(5))?;
    let history = History { blocked: true, ..History::default() };
    Observed::of(look(Endpoint::Unix(address)).descriptor(&fd).history(history), symptom)
}
