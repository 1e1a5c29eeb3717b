//! Not by chance, but one after the other: small scripts, each of which is a cell of a table, on
//! the model and on the running kernel.
//!
//! - [`matrix`]: sockets in every state, and every call on each.
//! - [`sequences`]: every sequence of a few calls.
//!
//! ```text
//!  cell: prepare ── the call ── look at every socket ── close and remove everything ──► next cell
//! ```
//! Many cells are played one after the other as one script ([`batch`]), as each leaves nothing
//! behind. A cell in which both sides differ is played again alone and made short.

mod batch;
mod calls;
mod look;
mod matrix;
mod options;
mod scene;
mod sequences;
mod shapes;
mod states;
pub mod work;

pub use work::{CELLS, Table, Task};
