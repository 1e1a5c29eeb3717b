//! `sunpath play`: plays traces and tells what came of each step.

use super::conform::style;
use crate::args::{On, Play};
use crate::exit::Exit;
use crate::failure;
use crate::live::{self, cause::Source};
use crate::out::{self, Stop};
use crate::render::text::{columns, pad};
use crate::render::{BAD, DIM, GOOD, HEAD, paint};
use indicatif::ProgressBar;
use serde_json::{Value, json};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use sunpath::Platform;
use sunpath::model::World;
use sunpath::profile::Profile;
use sunpath::text::escape;
use sunpath::trace::{Expected, Misplayed, Outcome, Played, Trace, play};

/// Events longer than this do not push the outcomes of all others to the right.
const WIDEST: usize = 48;

/// A longer text is not read.
const MOST_BYTES: u64 = 256 << 20;

/// Directories are not searched deeper than this.
const DEEPEST: usize = 16;

/// What the end of a trace begins with that is no failure.
const SKIPPED: &str = "skipped: ";

/// Plays the traces and prints what came of each step.
pub fn run(args: &Play) -> Result<Exit, Stop> {
    if args.on == On::Kernel && (args.record || args.profile.0 != [Platform::Linux]) {
        let why = "the running kernel has rules of its own: --on kernel goes with neither \
                   --profile nor --record";
        return Err(Stop::usage(why));
    }
    let files = files(&args.traces)?;
    if args.record && args.json && files.iter().any(|path| is_stdin(path)) {
        let why = "--record prints what it read from standard input, which leaves no place for \
                   what --json prints";
        return Err(Stop::usage(why));
    }
    // Whatever is no trace is told before anything is played.
    let traces = files.iter().map(|path| Ok((path, read(path)?))).collect::<Result<Vec<_>, _>>()?;
    let stdin_recorded = args.record && files.iter().any(|path| is_stdin(path));
    let silent = args.json || stdin_recorded;
    let bar = match silent {
        true => ProgressBar::new(traces.len() as u64).with_style(style()),
        false => ProgressBar::hidden(),
    };
    let mut runs: Vec<Run> = Vec::new();
    for (path, (text, mut trace)) in traces {
        bar.set_message(shown(path));
        let played = match args.on {
            On::Kernel => vec![Run::on_kernel(path, &text, &trace)?],
            On::Model => {
                args.profile.0.iter().map(|system| Run::of(path, &trace, *system)).collect()
            }
        };
        let recorded = match args.record {
            true => Some(record(path, &mut trace, &played)?),
            false => None,
        };
        for mut run in played {
            run.recorded = recorded;
            if !silent {
                let between = if runs.is_empty() { "" } else { "\n" };
                out::print(&format!("{between}{}", run.to_text()))?;
            }
            runs.push(run);
        }
        if let Some(changed) = recorded {
            tell_recorded(path, changed, silent)?;
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    if args.json {
        out::print(&to_json(&runs))?;
    }
    let as_expected = runs.iter().all(Run::is_as_expected);
    Ok(if args.record || as_expected { Exit::Success } else { Exit::Fails })
}

/// The files, and in place of directories the traces in them, in order.
fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Stop> {
    let mut files = Vec::new();
    for path in paths {
        if is_stdin(path) || !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let before = files.len();
        gather(path, 0, &mut files)?;
        if files.len() == before {
            return Err(Stop::usage(format!("{} has no traces (*.trace)", shown(path))));
        }
    }
    Ok(files)
}

fn gather(dir: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), Stop> {
    let entries = std::fs::read_dir(dir).and_then(|entries| {
        let paths = entries.map(|entry| entry.map(|entry| entry.path()));
        paths.collect::<io::Result<Vec<_>>>()
    });
    let mut paths = entries.map_err(|e| Stop::usage(failure::on_file("read", dir, &e)))?;
    paths.sort();
    for path in paths {
        if path.is_dir() && depth < DEEPEST {
            gather(&path, depth + 1, files)?;
        } else if path.extension().is_some_and(|extension| extension == "trace") {
            files.push(path);
        }
    }
    Ok(())
}

fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

fn shown(path: &Path) -> String {
    escape(path.as_os_str().as_encoded_bytes())
}

fn read(path: &Path) -> Result<(String, Trace), Stop> {
    let mut bytes = Vec::new();
    let read = if is_stdin(path) {
        io::stdin().lock().take(MOST_BYTES + 1).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(MOST_BYTES + 1).read_to_end(&mut bytes))
    };
    read.map_err(|e| Stop::usage(failure::on_file("read", path, &e)))?;
    let path = shown(path);
    if bytes.len() as u64 > MOST_BYTES {
        return Err(Stop::usage(format!("{path} is too long for a trace")));
    }
    let text = String::from_utf8(bytes);
    let text = text.map_err(|_| Stop::usage(format!("{path} is no trace: it is not text")))?;
    let trace = text.parse().map_err(|error| Stop::usage(format!("{path}: {error}")))?;
    Ok((text, trace))
}

/// Writes what happened into the trace: back into its file, or to standard output. In how many
/// steps what is expected has changed by that.
fn record(path: &Path, trace: &mut Trace, played: &[Run]) -> Result<usize, Stop> {
    let before = trace.clone();
    for run in played {
        if let Some(error) = &run.ended {
            return Err(Stop::trouble(format!("{}: {error}", shown(path))));
        }
        if run.concerned {
            trace.record(run.platform, &run.told);
        }
    }
    if is_stdin(path) {
        out::print(&trace.to_string())?;
    } else {
        let written = std::fs::write(path, trace.to_string());
        written.map_err(|e| Stop::trouble(failure::on_file("write", path, &e)))?;
    }
    let changed = before.steps().zip(trace.steps()).filter(|(before, now)| before != now);
    Ok(changed.count())
}

/// What `--record` did to a trace. Where standard output is not for people, standard error is.
fn tell_recorded(path: &Path, changed: usize, silent: bool) -> Result<(), Stop> {
    let steps = counted(changed, "step", "steps");
    let told = match changed {
        0 => format!("{}: recorded, nothing has changed\n", shown(path)),
        _ => format!("{}: recorded, {steps} changed\n", shown(path)),
    };
    if silent {
        // Whoever closed standard error does not want to know.
        let _ = anstream::stderr().lock().write_all(told.as_bytes());
        return Ok(());
    }
    out::print(&told)
}

/// `1 step`, `2 steps`
fn counted(number: usize, one: &str, more: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { more })
}

/// A trace that was played.
struct Run {
    trace: String,
    on: On,
    /// Whose rules hold there.
    platform: Platform,
    /// Whether the trace is about this system.
    concerned: bool,
    steps: Vec<Step>,
    /// What came of each step, to be recorded; of the model alone.
    told: Vec<Option<Expected>>,
    /// Why it was not played to its end.
    ended: Option<Misplayed>,
    /// With `--record`, in how many steps of the trace what is expected was changed.
    recorded: Option<usize>,
}

/// A step that was played, in words.
struct Step {
    line: usize,
    event: String,
    came: String,
    errno: Option<String>,
    cause: Option<String>,
    /// How the cause is known.
    cause_by: Option<String>,
    expected: Option<String>,
    fault: Option<String>,
}

impl Run {
    /// In the model, with the rules of a system.
    fn of(path: &Path, trace: &Trace, platform: Platform) -> Run {
        let concerned = trace.platforms().contains(&platform);
        let mut world = World::new(Profile::of(platform).clone());
        let played = if concerned { play(trace, &mut world) } else { Ok(Vec::new()) };
        let (played, ended) = match played {
            Ok(played) => (played, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        let steps = played.iter().map(|played| Step::of(played, Some(Source::Model))).collect();
        let told = played.into_iter().map(|played| played.told).collect();
        let (trace, recorded) = (shown(path), None);
        Run { trace, on: On::Model, platform, concerned, steps, told, ended, recorded }
    }

    /// On the running kernel.
    fn on_kernel(path: &Path, text: &str, trace: &Trace) -> Result<Run, Stop> {
        let platform = Platform::Linux;
        let concerned = trace.platforms().contains(&platform);
        let (steps, ended) = match concerned {
            true => live::run::play(text, trace)
                .map_err(|trouble| Stop::trouble(format!("{}: {trouble}", shown(path))))?,
            false => (Vec::new(), None),
        };
        let steps = steps.iter().map(Step::from_json).collect();
        let (trace, on, told, recorded) = (shown(path), On::Kernel, Vec::new(), None);
        Ok(Run { trace, on, platform, concerned, steps, told, ended, recorded })
    }

    /// Why the system could not be brought to play the rest of it, which is no failure.
    fn skipped(&self) -> Option<&str> {
        self.ended.as_ref().and_then(|ended| ended.why.strip_prefix(SKIPPED))
    }

    fn is_as_expected(&self) -> bool {
        self.faults() == 0 && (self.ended.is_none() || self.skipped().is_some())
    }

    fn faults(&self) -> usize {
        self.steps.iter().filter(|step| step.fault.is_some()).count()
    }

    /// A heading, a line for each step, and what is not as expected.
    fn to_text(&self) -> String {
        let system = match self.on {
            On::Model => self.platform.to_string(),
            On::Kernel => "the kernel".into(),
        };
        let mut text = format!("{}\n", paint(HEAD, &format!("{} on {system}", self.trace)));
        if !self.concerned {
            text.push_str(&paint(DIM, "  is about other systems\n"));
            return text;
        }
        let widths = self.steps.iter().map(|step| columns(&step.event));
        let width = widths.filter(|w| *w <= WIDEST).max().unwrap_or(0);
        self.steps.iter().for_each(|step| text.push_str(&step.to_text(self.on, width)));
        match (&self.ended, self.skipped()) {
            (_, Some(_)) if self.faults() > 0 => text.push_str(&self.summary()),
            (Some(ended), Some(_)) => {
                text.push_str(&format!("  {}\n", paint(DIM, &ended.to_string())))
            }
            (Some(ended), None) => {
                text.push_str(&format!("  {}\n", paint(BAD, &ended.to_string())))
            }
            (None, _) => text.push_str(&self.summary()),
        }
        text
    }

    fn summary(&self) -> String {
        let steps = counted(self.steps.len(), "step", "steps");
        let faults = self.faults();
        let expected = match self.steps.iter().filter(|step| step.expected.is_some()).count() {
            0 if faults == 0 => return format!("  {steps}, no expectations\n"),
            1 => "1 with an expectation".into(),
            number => format!("{number} with expectations"),
        };
        let verdict = match faults {
            0 => paint(GOOD, "all as expected"),
            faults => paint(BAD, &format!("{faults} not as expected")),
        };
        // What is recorded is expected from now on.
        let before = if self.recorded.is_some() { " before" } else { "" };
        format!("  {steps}, {expected}: {verdict}{before}\n")
    }
}

/// A step as JSON.
pub fn show(played: &Played<'_>, source: Option<Source>) -> Value {
    Step::of(played, source).to_json()
}

impl Step {
    fn of(played: &Played<'_>, source: Option<Source>) -> Step {
        let outcome = || played.outcome.as_ref().map(|outcome| outcome.to_string());
        let told = played.told.as_ref().map(|told| told.to_string());
        let (errno, cause) = match &played.outcome {
            Some(Outcome::Failed { errno, cause, .. }) => (Some(errno.name()), *cause),
            Some(Outcome::Waits(cause)) => (None, *cause),
            _ => (None, None),
        };
        Step {
            line: played.step.line,
            event: played.step.event.to_string(),
            came: told.or_else(outcome).unwrap_or_default(),
            errno: errno.map(Into::into),
            cause: cause.map(Into::into),
            cause_by: cause.and(source).map(|source| source.name().into()),
            expected: played.expected.map(|expected| expected.to_string()),
            fault: played.fault(),
        }
    }

    /// `on`: where it was played. The model knows its causes; on the kernel it is said how.
    fn to_text(&self, on: On, width: usize) -> String {
        let source = match (on, self.cause_by.as_deref()) {
            (On::Kernel, Some(by)) if by == Source::Diagnosis.name() => " (diagnosed)",
            (On::Kernel, Some(_)) => " (as the model says)",
            _ => "",
        };
        let line = format!("  {} {}{}", pad(&self.event, width), self.came, paint(DIM, source));
        let fault = self
            .fault
            .as_ref()
            .map(|fault| format!("    {} {fault}\n", paint(BAD, &format!("line {}:", self.line))));
        format!("{}\n{}", line.trim_end(), fault.unwrap_or_default())
    }

    fn to_json(&self) -> Value {
        json!({
            "line": self.line,
            "event": self.event,
            "outcome": self.came,
            "errno": self.errno,
            "cause": self.cause,
            "cause_by": self.cause_by,
            "expected": self.expected,
            "fault": self.fault,
        })
    }

    fn from_json(step: &Value) -> Step {
        let text = |key: &str| step[key].as_str().map(String::from);
        Step {
            line: step["line"].as_u64().unwrap_or(0) as usize,
            event: text("event").unwrap_or_default(),
            came: text("outcome").unwrap_or_default(),
            errno: text("errno"),
            cause: text("cause"),
            cause_by: text("cause_by"),
            expected: text("expected"),
            fault: text("fault"),
        }
    }
}

fn to_json(runs: &[Run]) -> String {
    let run = |run: &Run| {
        let error = || run.ended.as_ref().map(|ended| ended.to_string());
        json!({
            "trace": run.trace,
            "on": match run.on {
                On::Model => "model",
                On::Kernel => "kernel",
            },
            "profile": run.platform.name(),
            "concerned": run.concerned,
            "steps": run.steps.iter().map(Step::to_json).collect::<Vec<_>>(),
            "error": if run.skipped().is_some() { None } else { error() },
            "skipped": run.skipped(),
            "faults": run.faults(),
            "recorded": run.recorded,
        })
    };
    format!("{:#}\n", json!({ "runs": runs.iter().map(run).collect::<Vec<_>>() }))
}
