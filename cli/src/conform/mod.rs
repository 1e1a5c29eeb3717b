//! Recipes that provoke causes on the running kernel, and the judge of what came of it.
//!
//! A recipe is an entry of the `RECIPES` of the file of its call family. There are two kinds.
//!
//! A **scene** prepares an address that fails and says who calls. The framework then predicts
//! from facts alone, makes the call, compares the errno with the catalogue, gathers facts again
//! and diagnoses. `sunpath demo` and the scenario tests use scenes too, so prefer one wherever the
//! failure hangs on the address:
//!
//! ```text
//! Recipe { id: "connect/stale-socket", needs: &[], make: Make::Scene(stale_socket) }
//!
//! fn stale_socket(stage: &mut Stage) -> Result<Scene, Trouble> {
//!     let path = stage.path("app.sock");
//!     let server = stage.serve(Server::new(&address(&path)))?;  // binds, listens, sleeps
//!     stage.end(server)?;                                       // dies; its file stays
//!     Ok(Scene::connect(endpoint(&path)))
//! }
//! ```
//!
//! - `Server::new(..).socket(..).backlog(0).then(Then::Accepts)` chooses the server's manner;
//!   [`Then`](crate::stage::server::Then) lists them.
//! - `Scene::connect(..)`, `Scene::bind(..)`, then `.socket(SocketType::Datagram)`,
//!   `.nonblocking()`, `.by(NOBODY)` (the call is made by this user, if the recipe runs as root),
//!   `.inside(|| ...)` (the client does this to itself first: a filter, a namespace, a limit),
//!   `.hidden("why no observer can foresee it")` (the prediction is then not compared).
//!
//! A **direct** recipe makes its call itself, on a descriptor of its own, and gathers facts right
//! after it, in this process, with a [`Look`]:
//!
//! ```text
//! fn after_shutdown(_: &mut Stage) -> Result<Observed, Trouble> {
//!     let (a, _b) = socket::socketpair(SocketType::Stream, SocketFlags::empty()).step("pair")?;
//!     socket::shutdown(&a, Shutdown::Write).step("shut down")?;
//!     let symptom = failed(socket::send(&a, b"x", SendFlags::empty()));
//!     Observed::of(Look::new(Call::Send, SocketType::Stream).descriptor(&a), symptom)
//! }
//! ```
//!
//! - [`Look`] says what is known of the call: `.endpoint(..)`, `.descriptor(&fd)`,
//!   `.arguments(..)`, and `.history(..)` for what the program knows of its socket's past.
//! - A step that should work gets `.step("what")?`; one that a system may refuse for good, such as
//!   a mount, gets `.if_possible("what")?`, and the cause then is "not on this system".
//! - What must stay alive until the end goes to `stage.keep(..)`.
//! - A recipe has its own process, process group and directory, and is killed after 20 seconds.
//!   It may do to its process what it likes. What belongs to the whole machine it leaves alone,
//!   but for `stage.set_sysctl(..)`, which takes turns and restores whatever happens.

mod accept;
mod bind;
mod connect;
mod crowd;
mod descriptor;
mod healthy;
mod inet;
pub mod judge;
mod listen;
mod name;
mod option;
mod pair;
mod recv;
mod rights;
pub mod run;
mod scene;
mod send;
pub mod show;
mod socket;
mod variants;
mod wait;

pub use scene::{Look, Observed, Scene, failed};

use crate::failure::Told;
use crate::stage::{self, Stage, Trouble};
use sunpath::cause::{self, Cause, Provoke};

/// How one cause is provoked.
pub struct Recipe {
    /// The id of the cause.
    pub id: &'static str,
    /// What the recipe needs of the system and of its user.
    pub needs: &'static [Need],
    /// The steps.
    pub make: Make,
}

/// A condition without which a recipe is skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// The powers of root in the initial user namespace: namespaces, mounts, other users.
    Root,
    /// A loopback device that is up; root makes one of its own.
    Loopback,
    /// A program in `PATH`.
    Tool(&'static str),
    /// A device that can be opened for reading and writing.
    Device(&'static str),
}

/// The two kinds of recipe.
pub enum Make {
    /// Sets up an address that fails.
    Scene(fn(&mut Stage) -> Result<Scene, Trouble>),
    /// Makes the call itself and gathers facts itself.
    Direct(fn(&mut Stage) -> Result<Observed, Trouble>),
}

/// Every recipe, file by file.
pub fn recipes() -> impl Iterator<Item = &'static Recipe> {
    const FAMILIES: &[&[&[Recipe]]] = &[
        connect::RECIPES,
        &[wait::RECIPES, bind::RECIPES, crowd::RECIPES],
        &[socket::RECIPES, descriptor::RECIPES, name::RECIPES, option::RECIPES],
        &[listen::RECIPES, accept::RECIPES, recv::RECIPES, rights::RECIPES],
        send::RECIPES,
        inet::RECIPES,
    ];
    FAMILIES.iter().flat_map(|files| files.iter()).flat_map(|file| file.iter())
}

/// The recipes that only `sunpath demo` knows: for sockets that are well, and for other ways to
/// come by a cause.
pub fn extras() -> impl Iterator<Item = &'static Recipe> {
    variants::RECIPES.iter().chain(inet::EXTRAS).chain(healthy::RECIPES)
}

/// The recipe for a cause.
pub fn find(id: &str) -> Option<&'static Recipe> {
    recipes().find(|r| r.id == id)
}

/// The recipe of this id, extras included.
pub fn find_any(id: &str) -> Option<&'static Recipe> {
    find(id).or_else(|| extras().find(|r| r.id == id))
}

/// The cause that a recipe's id stands for; `None` for a socket that is well.
pub fn cause_of(id: &str) -> Option<&'static Cause> {
    cause::find(id).or_else(|| cause::find(id.rsplit_once('/')?.0))
}

impl Need {
    /// Why the need is not met here; `None` if it is.
    pub fn missing(self) -> Option<String> {
        match self {
            Need::Root => (!stage::is_root()).then(|| "needs root".to_string()),
            Need::Loopback => {
                let lost = std::net::UdpSocket::bind("127.0.0.1:0")
                    .and_then(|socket| socket.connect(socket.local_addr()?))
                    .is_err();
                (lost && !stage::is_root()).then(|| "needs a loopback device".to_string())
            }
            Need::Tool(name) => {
                let path = std::env::var_os("PATH").unwrap_or_default();
                let found = std::env::split_paths(&path).any(|dir| dir.join(name).is_file());
                (!found).then(|| format!("needs the program {name}"))
            }
            Need::Device(path) => {
                let opened = std::fs::File::options().read(true).write(true).open(path);
                opened.err().map(|error| format!("needs {path}: {}", error.told()))
            }
        }
    }
}

/// Why a cause is not provoked at all; `None` if there is a recipe.
pub fn not_provoked(id: &str) -> Option<String> {
    if find(id).is_some() {
        return None;
    }
    Some(match cause::find(id).map(|c| c.provoke) {
        Some(Provoke::Not(why)) => why.to_string(),
        Some(Provoke::Live(_)) | None => "nothing provokes it yet".to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_cause_that_is_provoked_has_one_recipe_and_no_other_has() {
        let live = |cause: &&Cause| matches!(cause.provoke, Provoke::Live(_));
        let wanted: HashSet<&str> = cause::all().filter(live).map(|cause| cause.id).collect();
        let mut found = HashSet::new();
        for recipe in recipes() {
            assert!(found.insert(recipe.id), "{} has two recipes", recipe.id);
        }
        let missing: Vec<_> = wanted.difference(&found).collect();
        assert!(missing.is_empty(), "no recipe for {missing:?}");
        let idle: Vec<_> = found.difference(&wanted).collect();
        assert!(idle.is_empty(), "recipes without a cause to provoke: {idle:?}");
    }

    #[test]
    fn every_extra_stands_for_a_cause_or_is_well() {
        let mut seen = HashSet::new();
        for recipe in extras() {
            assert!(seen.insert(recipe.id) && find(recipe.id).is_none(), "{}", recipe.id);
            let healthy = recipe.id.starts_with("healthy/");
            assert_eq!(cause_of(recipe.id).is_none(), healthy, "{}", recipe.id);
        }
    }
}
