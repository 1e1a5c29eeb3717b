//! `sunpath play`: plays traces and tells what came of each step.

use crate::args::Play;
use crate::exit::Exit;
use crate::out::{self, Stop};
use crate::render::text::{columns, pad};
use crate::render::{BAD, DIM, GOOD, HEAD, paint};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use sunpath::Platform;
use sunpath::model::World;
use sunpath::profile::Profile;
use sunpath::text::escape;
use sunpath::trace::{Expected, Misplayed, Outcome, Trace, play};

/// Events longer than this do not push the outcomes of all others to the right.
const WIDEST: usize = 48;

/// A longer text is not read.
const MOST_BYTES: u64 = 256 << 20;

/// Plays the traces and prints what came of each step.
pub fn run(args: &Play) -> Result<Exit, Stop> {
    let mut runs = Vec::new();
    for path in &args.traces {
        let mut trace = read(path)?;
        let on = |platform: &Platform| Run::of(path, &trace, *platform);
        let played: Vec<_> = args.profile.0.iter().map(on).collect();
        if args.record {
            record(path, &mut trace, &played)?;
        }
        runs.extend(played);
    }
    let stdin_recorded = args.record && args.traces.iter().any(|path| is_stdin(path));
    if args.json {
        out::print(&to_json(&runs))?;
    } else if !stdin_recorded {
        let texts: Vec<_> = runs.iter().map(Run::to_text).collect();
        out::print(&texts.join("\n"))?;
    }
    let as_expected = runs.iter().all(|run| run.faults() == 0 && run.steps.is_ok());
    Ok(if args.record || as_expected { Exit::Success } else { Exit::Fails })
}

fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

fn shown(path: &Path) -> String {
    escape(path.as_os_str().as_encoded_bytes())
}

fn read(path: &Path) -> Result<Trace, Stop> {
    let mut bytes = Vec::new();
    let read = if is_stdin(path) {
        io::stdin().lock().take(MOST_BYTES + 1).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(MOST_BYTES + 1).read_to_end(&mut bytes))
    };
    let path = shown(path);
    read.map_err(|e| Stop::usage(format!("cannot read {path}: {e}")))?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(Stop::usage(format!("{path} is too long for a trace")));
    }
    let text = String::from_utf8(bytes);
    let text = text.map_err(|_| Stop::usage(format!("{path} is not text")))?;
    text.parse().map_err(|error| Stop::usage(format!("{path}: {error}")))
}

/// Writes what happened into the trace: back into its file, or to standard output.
fn record(path: &Path, trace: &mut Trace, played: &[Run]) -> Result<(), Stop> {
    for run in played {
        let steps = run.steps.as_ref();
        let steps = steps.map_err(|error| Stop::trouble(format!("{}: {error}", shown(path))))?;
        let told: Vec<_> = steps.iter().map(|step| step.told.clone()).collect();
        if run.concerned {
            trace.record(run.platform, &told);
        }
    }
    if is_stdin(path) {
        return out::print(&trace.to_string());
    }
    let written = std::fs::write(path, trace.to_string());
    written.map_err(|e| Stop::trouble(format!("cannot write {}: {e}", shown(path))))
}

/// A trace that was played with the rules of a system.
struct Run {
    trace: String,
    platform: Platform,
    /// Whether the trace is about this system.
    concerned: bool,
    steps: Result<Vec<Step>, Misplayed>,
}

/// A step that was played.
struct Step {
    line: usize,
    event: String,
    outcome: Option<Outcome>,
    told: Option<Expected>,
    expected: Option<String>,
    fault: Option<String>,
}

impl Run {
    fn of(path: &Path, trace: &Trace, platform: Platform) -> Run {
        let concerned = trace.platforms().contains(&platform);
        let mut world = World::new(Profile::of(platform).clone());
        let played = if concerned { play(trace, &mut world) } else { Ok(Vec::new()) };
        let steps = played.map(|played| {
            let step = |played: sunpath::trace::Played<'_>| Step {
                line: played.step.line,
                event: played.step.event.to_string(),
                fault: played.fault(),
                expected: played.expected.map(|expected| expected.to_string()),
                outcome: played.outcome,
                told: played.told,
            };
            played.into_iter().map(step).collect()
        });
        Run { trace: shown(path), platform, concerned, steps }
    }

    fn faults(&self) -> usize {
        self.steps.iter().flatten().filter(|step| step.fault.is_some()).count()
    }

    /// A heading, a line for each step, and what is not as expected.
    fn to_text(&self) -> String {
        let heading = format!("{} on {}", self.trace, self.platform);
        let mut text = format!("{}\n", paint(HEAD, &heading));
        match &self.steps {
            _ if !self.concerned => text.push_str(&paint(DIM, "  is about other systems\n")),
            Err(error) => text.push_str(&format!("  {}\n", paint(BAD, &error.to_string()))),
            Ok(steps) => {
                let widths = steps.iter().map(|step| columns(&step.event));
                let width = widths.filter(|w| *w <= WIDEST).max().unwrap_or(0);
                steps.iter().for_each(|step| text.push_str(&step.to_text(width)));
                text.push_str(&self.summary(steps));
            }
        }
        text
    }

    fn summary(&self, steps: &[Step]) -> String {
        let expected = steps.iter().filter(|step| step.expected.is_some()).count();
        let (faults, steps) = (self.faults(), steps.len());
        let verdict = match faults {
            0 => paint(GOOD, "all as expected"),
            faults => paint(BAD, &format!("{faults} not as expected")),
        };
        format!("  {steps} steps, {expected} with expectations: {verdict}\n")
    }
}

impl Step {
    fn came(&self) -> String {
        let outcome = || self.outcome.as_ref().map(|outcome| outcome.to_string());
        self.told.as_ref().map(|told| told.to_string()).or_else(outcome).unwrap_or_default()
    }

    fn to_text(&self, width: usize) -> String {
        let line = format!("  {} {}", pad(&self.event, width), self.came());
        let fault = self
            .fault
            .as_ref()
            .map(|fault| format!("    {} {fault}\n", paint(BAD, &format!("line {}:", self.line))));
        format!("{}\n{}", line.trim_end(), fault.unwrap_or_default())
    }

    fn to_json(&self) -> Value {
        let mut step = json!({
            "line": self.line,
            "event": self.event,
            "outcome": self.came(),
            "errno": null,
            "cause": null,
            "expected": self.expected,
            "fault": self.fault,
        });
        match &self.outcome {
            Some(Outcome::Failed { errno, cause, .. }) => {
                step["errno"] = json!(errno.name());
                step["cause"] = json!(cause);
            }
            Some(Outcome::Waits(cause)) => step["cause"] = json!(cause),
            _ => {}
        }
        step
    }
}

fn to_json(runs: &[Run]) -> String {
    let run = |run: &Run| {
        let steps = run.steps.iter().flatten().map(Step::to_json);
        json!({
            "trace": run.trace,
            "profile": run.platform.name(),
            "concerned": run.concerned,
            "steps": steps.collect::<Vec<_>>(),
            "error": run.steps.as_ref().err().map(|error| error.to_string()),
            "faults": run.faults(),
        })
    };
    format!("{:#}\n", json!({ "runs": runs.iter().map(run).collect::<Vec<_>>() }))
}
