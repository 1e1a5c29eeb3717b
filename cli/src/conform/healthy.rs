//! Sockets that look odd and are well: no diagnosis may raise an alarm over them.
//!
//! They have no cause, so `sunpath conform` does not know them; `sunpath demo` and the scenario
//! tests do.

use super::{Make, Need, Recipe, Scene};
use crate::stage::server::{Running, Server, Then};
use crate::stage::{NOBODY, Stage, Step, Trouble, address, chmod, endpoint, place};
use std::fs;
use std::os::unix::fs::{chown, symlink};
use std::path::{Path, PathBuf};
use sunpath::addr::PATH_MAX_BYTES;
use sunpath::sys::name::Name;
use sunpath::sys::namespace::{self, mount::MountFlags};
use sunpath::sys::socket::{self, SocketFlags};
use sunpath::{Address, Endpoint, SocketType};

/// The recipes of this file.
pub const RECIPES: &[Recipe] = &[
    scene("healthy/plain", plain),
    scene("healthy/hard-link", hard_link),
    scene("healthy/symlink", through_symlink),
    scene("healthy/relative-path", relative_path),
    scene("healthy/dot-dot", dot_dot),
    scene("healthy/through-proc", through_proc),
    scene("healthy/spaces-in-name", spaces_in_name),
    scene("healthy/newline-in-name", newline_in_name),
    scene("healthy/longest-path", longest_path),
    scene("healthy/abstract", abstract_name),
    scene("healthy/datagram", datagram),
    scene("healthy/seqpacket", seqpacket),
    scene("healthy/other-user", other_user),
    scene("healthy/write-only", write_only),
    scene("healthy/recreated", recreated),
    scene("healthy/draining-queue", draining_queue),
    scene("healthy/nearly-full-backlog", nearly_full_backlog),
    scene("healthy/activated", activated),
    scene("healthy/several-owners", several_owners),
    scene("healthy/waits-in-accept", waits_in_accept),
    scene("healthy/renamed", renamed),
    scene("healthy/bound-by-relative-path", bound_by_relative_path),
    scene("healthy/one-worker-stopped", one_worker_stopped),
    scene("healthy/old-connections", old_connections),
    as_root("healthy/other-network", other_network),
    as_root("healthy/other-mounts", other_mounts),
    as_root("healthy/through-root", through_root),
    as_root("healthy/overlay", overlay),
    as_root("healthy/group-access", group_access),
    as_root("healthy/passable-directory", passable_directory),
    as_root("healthy/bind-mount", bind_mount),
    as_root("healthy/read-only-filesystem", read_only_filesystem),
    as_root("healthy/changed-root", changed_root),
    as_root("healthy/bind-as-root", bind_as_root),
    scene("healthy/bind-fresh", bind_fresh),
];

type Set = fn(&mut Stage) -> Result<Scene, Trouble>;

const fn scene(id: &'static str, make: Set) -> Recipe {
    Recipe { id, needs: &[], make: Make::Scene(make) }
}

const fn as_root(id: &'static str, make: Set) -> Recipe {
    Recipe { id, needs: &[Need::Root], make: Make::Scene(make) }
}

/// A server that does its work, at this path.
fn live(stage: &mut Stage, path: impl AsRef<Path>) -> Result<(), Trouble> {
    stage.serve(Server::new(&address(path)).then(Then::Accepts)).map(drop)
}

fn live_at(stage: &mut Stage, name: &str) -> Result<PathBuf, Trouble> {
    let path = stage.path(name);
    live(stage, &path)?;
    Ok(path)
}

fn plain(stage: &mut Stage) -> Result<Scene, Trouble> {
    Ok(Scene::connect(endpoint(live_at(stage, "app.sock")?)))
}

fn hard_link(stage: &mut Stage) -> Result<Scene, Trouble> {
    let (path, link) = (live_at(stage, "app.sock")?, stage.path("link.sock"));
    fs::hard_link(path, &link).step("make a link")?;
    Ok(Scene::connect(endpoint(link)))
}

fn through_symlink(stage: &mut Stage) -> Result<Scene, Trouble> {
    let (path, link) = (live_at(stage, "app.sock")?, stage.path("link.sock"));
    symlink(path, &link).step("make a symbolic link")?;
    Ok(Scene::connect(endpoint(link)))
}

fn relative_path(stage: &mut Stage) -> Result<Scene, Trouble> {
    std::env::set_current_dir(stage.dir()).step("go to the directory")?;
    live(stage, "app.sock")?;
    Ok(Scene::connect(endpoint("app.sock")))
}

fn dot_dot(stage: &mut Stage) -> Result<Scene, Trouble> {
    live_at(stage, "app.sock")?;
    let dir = stage.subdir("run")?;
    Ok(Scene::connect(endpoint(dir.join("../app.sock"))))
}

/// By way of another process's working directory, as a debugger or a container engine would.
fn through_proc(stage: &mut Stage) -> Result<Scene, Trouble> {
    let dir = stage.dir().to_path_buf();
    let server = Server::new(&address(stage.path("app.sock"))).then(Then::Accepts);
    let server = server.inside(move || std::env::set_current_dir(dir).step("go there"));
    let server = stage.serve(server)?;
    Ok(Scene::connect(endpoint(format!("/proc/{}/cwd/app.sock", server.pid))))
}

fn spaces_in_name(stage: &mut Stage) -> Result<Scene, Trouble> {
    Ok(Scene::connect(endpoint(live_at(stage, " my app .sock")?)))
}

fn newline_in_name(stage: &mut Stage) -> Result<Scene, Trouble> {
    Ok(Scene::connect(endpoint(live_at(stage, "my\napp.sock\n")?)))
}

fn longest_path(stage: &mut Stage) -> Result<Scene, Trouble> {
    let missing = PATH_MAX_BYTES.saturating_sub(stage.dir().as_os_str().len() + 1);
    Ok(Scene::connect(endpoint(live_at(stage, &"a".repeat(missing))?)))
}

fn abstract_name(stage: &mut Stage) -> Result<Scene, Trouble> {
    let name = Address::Abstract(stage.abstract_name("app"));
    stage.serve(Server::new(&name).then(Then::Accepts))?;
    Ok(Scene::connect(Endpoint::Unix(name)))
}

fn of_type(stage: &mut Stage, socket: SocketType) -> Result<Scene, Trouble> {
    let path = stage.path("app.sock");
    stage.serve(Server::new(&address(&path)).socket(socket).then(Then::Accepts))?;
    Ok(Scene::connect(endpoint(path)).socket(socket))
}

fn datagram(stage: &mut Stage) -> Result<Scene, Trouble> {
    of_type(stage, SocketType::Datagram)
}

fn seqpacket(stage: &mut Stage) -> Result<Scene, Trouble> {
    of_type(stage, SocketType::SeqPacket)
}

fn with_mode(stage: &mut Stage, mode: u32) -> Result<Scene, Trouble> {
    let path = live_at(stage, "app.sock")?;
    chmod(&path, mode)?;
    Ok(Scene::connect(endpoint(path)).by(NOBODY))
}

fn other_user(stage: &mut Stage) -> Result<Scene, Trouble> {
    with_mode(stage, 0o666)
}

/// Nothing else is asked for.
fn write_only(stage: &mut Stage) -> Result<Scene, Trouble> {
    with_mode(stage, 0o222)
}

fn recreated(stage: &mut Stage) -> Result<Scene, Trouble> {
    let path = live_at(stage, "app.sock")?;
    fs::remove_file(&path).step("remove the socket file")?;
    live(stage, &path)?;
    Ok(Scene::connect(endpoint(path)))
}

/// A server that takes its time, with clients in the queue.
fn busy(stage: &mut Stage, backlog: i32, clients: usize) -> Result<Scene, Trouble> {
    let path = stage.path("app.sock");
    stage.serve(Server::new(&address(&path)).backlog(backlog).then(Then::AcceptsSlowly))?;
    for _ in 0..clients {
        stage.pending(SocketType::Stream, &address(&path))?;
    }
    Ok(Scene::connect(endpoint(path)))
}

fn draining_queue(stage: &mut Stage) -> Result<Scene, Trouble> {
    busy(stage, 256, 100)
}

fn nearly_full_backlog(stage: &mut Stage) -> Result<Scene, Trouble> {
    busy(stage, 40, 40)
}

fn renamed(stage: &mut Stage) -> Result<Scene, Trouble> {
    let (path, new) = (live_at(stage, "app.sock")?, stage.path("new.sock"));
    fs::rename(path, &new).step("rename the socket file")?;
    Ok(Scene::connect(endpoint(new)))
}

fn bound_by_relative_path(stage: &mut Stage) -> Result<Scene, Trouble> {
    let (dir, path) = (stage.dir().to_path_buf(), stage.path("app.sock"));
    let server = Server::new(&address("app.sock")).then(Then::Accepts);
    stage.serve(server.inside(move || std::env::set_current_dir(dir).step("go there")))?;
    Ok(Scene::connect(endpoint(path)))
}

/// The other workers serve the listener that they share.
fn one_worker_stopped(stage: &mut Stage) -> Result<Scene, Trouble> {
    let (scene, workers) = shared(stage, 2)?;
    stage.stop(workers[0])?;
    Ok(scene)
}

/// The old server is gone, but its last client is still served by a process that it started.
fn old_connections(stage: &mut Stage) -> Result<Scene, Trouble> {
    let path = stage.path("app.sock");
    let name = Name::new(&address(&path)).step("encode an address")?;
    let new = || socket::socket(SocketType::Stream, SocketFlags::empty()).step("make a socket");
    let (listener, client) = (new()?, new()?);
    socket::bind(&listener, &name).step("bind")?;
    socket::listen(&listener, 1).step("listen")?;
    socket::connect(&client, &name).step("connect")?;
    let accepted = socket::accept(&listener, SocketFlags::empty()).step("accept")?;
    drop(listener);
    stage.keep((client, accepted));
    fs::remove_file(&path).step("remove the socket file")?;
    live(stage, &path)?;
    Ok(Scene::connect(endpoint(path)))
}

/// Network namespaces do not matter to the names of files.
fn other_network(stage: &mut Stage) -> Result<Scene, Trouble> {
    let path = stage.path("app.sock");
    let server = Server::new(&address(&path)).then(Then::Accepts);
    stage.serve(server.inside(place::own_network))?;
    Ok(Scene::connect(endpoint(path)))
}

/// A container into which the directory of its socket is mounted, under another name.
fn other_mounts(stage: &mut Stage) -> Result<Scene, Trouble> {
    let (shared, inner) = (stage.subdir("shared")?, stage.subdir("inner")?);
    let server = Server::new(&address(inner.join("app.sock"))).then(Then::Accepts);
    let outer = shared.clone();
    stage.serve(server.inside(move || {
        place::own_mounts()?;
        namespace::bind(&outer, &inner).step("mount the directory")
    }))?;
    Ok(Scene::connect(endpoint(shared.join("app.sock"))))
}

/// The socket is in the server's own view of the file system, and is reached through it.
fn through_root(stage: &mut Stage) -> Result<Scene, Trouble> {
    let dir = stage.subdir("tmp")?;
    let path = dir.join("app.sock");
    let server = Server::new(&address(&path)).then(Then::Accepts).inside(move || {
        place::own_mounts()?;
        place::mount_tmpfs(&dir, c"size=64k")
    });
    let server = stage.serve(server)?;
    Ok(Scene::connect(endpoint(format!("/proc/{}/root{}", server.pid, path.display()))))
}

/// As in most containers: the server made its socket on an overlay.
fn overlay(stage: &mut Stage) -> Result<Scene, Trouble> {
    let merged = place::mount_overlay(stage, |_, _| Ok(()))?;
    let path = merged.join("app.sock");
    live(stage, &path)?;
    Ok(Scene::connect(endpoint(path)))
}

/// A service manager made the listener; the service inherited it.
fn activated(stage: &mut Stage) -> Result<Scene, Trouble> {
    Ok(shared(stage, 1)?.0)
}

/// A server with several worker processes.
fn several_owners(stage: &mut Stage) -> Result<Scene, Trouble> {
    Ok(shared(stage, 3)?.0)
}

/// This process makes the listener; others wait for clients.
fn shared(stage: &mut Stage, workers: usize) -> Result<(Scene, Vec<Running>), Trouble> {
    let path = stage.path("app.sock");
    let fd = socket::socket(SocketType::Stream, SocketFlags::empty()).step("make a socket")?;
    let name = Name::new(&address(&path)).step("encode an address")?;
    socket::bind(&fd, &name).step("bind")?;
    socket::listen(&fd, 16).step("listen")?;
    chmod(&path, 0o777)?;
    let mut running = Vec::new();
    for _ in 0..workers {
        let fd = fd.try_clone().step("copy a descriptor")?;
        let server = Server::new(&address(&path)).then(Then::Accepts);
        running.push(stage.spawn(|| Ok((server, fd)), |(server, fd)| server.serve(&fd))?);
    }
    stage.keep(fd);
    Ok((Scene::connect(endpoint(path)), running))
}

fn waits_in_accept(stage: &mut Stage) -> Result<Scene, Trouble> {
    let path = stage.path("app.sock");
    stage.serve(Server::new(&address(&path)).then(Then::BlocksInAccept))?;
    Ok(Scene::connect(endpoint(path)))
}

fn group_access(stage: &mut Stage) -> Result<Scene, Trouble> {
    let path = live_at(stage, "app.sock")?;
    chown(&path, None, Some(NOBODY)).step("give the socket to a group")?;
    chmod(&path, 0o660)?;
    Ok(Scene::connect(endpoint(path)).by(NOBODY))
}

/// To pass through a directory takes no permission to list it.
fn passable_directory(stage: &mut Stage) -> Result<Scene, Trouble> {
    let dir = stage.subdir("run")?;
    let path = dir.join("app.sock");
    live(stage, &path)?;
    chmod(&path, 0o666)?;
    chmod(&dir, 0o711)?;
    Ok(Scene::connect(endpoint(path)).by(NOBODY))
}

fn bind_mount(stage: &mut Stage) -> Result<Scene, Trouble> {
    place::own_mounts()?;
    let (path, shown) = (live_at(stage, "app.sock")?, stage.path("shown.sock"));
    fs::write(&shown, "").step("make a place for the mount")?;
    namespace::bind(&path, &shown).step("mount the socket file")?;
    Ok(Scene::connect(endpoint(shown)))
}

/// A file system that is read-only keeps nobody from connecting.
fn read_only_filesystem(stage: &mut Stage) -> Result<Scene, Trouble> {
    place::own_mounts()?;
    let dir = stage.subdir("run")?;
    place::mount_tmpfs(&dir, c"size=64k")?;
    live(stage, dir.join("app.sock"))?;
    let flags = MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NODEV;
    namespace::mount::mount_remount(&dir, flags, c"").step("make it read-only")?;
    Ok(Scene::connect(endpoint(dir.join("app.sock"))))
}

fn changed_root(stage: &mut Stage) -> Result<Scene, Trouble> {
    live_at(stage, "app.sock")?;
    let root = stage.dir().to_path_buf();
    let scene = Scene::connect(endpoint("/app.sock"));
    Ok(scene.inside(move || namespace::change_root(&root).step("change the root")))
}

/// Root passes over the permissions of a directory.
fn bind_as_root(stage: &mut Stage) -> Result<Scene, Trouble> {
    let dir = stage.subdir("run")?;
    chmod(&dir, 0o555)?;
    Ok(Scene::bind(endpoint(dir.join("app.sock"))))
}

fn bind_fresh(stage: &mut Stage) -> Result<Scene, Trouble> {
    Ok(Scene::bind(endpoint(stage.path("app.sock"))))
}
