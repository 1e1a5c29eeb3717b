//! Other ways to come by a cause, for `sunpath demo` and the scenario tests. Each is named after
//! its cause, with a word behind it.

use super::{Make, Recipe, Scene};
use crate::stage::server::{Server, Then};
use crate::stage::{Stage, Trouble, address, endpoint, place};
use sunpath::SocketType;

/// The recipes of this file.
pub const RECIPES: &[Recipe] = &[
    Recipe { id: "connect/not-a-socket/directory", needs: &[], make: Make::Scene(directory) },
    Recipe { id: "connect/not-a-socket/fifo", needs: &[], make: Make::Scene(fifo) },
    Recipe { id: "connect/not-a-socket/device", needs: &[], make: Make::Scene(device) },
    Recipe { id: "connect/wrong-type/seqpacket", needs: &[], make: Make::Scene(seqpacket) },
];

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
