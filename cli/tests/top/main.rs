//! `sunpath top` as a user sees it: on a pseudo-terminal, and as text.

#[path = "../common/mod.rs"]
mod common;
mod plain;
mod tty;
mod view;
