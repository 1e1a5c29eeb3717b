//! Abstract names.

use crate::conform::{Make, Need, Recipe, Scene};
use crate::stage::server::{Server, Then};
use crate::stage::{Stage, Trouble, place};
use sunpath::addr::ABSTRACT_MAX_BYTES;
use sunpath::{Address, Endpoint};

/// The recipes of this file.
pub const RECIPES: &[Recipe] = &[
    Recipe { id: "connect/abstract-nobody", needs: &[], make: Make::Scene(nobody) },
    Recipe {
        id: "connect/abstract-other-namespace",
        needs: &[Need::Root],
        make: Make::Scene(other_namespace),
    },
    Recipe { id: "connect/abstract-padded", needs: &[], make: Make::Scene(padded) },
];

fn connect(name: Vec<u8>) -> Scene {
    Scene::connect(Endpoint::Unix(Address::Abstract(name)))
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

/// The server passed the whole of `sun_path` as the name, zeros included.
fn padded(stage: &mut Stage) -> Result<Scene, Trouble> {
    let name = stage.abstract_name("app");
    let mut whole = name.clone();
    whole.resize(ABSTRACT_MAX_BYTES, 0);
    stage.serve(Server::new(&Address::Abstract(whole)).then(Then::Accepts))?;
    Ok(connect(name))
}
