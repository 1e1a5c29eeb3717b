//! Abstract names.

use crate::conform::{Make, Need, Recipe, Scene};
use crate::stage::server::{Server, Then};
use crate::stage::{Stage, Trouble, place};
use sunpath::addr::ABSTRACT_MAX_BYTES;
use sunpath::{Address, Endpoint, SocketType};

/// The recipes of this file.
pub const RECIPES: &[Recipe] = &[
    Recipe { id: "connect/abstract-nobody", needs: &[], make: Make::Scene(nobody) },
    Recipe {
        id: "connect/abstract-other-namespace",
        needs: &[Need::Root],
        make: Make::Scene(other_namespace),
    },
    Recipe { id: "connect/abstract-other-type", needs: &[], make: Make::Scene(other_type) },
    Recipe { id: "connect/abstract-padded", needs: &[], make: Make::Scene(padded) },
];

fn connect(name: Vec<u8>) -> Scene {
    Scene::connect(Endpoint::Unix(Address::Abstract(name)))
}

fn serve(stage: &mut Stage, name: Vec<u8>, socket: SocketType) -> Result<(), Trouble> {
    let server = Server::new(&Address::Abstract(name)).socket(socket).then(Then::Accepts);
    stage.serve(server).map(drop)
}

fn nobody(stage: &mut Stage) -> Result<Scene, Trouble> {
    Ok(connect(stage.abstract_name("app")))
}

fn other_namespace(stage: &mut Stage) -> Result<Scene, Trouble> {
    let name = stage.abstract_name("app");
    let server = Server::new(&Address::Abstract(name.clone()));
    stage.serve(server.then(Then::Accepts).inside(place::own_network))?;
    Ok(connect(name))
}

fn other_type(stage: &mut Stage) -> Result<Scene, Trouble> {
    let name = stage.abstract_name("log");
    serve(stage, name.clone(), SocketType::Datagram)?;
    Ok(connect(name))
}

/// The server passed the whole of `sun_path` as the name, zeros included.
fn padded(stage: &mut Stage) -> Result<Scene, Trouble> {
    let name = stage.abstract_name("app");
    let mut whole = name.clone();
    whole.resize(ABSTRACT_MAX_BYTES, 0);
    serve(stage, whole, SocketType::Stream)?;
    Ok(connect(name))
}
