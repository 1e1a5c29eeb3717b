//! `sunpath conform --random` and `--blocking`: random calls on the model and on the running
//! kernel.

use crate::args::Conform;
use crate::exit::Exit;
use crate::failure;
use crate::mirror::run::{self, Report};
use crate::out::{self, Stop};
use crate::render::{BAD, GOOD, paint};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::SystemTime;
use sunpath::text::escape;

/// How many calls, unless somebody says so.
const MANY: u64 = 1_000_000;
/// And how many of those that may wait.
const MANY_WAITING: u64 = 50_000;

/// Plays, and prints what came of it.
pub fn run(args: &Conform) -> Result<Exit, Stop> {
    let seed = args.seed.unwrap_or_else(new_seed);
    let steps = args.steps.unwrap_or(if args.blocking { MANY_WAITING } else { MANY });
    let bar = ProgressBar::new(steps).with_style(style());
    let progress = |steps| bar.set_position(steps);
    let report = run::run(seed, steps, args.mistake, args.blocking, progress);
    bar.finish_and_clear();
    let report = report.map_err(|trouble| Stop::trouble(trouble.to_string()))?;
    let saved = report.finding.as_ref().map(|finding| save(args, seed, finding)).transpose();
    // What was found is told even if it cannot be saved.
    let (saved, unsaved) = match saved {
        Ok(saved) => (saved, None),
        Err(why) => (None, Some(why)),
    };
    out::print(&if args.json {
        to_json(seed, &report, saved.as_ref())
    } else {
        to_text(seed, &report, saved.as_ref())
    })?;
    match unsaved {
        Some(why) => Err(Stop::trouble(why)),
        None if report.finding.is_some() => Ok(Exit::Fails),
        None => Ok(Exit::Success),
    }
}

/// A number that differs each time.
fn new_seed() -> u64 {
    let time = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    (time.as_nanos() as u64) % 1_000_000_000
}

fn style() -> ProgressStyle {
    let style = ProgressStyle::with_template("{bar:30} {human_pos}/{human_len} {per_sec} {eta}");
    style.unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// Writes the calls to a file.
fn save(args: &Conform, seed: u64, finding: &Value) -> Result<PathBuf, String> {
    let path = args.save.clone().unwrap_or_else(|| format!("sunpath-{seed}.trace").into());
    let write = std::fs::write(&path, trace(finding));
    let complaint = |error| {
        let why = failure::on_file("save the trace as", &path, &error);
        format!("{why}; --save FILE says where to")
    };
    write.map(|()| path.clone()).map_err(complaint)
}

/// The calls, with what the model says.
fn trace(finding: &Value) -> &str {
    finding["trace"].as_str().unwrap_or_default()
}

fn to_text(seed: u64, report: &Report, saved: Option<&PathBuf>) -> String {
    let Some(finding) = &report.finding else {
        let same = paint(GOOD, "no difference");
        return format!("{} calls compared, {same}, seed {seed}\n", report.steps);
    };
    let said = |key: &str| escape(finding[key].as_str().unwrap_or("-").as_bytes()).to_string();
    let differ = paint(BAD, "model and kernel differ");
    let repeats = match finding["repeats"].as_bool() {
        Some(false) => "\n(The same calls agreed when they were made again.)",
        _ => "",
    };
    let saved = saved.map(|path| escape(path.as_os_str().as_encoded_bytes()).to_string());
    let saved = saved.map_or("not saved".into(), |path| format!("saved as {path}"));
    format!(
        "{differ} (seed {seed}, script {}):\n\n{}\nmodel:  {}\nkernel: {}{repeats}\n\n{} calls compared; \
         {saved}\n",
        finding["script"],
        trace(finding),
        said("model"),
        said("kernel"),
        report.steps,
    )
}

fn to_json(seed: u64, report: &Report, saved: Option<&PathBuf>) -> String {
    let value = json!({
        "seed": seed,
        "steps": report.steps,
        "difference": report.finding,
        "causes": report.causes,
        "saved": saved.map(|path| path.to_string_lossy()),
    });
    format!("{value:#}\n")
}
