//! Recipes for `send`.

mod address;
mod room;
mod size;
mod state;

use super::pair::not_waiting;
use super::{Look, Make, Observed, Recipe};
use crate::stage::{Stage, Trouble};
use std::os::fd::OwnedFd;
use sunpath::{Call, SocketType, Symptom};

/// The recipes of this family, file by file.
pub const RECIPES: &[&[Recipe]] = &[state::RECIPES, address::RECIPES, room::RECIPES, size::RECIPES];

const fn direct(id: &'static str, make: fn(&mut Stage) -> Result<Observed, Trouble>) -> Recipe {
    Recipe { id, needs: &[], make: Make::Direct(make) }
}

const CONNECTED: &[SocketType] = &[SocketType::Stream, SocketType::SeqPacket];
const MESSAGES: &[SocketType] = &[SocketType::Datagram, SocketType::SeqPacket];
const UNIX: &[SocketType] = &[SocketType::Stream, SocketType::SeqPacket, SocketType::Datagram];

/// What came of a send without an address that did not wait.
fn observed(kind: SocketType, fd: &OwnedFd, symptom: Option<Symptom>) -> Result<Observed, Trouble> {
    let look = Look::new(Call::Send, kind).descriptor(fd).arguments(not_waiting());
    Observed::of(look, symptom)
}
