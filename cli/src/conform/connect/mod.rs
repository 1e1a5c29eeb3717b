//! `connect` on UNIX domain sockets.

mod abstract_name;
mod access;
mod address;
mod near;
mod path;
mod policy;
mod refused;
mod state;

use super::Recipe;

/// The recipes, file by file.
pub const RECIPES: &[&[Recipe]] = &[
    address::RECIPES,
    path::RECIPES,
    near::RECIPES,
    access::RECIPES,
    policy::RECIPES,
    refused::RECIPES,
    abstract_name::RECIPES,
    state::RECIPES,
];
