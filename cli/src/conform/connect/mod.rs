//! `connect` on UNIX domain sockets.

mod refused;

use super::Recipe;

/// The recipes, file by file.
pub const RECIPES: &[&[Recipe]] = &[refused::RECIPES];
