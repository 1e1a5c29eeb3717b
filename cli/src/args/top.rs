//! `sunpath top`

use crate::select::Selection;
use crate::top::sort::By;
use clap::Args;
use std::time::Duration;

/// `sunpath top`
#[derive(Debug, Args)]
#[command(
    about = "Watch sockets: full backlogs, hung servers, queues that do not move",
    long_about = "Watch sockets: full backlogs, hung servers, queues that do not move.\n\n\
        A view of all UNIX domain sockets that is brought up to date every second, the worst \
        first. Enter shows why a connection to the selected socket would fail or wait, as sunpath \
        why does. Nothing is connected to, opened or changed.",
    after_long_help = crate::cmd::after::TOP
)]
pub struct Top {
    /// Every network namespace that can be entered, not only this one.
    #[arg(long, short)]
    pub all: bool,
    /// So many seconds from one look to the next.
    #[arg(long, short, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
    pub delay: Duration,
    /// In which order; see below.
    #[arg(long, short, value_name = "KEY", value_enum, default_value_t = By::Status, hide_possible_values = true)]
    pub sort: By,
    /// The other way round.
    #[arg(long, short)]
    pub reverse: bool,
    /// No view: print once, and end.
    #[arg(long, conflicts_with = "batch")]
    pub once: bool,
    /// No view: print so many times, and end.
    #[arg(long, short, value_name = "TIMES", value_parser = clap::value_parser!(u64).range(1..))]
    pub batch: Option<u64>,
    /// Without a view: at most so many sockets each time.
    #[arg(long, value_name = "N")]
    pub rows: Option<usize>,
    /// No view: print a line of JSON each time, as described by sunpath man json; without --once or
    /// --batch, until interrupted.
    #[arg(long)]
    pub json: bool,
    /// What is to be shown; last, because its heading holds for all that follows.
    #[command(flatten)]
    pub selection: Selection,
}

/// The shortest and the longest delay.
pub const DELAYS: std::ops::RangeInclusive<f64> = 0.1..=3600.0;

/// A number of seconds, within reason.
pub fn seconds(text: &str) -> Result<Duration, String> {
    let number = text.trim().parse::<f64>().ok().filter(|number| DELAYS.contains(number));
    let range = "give a number of seconds from 0.1 to 3600";
    number.map(Duration::from_secs_f64).ok_or_else(|| range.to_string())
}
