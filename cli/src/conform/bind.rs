//! x

use super::Recipe;

/// The recipes of this file.
pub const RECIPES: &[Recipe] = &[];
