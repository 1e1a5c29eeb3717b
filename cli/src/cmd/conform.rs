//! `sunpath conform`: provokes causes on the running kernel and checks errno and diagnosis.

mod cells;
mod random;

use crate::args::Conform;
use crate::conform::judge::{Report, Verdict};
use crate::conform::run;
use crate::exit::Exit;
use crate::mirror::cells::Table;
use crate::nearest::nearest;
use crate::out::{self, Stop};
use crate::render::{BAD, DIM, DOUBT, GOOD, paint};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use std::collections::BTreeMap;
use sunpath::cause;
use sunpath::text::escape;

/// Provokes the causes and prints what came of it.
pub fn run(args: &Conform) -> Result<Exit, Stop> {
    if args.random || args.blocking {
        return random::run(args);
    }
    let table = args.exhaustive.map(|length| Table::Sequences(length.into()));
    if let Some(table) = table.or(args.matrix.then_some(Table::Matrix)) {
        return cells::run(args, table);
    }
    let ids = chosen(&args.ids)?;
    let bar = ProgressBar::new(ids.len() as u64).with_style(style());
    let reports = run::run(&ids, |report| {
        bar.set_message(report.id.clone());
        bar.inc(1);
    });
    bar.finish_and_clear();
    let reports = reports.map_err(|trouble| Stop::trouble(trouble.to_string()))?;
    out::print(&if args.json { to_json(&reports) } else { to_text(&reports) })?;
    let differs = reports.iter().any(|r| r.verdict == Verdict::Differs);
    Ok(if differs { Exit::Fails } else { Exit::Success })
}

/// The causes that were asked for, or all of them.
fn chosen(asked: &[String]) -> Result<Vec<&'static str>, Stop> {
    if asked.is_empty() {
        return Ok(cause::all().map(|c| c.id).collect());
    }
    let find = |id: &String| match cause::find(id) {
        Some(cause) => Ok(cause.id),
        None => Err(unknown(id, cause::all().map(|c| c.id))),
    };
    asked.iter().map(find).collect()
}

/// There is no such id; perhaps another one was meant.
pub fn unknown<'a>(id: &str, ids: impl Iterator<Item = &'a str>) -> Stop {
    let hint = nearest(id, ids).map(|near| format!("; did you mean {near}?"));
    let id = escape(id.as_bytes());
    Stop::usage(format!("there is no cause {id}{}", hint.unwrap_or_default()))
}

/// A bar of names.
pub fn style() -> ProgressStyle {
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {wide_msg}");
    style.unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// A line for each cause, then the summary.
fn to_text(reports: &[Report]) -> String {
    let width = reports.iter().map(|r| r.id.len()).max().unwrap_or(0);
    let mut text = String::new();
    for report in reports {
        let colour = match report.verdict {
            Verdict::AsDocumented => GOOD,
            Verdict::Differs => BAD,
            Verdict::NotHere => DIM,
            Verdict::Skipped => DOUBT,
        };
        let happened = report.happened.as_deref().unwrap_or("-");
        let verdict = paint(colour, report.verdict.name());
        text.push_str(&format!("{:<width$}  {happened:<16}  {verdict}", report.id));
        if !report.reason.is_empty() {
            text.push_str(": ");
            text.push_str(&escape(report.reason.as_bytes()));
        }
        text.push('\n');
    }
    text.push('\n');
    for verdict in [Verdict::NotHere, Verdict::Skipped] {
        for (reason, count) in reasons(reports, verdict) {
            text.push_str(&format!("{count} {}: {}\n", verdict.name(), escape(reason.as_bytes())));
        }
    }
    text.push_str(&summary(reports));
    text.push('\n');
    text
}

/// How many causes have each reason.
fn reasons(reports: &[Report], verdict: Verdict) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for report in reports.iter().filter(|r| r.verdict == verdict) {
        *counts.entry(report.reason.as_str()).or_default() += 1;
    }
    counts
}

fn count(reports: &[Report], verdict: Verdict) -> usize {
    reports.iter().filter(|r| r.verdict == verdict).count()
}

fn summary(reports: &[Report]) -> String {
    format!(
        "{} as documented, {} differ, {} not on this system, {} skipped",
        count(reports, Verdict::AsDocumented),
        count(reports, Verdict::Differs),
        count(reports, Verdict::NotHere),
        count(reports, Verdict::Skipped)
    )
}

fn to_json(reports: &[Report]) -> String {
    let counts = Verdict::ALL.map(|v| (v.key().to_string(), json!(count(reports, v))));
    let value = json!({
        "causes": reports.iter().map(Report::to_json).collect::<Vec<_>>(),
        "summary": serde_json::Map::from_iter(counts),
    });
    format!("{value:#}\n")
}
