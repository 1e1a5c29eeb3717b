//! Nothing fails, and nothing happens.

use super::{Make, Recipe, Scene};
use crate::stage::server::{Server, Then};
use crate::stage::{Stage, Trouble, address, endpoint};
use sunpath::SocketType;

/// The recipes of this file.
pub const RECIPES: &[Recipe] = &[
    Recipe { id: "wait/backlog-full", needs: &[], make: Make::Scene(backlog_full) },
    Recipe { id: "wait/server-not-accepting", needs: &[], make: Make::Scene(not_accepting) },
    Recipe { id: "wait/server-stopped", needs: &[], make: Make::Scene(stopped) },
    Recipe {
        id: "wait/server-out-of-descriptors",
        needs: &[],
        make: Make::Scene(out_of_descriptors),
    },
];

fn backlog_full(stage: &mut Stage) -> Result<Scene, Trouble> {
    let path = stage.path("app.sock");
    stage.serve(Server::new(&address(&path)).backlog(0))?;
    stage.pending(SocketType::Stream, &address(&path))?;
    Ok(Scene::connect(endpoint(path)))
}

fn not_accepting(stage: &mut Stage) -> Result<Scene, Trouble> {
    let path = stage.path("app.sock");
    stage.serve(Server::new(&address(&path)))?;
    stage.pending(SocketType::Stream, &address(&path))?;
    Ok(Scene::connect(endpoint(path)))
}

fn stopped(stage: &mut Stage) -> Result<Scene, Trouble> {
    let path = stage.path("app.sock");
    let server = stage.serve(Server::new(&address(&path)).then(Then::Accepts))?;
    stage.stop(server)?;
    Ok(Scene::connect(endpoint(path)))
}

fn out_of_descriptors(stage: &mut Stage) -> Result<Scene, Trouble> {
    let path = stage.path("app.sock");
    stage.serve(Server::new(&address(&path)).then(Then::HasNoDescriptor))?;
    stage.pending(SocketType::Stream, &address(&path))?;
    Ok(Scene::connect(endpoint(path)))
}
