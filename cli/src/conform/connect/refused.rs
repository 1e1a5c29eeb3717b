//! The address leads to something that takes no connection.

use crate::conform::{Look, Make, Need, Observed, Recipe, Scene, failed};
use crate::stage::server::{Server, Then};
use crate::stage::{self, Stage, Step, Trouble, address, endpoint, place};
use std::fs;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixListener;
use sunpath::sys::name::Name;
use sunpath::sys::namespace;
use sunpath::sys::socket::{self, SocketFlags};
use sunpath::{Call, SocketType};

/// The recipes of this file.
pub const RECIPES: &[Recipe] = &[
    Recipe { id: "connect/stale-socket", needs: &[], make: Make::Scene(stale_socket) },
    Recipe { id: "connect/not-a-socket", needs: &[], make: Make::Scene(not_a_socket) },
    Recipe { id: "connect/link-to-open-socket", needs: &[], make: Make::Direct(open_socket) },
    Recipe { id: "connect/not-listening", needs: &[], make: Make::Scene(not_listening) },
    Recipe { id: "connect/listener-shut-down", needs: &[], make: Make::Scene(shut_down) },
    Recipe { id: "connect/wrong-type", needs: &[], make: Make::Scene(wrong_type) },
    Recipe { id: "connect/path-rebound", needs: &[], make: Make::Scene(path_rebound) },
    Recipe {
        id: "connect/stale-bind-mount",
        needs: &[Need::Root],
        make: Make::Scene(stale_bind_mount),
    },
    Recipe {
        id: "connect/other-filesystem-view",
        needs: &[Need::Root],
        make: Make::Scene(other_filesystem_view),
    },
];

fn stale_socket(stage: &mut Stage) -> Result<Scene, Trouble> {
    let path = stage.path("app.sock");
    let server = stage.serve(Server::new(&address(&path)))?;
    stage.end(server)?;
    Ok(Scene::connect(endpoint(&path)))
}

fn not_a_socket(stage: &mut Stage) -> Result<Scene, Trouble> {
    let path = stage.path("app.sock");
    fs::write(&path, "").step("write a file")?;
    stage::chmod(&path, 0o666)?;
    Ok(Scene::connect(endpoint(&path)))
}

/// A link to the descriptor of a live listener.
/// The link of this process's own descriptor: those of others may not be followed by everybody.
fn open_socket(stage: &mut Stage) -> Result<Observed, Trouble> {
    let listener = UnixListener::bind(stage.path("app.sock")).step("bind the server")?;
    let link = format!("/proc/self/fd/{}", listener.as_raw_fd());
    let client = socket::socket(SocketType::Stream, SocketFlags::empty()).step("make a socket")?;
    let name = Name::new(&address(&link)).step("encode an address")?;
    let symptom = failed(socket::connect(&client, &name));
    Observed::of(Look::new(Call::Connect, SocketType::Stream).endpoint(endpoint(&link)), symptom)
}

fn not_listening(stage: &mut Stage) -> Result<Scene, Trouble> {
    let path = stage.path("app.sock");
    stage.serve(Server::new(&address(&path)).then(Then::OnlyBinds))?;
    Ok(Scene::connect(endpoint(&path)))
}

fn shut_down(stage: &mut Stage) -> Result<Scene, Trouble> {
    let path = stage.path("app.sock");
    stage.serve(Server::new(&address(&path)).then(Then::ShutsDown))?;
    Ok(Scene::connect(endpoint(&path)))
}

fn wrong_type(stage: &mut Stage) -> Result<Scene, Trouble> {
    let path = stage.path("log.sock");
    stage.serve(Server::new(&address(&path)).socket(SocketType::Datagram).then(Then::Accepts))?;
    Ok(Scene::connect(endpoint(&path)))
}

/// A live server lost its path to a second one, which died.
fn path_rebound(stage: &mut Stage) -> Result<Scene, Trouble> {
    let path = stage.path("app.sock");
    stage.serve(Server::new(&address(&path)).then(Then::Accepts))?;
    fs::remove_file(&path).step("remove the socket file")?;
    let second = stage.serve(Server::new(&address(&path)))?;
    stage.end(second)?;
    Ok(Scene::connect(endpoint(&path)))
}

/// A mount of the socket file alone still shows the old file after the server made a new one.
fn stale_bind_mount(stage: &mut Stage) -> Result<Scene, Trouble> {
    place::own_mounts()?;
    let (path, shown) = (stage.path("app.sock"), stage.path("shown.sock"));
    let first = stage.serve(Server::new(&address(&path)))?;
    fs::write(&shown, "").step("make a place for the mount")?;
    namespace::bind(&path, &shown).step("mount the socket file")?;
    stage.end(first)?;
    fs::remove_file(&path).step("remove the old socket file")?;
    stage.serve(Server::new(&address(&path)).then(Then::Accepts))?;
    Ok(Scene::connect(endpoint(&shown)))
}

/// An overlay shows the file of a live socket, but as a file of its own.
fn other_filesystem_view(stage: &mut Stage) -> Result<Scene, Trouble> {
    let merged = place::mount_overlay(stage, |stage, lower| {
        let server = Server::new(&address(lower.join("app.sock")));
        stage.serve(server.then(Then::Accepts)).map(drop)
    })?;
    Ok(Scene::connect(endpoint(merged.join("app.sock"))))
}
