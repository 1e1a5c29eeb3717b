//! `sunpath map`

use crate::select::Selection;
use clap::{Args, ValueHint};
use std::path::PathBuf;

/// `sunpath map`
#[derive(Debug, Args)]
#[command(
    about = "Show which processes talk to each other over UNIX domain sockets",
    long_about = "Show which processes talk to each other over UNIX domain sockets.\n\n\
        Servers with their addresses, and below each its clients, with the number of connections \
        and what waits in their queues: as text, as a picture, or as a page to search and click \
        through. Nothing is connected to, opened or changed.",
    after_long_help = crate::cmd::after::MAP
)]
pub struct Map {
    /// Every network namespace that can be entered, not only this one.
    #[arg(long, short)]
    pub all: bool,
    /// Show all processes of one program and user as one.
    #[arg(long, short)]
    pub programs: bool,
    /// Print a graph for Graphviz.
    #[arg(long, group = "form")]
    pub dot: bool,
    /// Print JSON, as described by sunpath man json.
    #[arg(long, group = "form")]
    pub json: bool,
    /// Write a picture; - stands for standard output.
    #[arg(long, value_name = "FILE", group = "form", value_hint = ValueHint::FilePath)]
    pub svg: Option<PathBuf>,
    /// Write a page to search, filter and click through; it needs no network. - stands for
    /// standard output.
    #[arg(long, value_name = "FILE", group = "form", value_hint = ValueHint::FilePath)]
    pub html: Option<PathBuf>,
    /// What is to be shown: these sockets, and those at their other ends. Last, because its heading
    /// holds for all that follows.
    #[command(flatten)]
    pub selection: Selection,
}
