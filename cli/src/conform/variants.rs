//! Other ways to come by a cause, for `sunpath demo` and the scenario tests. Each is named after
//! its cause, with a word behind it.

use super::{Make, Need, Recipe, Scene};
use crate::stage::server::{Server, Then};
use crate::stage::{Stage, Step, Trouble, address, endpoint, place};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use sunpath::SocketType;

/// The recipes of this file.
pub const RECIPES: &[Recipe] = &[
    Recipe { id: "connect/not-a-socket/directory", needs: &[], make: Make::Scene(directory) },
    Recipe { id: "connect/not-a-socket/fifo", needs: &[], make: Make::Scene(fifo) },
    Recipe { id: "connect/not-a-socket/device", needs: &[], make: Make::Scene(device) },
    Recipe { id: "connect/wrong-type/seqpacket", needs: &[], make: Make::Scene(seqpacket) },
    Recipe { id: "connect/stale-socket/symlink", needs: &[], make: Make::Scene(stale_link) },
    Recipe { id: "connect/stale-socket/datagram", needs: &[], make: Make::Scene(stale_datagram) },
    as_root("connect/stale-socket/overlay", stale_on_overlay),
    as_root("bind/stale-socket/overlay", bind_stale_on_overlay),
    as_root("connect/stale-socket/elsewhere-alive", stale_here_alive_elsewhere),
    as_root("connect/unlinked-live/other-network", unlinked_in_other_network),
    as_root("connect/path-rebound/other-network", rebound_in_other_network),
    Recipe { id: "connect/not-listening/seqpacket", needs: &[], make: Make::Scene(deaf_packets) },
    Recipe {
        id: "wait/server-not-accepting/seqpacket",
        needs: &[],
        make: Make::Scene(unaccepted_packets),
    },
    Recipe {
        id: "wait/server-stopped/backlog-full",
        needs: &[],
        make: Make::Scene(full_and_stopped),
    },
];

const fn as_root(id: &'static str, make: fn(&mut Stage) -> Result<Scene, Trouble>) -> Recipe {
    Recipe { id, needs: &[Need::Root], make: Make::Scene(make) }
}

/// A container engine makes one where it is told to mount a socket that is not there.
fn directory(stage: &mut Stage) -> Result<Scene, Trouble> {
    Ok(Scene::connect(endpoint(stage.subdir("app.sock")?)))
}

fn fifo(stage: &mut Stage) -> Result<Scene, Trouble> {
    let path = stage.path("app.sock");
    place::run("mkfifo", &[path.as_os_str()])?;
    Ok(Scene::connect(endpoint(path)))
}

fn device(_: &mut Stage) -> Result<Scene, Trouble> {
    Ok(Scene::connect(endpoint("/dev/null")))
}

fn seqpacket(stage: &mut Stage) -> Result<Scene, Trouble> {
    let path = stage.path("app.sock");
    let server = Server::new(&address(&path)).socket(SocketType::SeqPacket);
    stage.serve(server.then(Then::Accepts))?;
    Ok(Scene::connect(endpoint(path)))
}

/// A server of this type that has died.
fn dead(stage: &mut Stage, path: &Path, socket: SocketType) -> Result<(), Trouble> {
    let server = stage.serve(Server::new(&address(path)).socket(socket))?;
    stage.end(server)
}

fn stale_link(stage: &mut Stage) -> Result<Scene, Trouble> {
    let (path, link) = (stage.path("app.sock"), stage.path("link.sock"));
    dead(stage, &path, SocketType::Stream)?;
    symlink(path, &link).step("make a symbolic link")?;
    Ok(Scene::connect(endpoint(link)))
}

fn stale_datagram(stage: &mut Stage) -> Result<Scene, Trouble> {
    let path = stage.path("app.sock");
    dead(stage, &path, SocketType::Datagram)?;
    Ok(Scene::connect(endpoint(path)).socket(SocketType::Datagram))
}

/// In a container, after its server died.
fn stale_on_overlay(stage: &mut Stage) -> Result<Scene, Trouble> {
    let path = place::mount_overlay(stage, |_, _| Ok(()))?.join("app.sock");
    dead(stage, &path, SocketType::Stream)?;
    Ok(Scene::connect(endpoint(path)))
}

fn bind_stale_on_overlay(stage: &mut Stage) -> Result<Scene, Trouble> {
    let scene = stale_on_overlay(stage)?;
    Ok(Scene::bind(scene.endpoint))
}

/// A server in a container has the same path, but another file system.
fn stale_here_alive_elsewhere(stage: &mut Stage) -> Result<Scene, Trouble> {
    let dir = stage.subdir("run")?;
    let path = dir.join("app.sock");
    dead(stage, &path, SocketType::Stream)?;
    let server = Server::new(&address(&path)).then(Then::Accepts).inside(move || {
        place::own_mounts()?;
        place::mount_tmpfs(&dir, c"size=64k")
    });
    stage.serve(server)?;
    Ok(Scene::connect(endpoint(path)))
}

/// A live server in a network namespace of its own, whose socket file was removed.
fn unlinked_in_other_network(stage: &mut Stage) -> Result<Scene, Trouble> {
    let path = stage.path("app.sock");
    let server = Server::new(&address(&path)).then(Then::Accepts);
    stage.serve(server.inside(place::own_network))?;
    fs::remove_file(&path).step("remove the socket file")?;
    Ok(Scene::connect(endpoint(path)))
}

fn rebound_in_other_network(stage: &mut Stage) -> Result<Scene, Trouble> {
    let scene = unlinked_in_other_network(stage)?;
    dead(stage, &stage.path("app.sock"), SocketType::Stream)?;
    Ok(scene)
}

fn deaf_packets(stage: &mut Stage) -> Result<Scene, Trouble> {
    let path = stage.path("app.sock");
    let server = Server::new(&address(&path)).socket(SocketType::SeqPacket);
    stage.serve(server.then(Then::OnlyBinds))?;
    Ok(Scene::connect(endpoint(path)).socket(SocketType::SeqPacket))
}

fn unaccepted_packets(stage: &mut Stage) -> Result<Scene, Trouble> {
    let path = stage.path("app.sock");
    stage.serve(Server::new(&address(&path)).socket(SocketType::SeqPacket))?;
    stage.pending(SocketType::SeqPacket, &address(&path))?;
    Ok(Scene::connect(endpoint(path)).socket(SocketType::SeqPacket))
}

/// That it is stopped is the cause of its backlog, too.
fn full_and_stopped(stage: &mut Stage) -> Result<Scene, Trouble> {
    let path = stage.path("app.sock");
    let server = stage.serve(Server::new(&address(&path)).backlog(0))?;
    stage.pending(SocketType::Stream, &address(&path))?;
    stage.stop(server)?;
    Ok(Scene::connect(endpoint(path)))
}
