//! `bind` on UNIX domain sockets.

use super::{Look, Make, Need, Observed, Recipe, Scene, failed};
use crate::stage::server::{Server, Then};
use crate::stage::{NOBODY, Stage, Step, Trouble, address, chmod, endpoint, place};
use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::fs::symlink;
use std::path::Path;
use sunpath::sys::libc::SO_PASSCRED;
use sunpath::sys::name::Name;
use sunpath::sys::namespace::{self, mount::MountFlags};
use sunpath::sys::option;
use sunpath::sys::socket::{self, SendFlags, SocketFlags};
use sunpath::{Address, Call, Endpoint, SocketType};

/// The recipes of this file.
pub const RECIPES: &[Recipe] = &[
    Recipe { id: "bind/stale-socket", needs: &[], make: Make::Scene(stale_socket) },
    Recipe { id: "bind/live-socket", needs: &[], make: Make::Scene(live_socket) },
    Recipe { id: "bind/not-a-socket", needs: &[], make: Make::Scene(not_a_socket) },
    Recipe { id: "bind/dangling-symlink", needs: &[], make: Make::Scene(dangling_symlink) },
    Recipe { id: "bind/abstract-in-use", needs: &[], make: Make::Scene(abstract_in_use) },
    Recipe { id: "bind/missing-directory", needs: &[], make: Make::Scene(missing_directory) },
    Recipe { id: "bind/not-a-directory", needs: &[], make: Make::Scene(not_a_directory) },
    Recipe { id: "bind/symlink-loop", needs: &[], make: Make::Scene(symlink_loop) },
    Recipe { id: "bind/no-write-permission", needs: &[], make: Make::Scene(no_write) },
    Recipe {
        id: "bind/immutable-directory",
        needs: &[Need::Root, Need::Tool("mkfs.ext4"), Need::Tool("mount"), Need::Tool("chattr")],
        make: Make::Scene(immutable_directory),
    },
    Recipe {
        id: "bind/filesystem-without-sockets",
        needs: &[Need::Root],
        make: Make::Scene(filesystem_without_sockets),
    },
    Recipe { id: "bind/read-only-filesystem", needs: &[Need::Root], make: Make::Scene(read_only) },
    Recipe { id: "bind/no-space", needs: &[Need::Root], make: Make::Scene(no_space) },
    Recipe { id: "bind/already-bound", needs: &[], make: Make::Direct(already_bound) },
    Recipe {
        id: "bind/exists-and-already-bound",
        needs: &[],
        make: Make::Direct(exists_and_already_bound),
    },
];

fn stale_socket(stage: &mut Stage) -> Result<Scene, Trouble> {
    let path = stage.path("app.sock");
    let server = stage.serve(Server::new(&address(&path)))?;
    stage.end(server)?;
    Ok(Scene::bind(endpoint(path)))
}

fn live_socket(stage: &mut Stage) -> Result<Scene, Trouble> {
    let path = stage.path("app.sock");
    stage.serve(Server::new(&address(&path)).then(Then::Accepts))?;
    Ok(Scene::bind(endpoint(path)))
}

fn not_a_socket(stage: &mut Stage) -> Result<Scene, Trouble> {
    let path = stage.path("app.sock");
    fs::write(&path, "").step("write a file")?;
    Ok(Scene::bind(endpoint(path)))
}

fn dangling_symlink(stage: &mut Stage) -> Result<Scene, Trouble> {
    let link = stage.path("app.sock");
    symlink(stage.path("gone.sock"), &link).step("make a symbolic link")?;
    Ok(Scene::bind(endpoint(link)))
}

fn abstract_in_use(stage: &mut Stage) -> Result<Scene, Trouble> {
    let name = Address::Abstract(stage.abstract_name("app"));
    stage.serve(Server::new(&name).then(Then::Accepts))?;
    Ok(Scene::bind(Endpoint::Unix(name)))
}

fn missing_directory(stage: &mut Stage) -> Result<Scene, Trouble> {
    Ok(Scene::bind(endpoint(stage.path("run/app.sock"))))
}

fn not_a_directory(stage: &mut Stage) -> Result<Scene, Trouble> {
    let file = stage.path("run");
    fs::write(&file, "").step("write a file")?;
    Ok(Scene::bind(endpoint(file.join("app.sock"))))
}

/// Only in the way to the name: the last component is never followed.
fn symlink_loop(stage: &mut Stage) -> Result<Scene, Trouble> {
    let link = stage.path("run");
    symlink("run", &link).step("make a symbolic link")?;
    Ok(Scene::bind(endpoint(link.join("app.sock"))))
}

fn no_write(stage: &mut Stage) -> Result<Scene, Trouble> {
    let dir = stage.subdir("run")?;
    chmod(&dir, 0o555)?;
    Ok(Scene::bind(endpoint(dir.join("app.sock"))).by(NOBODY))
}

fn immutable_directory(stage: &mut Stage) -> Result<Scene, Trouble> {
    let (_, disk) = place::mount_image(stage)?;
    let dir = disk.join("run");
    fs::create_dir(&dir).step("make a directory")?;
    place::run("chattr", &["+i".as_ref(), dir.as_os_str()])?;
    Ok(Scene::bind(endpoint(dir.join("app.sock"))))
}

/// The kernel's own file systems hold only what the kernel puts there.
fn filesystem_without_sockets(stage: &mut Stage) -> Result<Scene, Trouble> {
    place::own_mounts()?;
    let dir = stage.subdir("sys")?;
    namespace::mount("sysfs", "sunpath", &dir, MountFlags::NOSUID, c"")
        .if_possible("mount sysfs")?;
    Ok(Scene::bind(endpoint(dir.join("app.sock"))))
}

fn read_only(stage: &mut Stage) -> Result<Scene, Trouble> {
    place::own_mounts()?;
    let dir = stage.subdir("run")?;
    let flags = MountFlags::RDONLY | MountFlags::NOSUID;
    namespace::mount("tmpfs", "sunpath", &dir, flags, c"size=64k").if_possible("mount a tmpfs")?;
    Ok(Scene::bind(endpoint(dir.join("app.sock"))))
}

/// There is room for two more files, and both are there.
fn no_space(stage: &mut Stage) -> Result<Scene, Trouble> {
    place::own_mounts()?;
    let dir = stage.subdir("run")?;
    place::mount_tmpfs(&dir, c"size=64k,nr_inodes=3")?;
    for name in ["a", "b"] {
        fs::write(dir.join(name), "").step("fill the file system")?;
    }
    Ok(Scene::bind(endpoint(dir.join("app.sock"))))
}

fn bound(path: &Path) -> Result<OwnedFd, Trouble> {
    let fd = socket::socket(SocketType::Stream, SocketFlags::empty()).step("make a socket")?;
    let name = Name::new(&address(path)).step("encode an address")?;
    socket::bind(&fd, &name).step("bind")?;
    Ok(fd)
}

fn bind_again(fd: &OwnedFd, kind: SocketType, path: &Path) -> Result<Observed, Trouble> {
    let name = Name::new(&address(path)).step("encode an address")?;
    let symptom = failed(socket::bind(fd, &name));
    let look = Look::new(Call::Bind, kind).endpoint(endpoint(path));
    Observed::of(look.descriptor(fd), symptom)
}

/// By an earlier bind, and by the automatic name that comes with the first message.
fn already_bound(stage: &mut Stage) -> Result<Observed, Trouble> {
    let by_bind = bound(&stage.path("first.sock"))?;
    let second = stage.path("second.sock");
    let by_bind = bind_again(&by_bind, SocketType::Stream, &second)?;
    for kind in [SocketType::Datagram, SocketType::SeqPacket] {
        let (fd, _peer) = socket::socketpair(kind, SocketFlags::empty()).step("make a pair")?;
        option::set_switch(&fd, SO_PASSCRED, true).step("ask for credentials")?;
        socket::send(&fd, b"x", SendFlags::empty()).step("send")?;
        let by_sending = bind_again(&fd, kind, &second)?;
        if by_sending.symptom != by_bind.symptom {
            return Ok(by_sending);
        }
    }
    Ok(by_bind)
}

fn exists_and_already_bound(stage: &mut Stage) -> Result<Observed, Trouble> {
    let fd = bound(&stage.path("first.sock"))?;
    fs::write(stage.path("second.sock"), "").step("write a file")?;
    bind_again(&fd, SocketType::Stream, &stage.path("second.sock"))
}
