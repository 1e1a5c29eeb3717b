//! `sunpath conform --matrix` and `--exhaustive`: calls one after the other on the model and on the
//! running kernel.

use crate::args::Conform;
use crate::exit::Exit;
use crate::mirror::cells::Table;
use crate::mirror::run::{self, Cells};
use crate::out::{self, Stop};
use crate::render::{BAD, GOOD, paint};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use sunpath::text::escape;

/// Plays, and prints what came of it.
pub fn run(args: &Conform, table: Table) -> Result<Exit, Stop> {
    let bar = ProgressBar::new(0).with_style(style());
    let played = run::cells(table, args.sample as usize, args.mistake, |played, total| {
        bar.set_length(total);
        bar.set_position(played);
    });
    bar.finish_and_clear();
    let cells = played.map_err(|trouble| Stop::trouble(trouble.to_string()))?;
    out::print(&if args.json { to_json(&cells) } else { to_text(table, &cells) })?;
    Ok(if cells.differ > 0 { Exit::Fails } else { Exit::Success })
}

fn style() -> ProgressStyle {
    let style = ProgressStyle::with_template("{bar:30} {human_pos}/{human_len} {eta}");
    style.unwrap_or_else(|_| ProgressStyle::default_bar())
}

fn to_text(table: Table, cells: &Cells) -> String {
    let mut text = String::new();
    for finding in &cells.findings {
        let said = |key: &str| finding[key].as_str().unwrap_or("-");
        text.push_str(&format!(
            "{} in {}:\n\n{}\nmodel:  {}\nkernel: {}\n\n",
            paint(BAD, "model and kernel differ"),
            escape(said("cell").as_bytes()),
            said("trace"),
            escape(said("model").as_bytes()),
            escape(said("kernel").as_bytes()),
        ));
    }
    let what = match table {
        Table::Matrix => "cells of a state and calls",
        Table::Sequences(_) => "sequences of calls",
    };
    let differ = match cells.differ {
        0 => paint(GOOD, "no difference").to_string(),
        number => paint(BAD, &format!("{number} differ")).to_string(),
    };
    let compared = cells.agreed + cells.differ;
    text.push_str(&format!("{compared} {what} compared ({} calls), {differ}", cells.calls));
    if cells.wait > 0 {
        text.push_str(&format!("; {} in which a call would wait were left out", cells.wait));
    }
    text.push('\n');
    text
}

fn to_json(cells: &Cells) -> String {
    let value = json!({
        "agreed": cells.agreed,
        "differ": cells.differ,
        "wait": cells.wait,
        "calls": cells.calls,
        "differences": cells.findings.iter().collect::<Vec<&Value>>(),
    });
    format!("{value:#}\n")
}
