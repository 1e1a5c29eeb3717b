//! The path does not exist, but what was meant does.

use crate::conform::{Make, Need, Recipe, Scene};
use crate::stage::server::{Server, Then};
use crate::stage::{Stage, Step, Trouble, address, endpoint, place};
use std::fs;
use std::path::Path;
use sunpath::{Address, Endpoint};

/// The recipes of this file.
pub const RECIPES: &[Recipe] = &[
    Recipe { id: "connect/stray-whitespace", needs: &[], make: Make::Scene(stray_whitespace) },
    Recipe { id: "connect/lost-leading-slash", needs: &[], make: Make::Scene(lost_slash) },
    Recipe {
        id: "connect/abstract-written-as-path",
        needs: &[],
        make: Make::Scene(abstract_as_path),
    },
    Recipe { id: "connect/unlinked-live", needs: &[], make: Make::Scene(unlinked_live) },
    Recipe {
        id: "connect/other-mount-namespace",
        needs: &[Need::Root],
        make: Make::Scene(other_mount_namespace),
    },
];

fn live(stage: &mut Stage, path: &Path) -> Result<(), Trouble> {
    stage.serve(Server::new(&address(path)).then(Then::Accepts)).map(drop)
}

fn stray_whitespace(stage: &mut Stage) -> Result<Scene, Trouble> {
    live(stage, &stage.path("app.sock"))?;
    Ok(Scene::connect(endpoint(stage.path("app.sock\n"))))
}

fn lost_slash(stage: &mut Stage) -> Result<Scene, Trouble> {
    let path = stage.path("app.sock");
    live(stage, &path)?;
    let relative = path.strip_prefix("/").step("drop the leading slash")?;
    if relative.exists() {
        // The demo was started in the root directory, where the slash would not be missed.
        std::env::set_current_dir(stage.dir()).step("leave the root directory")?;
    }
    Ok(Scene::connect(endpoint(relative)))
}

fn abstract_as_path(stage: &mut Stage) -> Result<Scene, Trouble> {
    let name = stage.abstract_name("app");
    stage.serve(Server::new(&Address::Abstract(name.clone())).then(Then::Accepts))?;
    let path = [b"@", name.as_slice()].concat();
    Ok(Scene::connect(Endpoint::Unix(Address::Path(path))))
}

fn unlinked_live(stage: &mut Stage) -> Result<Scene, Trouble> {
    let path = stage.path("app.sock");
    live(stage, &path)?;
    fs::remove_file(&path).step("remove the socket file")?;
    Ok(Scene::connect(endpoint(path)))
}

/// The server has a private /tmp, as service managers and containers give one.
fn other_mount_namespace(stage: &mut Stage) -> Result<Scene, Trouble> {
    let dir = stage.subdir("tmp")?;
    let path = dir.join("app.sock");
    let server = Server::new(&address(&path)).then(Then::Accepts).inside(move || {
        place::own_mounts()?;
        place::mount_tmpfs(&dir, c"size=64k")
    });
    stage.serve(server)?;
    Ok(Scene::connect(endpoint(path)))
}
