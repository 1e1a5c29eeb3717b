//! A policy other than file permissions forbids it.

use crate::conform::{Make, Recipe, Scene};
use crate::failure::Told;
use crate::stage::server::{Server, Then};
use crate::stage::{NOBODY, Stage, Step, Trouble, address, chmod, endpoint};
use sunpath::sys::name::Name;
use sunpath::sys::restrict;
use sunpath::sys::socket::{self, SocketFlags};
use sunpath::{Address, Endpoint, Errno, SocketType};

/// The recipes of this file.
pub const RECIPES: &[Recipe] = &[
    Recipe { id: "connect/landlock-scope", needs: &[], make: Make::Scene(landlock_scope) },
    Recipe { id: "connect/security-module", needs: &[], make: Make::Scene(security_module) },
    Recipe { id: "connect/family-denied", needs: &[], make: Make::Scene(family_denied) },
    Recipe {
        id: "connect/receiver-has-another-peer",
        needs: &[],
        make: Make::Scene(receiver_has_another_peer),
    },
];

const LANDLOCK_HIDES: &str = "the kernel tells nobody which Landlock rules a process is under";

fn landlock(version: u32) -> Result<(), Trouble> {
    match restrict::landlock_version() {
        Ok(here) if here >= version => Ok(()),
        Ok(here) => Err(Trouble::NotHere(format!("Landlock is of version {here} here"))),
        Err(errno) => Err(Trouble::NotHere(format!("there is no Landlock here: {}", errno.told()))),
    }
}

/// The client confined itself to abstract names of its own domain.
fn landlock_scope(stage: &mut Stage) -> Result<Scene, Trouble> {
    landlock(6)?;
    let name = Address::Abstract(stage.abstract_name("app"));
    stage.serve(Server::new(&name).then(Then::Accepts))?;
    let scene = Scene::connect(Endpoint::Unix(name)).hidden(LANDLOCK_HIDES);
    Ok(scene.inside(|| restrict::landlock(0, restrict::SCOPE_ABSTRACT).step("restrict itself")))
}

/// A server may not make socket files, although every mode bit allows it.
fn security_module(stage: &mut Stage) -> Result<Scene, Trouble> {
    landlock(1)?;
    let dir = stage.subdir("run")?;
    chmod(&dir, 0o777)?;
    let scene = Scene::bind(endpoint(dir.join("app.sock"))).hidden(LANDLOCK_HIDES);
    Ok(scene.inside(|| restrict::landlock(restrict::MAKE_SOCKET, 0).step("restrict itself")))
}

/// A service manager restricts the address families of a service.
fn family_denied(stage: &mut Stage) -> Result<Scene, Trouble> {
    const AF_UNIX: i32 = 1;
    let path = stage.path("app.sock");
    stage.serve(Server::new(&address(&path)).then(Then::Accepts))?;
    chmod(&path, 0o777)?;
    let hidden = "what a system call filter allows cannot be read";
    let scene = Scene::connect(endpoint(path)).hidden(hidden);
    Ok(scene
        .inside(|| restrict::deny_family(AF_UNIX, Errno::EAFNOSUPPORT).step("install a filter")))
}

/// A datagram socket that has a peer takes messages from nobody else.
fn receiver_has_another_peer(stage: &mut Stage) -> Result<Scene, Trouble> {
    let (receiver, peer) = (stage.path("app.sock"), stage.path("peer.sock"));
    let mut sockets = Vec::new();
    for path in [&receiver, &peer] {
        let fd =
            socket::socket(SocketType::Datagram, SocketFlags::empty()).step("make a socket")?;
        let name = Name::new(&address(path)).step("encode an address")?;
        socket::bind(&fd, &name).step("bind a socket")?;
        sockets.push((fd, name));
    }
    socket::connect(&sockets[0].0, &sockets[1].1).step("connect the receiver")?;
    chmod(&receiver, 0o777)?;
    stage.keep(sockets);
    Ok(Scene::connect(endpoint(receiver)).socket(SocketType::Datagram).by(NOBODY))
}
