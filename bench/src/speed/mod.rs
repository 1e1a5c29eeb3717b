//! The comparison of Sunpath with what people use today.
//!
//! Every subject runs in two processes of its own, pinned on two cores or on one, and all of them
//! in each round ([`harness`]). What is measured is in [`bytes`] and its kin; adding a crate takes
//! an implementation of their trait and a line in the list beside it.

mod asynchronous;
mod batch;
mod bytes;
mod connect;
mod descriptors;
mod framing;
mod harness;
mod limits;
mod peers;
mod processors;
mod report;
mod summary;
mod svg;

use bytes::Traffic;
use harness::Plan;
use std::io::{self, IsTerminal, Write};
use std::rc::Rc;
use std::time::{Duration, Instant};

pub const USAGE: &str = "\
usage: sunpath-bench speed [OPTIONS]
  --json        everything as one JSON document instead of tables
  --summary     after the tables, the ratios in a table of 80 columns
  --svg FILE    also write a plot
  --quick       fewer and shorter rounds: half a minute, and more noise
  --only WORDS  only what has these words in its title, as `64 B` or `on one core`; may be
                given several times, and any of them suffices";

/// Where the two processes of a subject run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placement {
    /// `across` or `same`, as it stands in JSON.
    pub name: &'static str,
    /// As it stands in titles.
    pub title: &'static str,
    pub processors: (usize, usize),
}

/// How often and how long.
#[derive(Debug, Clone, Copy)]
pub struct Rounds {
    pub count: usize,
    /// About how long the first subject of a group works in a round.
    pub length: Duration,
}

const FULL: Rounds = Rounds { count: 61, length: Duration::from_millis(3) };
const QUICK: Rounds = Rounds { count: 11, length: Duration::from_millis(2) };

struct Options {
    json: bool,
    summary: bool,
    svg: Option<String>,
    rounds: Rounds,
    only: Vec<String>,
}

impl Options {
    fn parse(json: bool, args: &[&str]) -> io::Result<Options> {
        let mut options =
            Options { json, summary: false, svg: None, rounds: FULL, only: Vec::new() };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let mut value =
                || args.next().ok_or_else(|| io::Error::other(format!("{arg} needs a value")));
            match *arg {
                "--summary" => options.summary = true,
                "--svg" => options.svg = Some((*value()?).to_owned()),
                "--quick" => options.rounds = QUICK,
                "--only" => options.only.push((*value()?).to_owned()),
                _ => return Err(io::Error::other(format!("{arg} is no option\n{USAGE}"))),
            }
        }
        Ok(options)
    }

    fn wants(&self, title: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|words| title.contains(words.as_str()))
    }
}

/// What is measured, in the order of the report.
fn plans(directory: &Rc<connect::Directory>) -> Vec<Plan> {
    let plan = |id, title, subjects| Plan { id, title, most: usize::MAX, messages: 1, subjects };
    let bytes = |traffic, size| {
        let mut all = peers::all(traffic, size);
        all.extend(asynchronous::all(traffic, size));
        all
    };
    vec![
        plan("round-trip", "round trip of 64 B", bytes(Traffic::RoundTrip, 64)),
        plan("one-way-64", "one way, 64 B a message", bytes(Traffic::OneWay, 64)),
        plan("one-way-1k", "one way, 1 KiB a message", bytes(Traffic::OneWay, 1 << 10)),
        plan("one-way-64k", "one way, 64 KiB a message", bytes(Traffic::OneWay, 1 << 16)),
        plan("descriptors-1", "1 descriptor a message", descriptors::all(1)),
        plan("descriptors-64", "64 descriptors a message", descriptors::all(64)),
        plan("descriptors-253", "253 descriptors a message", descriptors::all(253)),
        Plan {
            most: connect::MOST,
            ..plan("connect", "connect and accept", connect::all(directory))
        },
        Plan {
            messages: batch::BATCH,
            ..plan("batch", "one way, 64 B a message, 32 at once", batch::all())
        },
        plan("framing", "one way, 64 B a message, framed", framing::all()),
    ]
}

/// Runs the comparison.
pub fn run(json: bool, args: &[&str]) -> io::Result<()> {
    let options = Options::parse(json, args)?;
    let (first, second) = processors::two()?;
    let mut placements =
        vec![Placement { name: "same", title: "on one core", processors: (first, first) }];
    match second {
        Some(second) => placements.insert(
            0,
            Placement { name: "across", title: "across two cores", processors: (first, second) },
        ),
        None => eprintln!("skipped: across two cores, because only one may be used"),
    }
    // Descriptors in flight count against it, for users without privilege.
    sunpath::sys::process::raise_descriptor_limit()?;
    let started = Instant::now();
    let directory = connect::Directory::new()?;
    let mut groups = Vec::new();
    for placement in placements {
        for plan in plans(&directory) {
            let title = format!("{}, {}", plan.title, placement.title);
            if !options.wants(&title) {
                continue;
            }
            let rounds = options.rounds;
            let group = harness::measure(plan, placement, rounds, |round| {
                progress(&format!("{title}: round {} of {}", round + 1, rounds.count));
            })?;
            progress("");
            if !options.json {
                report::print(&group);
            }
            groups.push(group);
        }
    }
    let report = report::Report { groups, seconds: started.elapsed().as_secs() };
    if options.json {
        println!("{:#}", report.json());
    } else {
        limits::print(&report);
        if options.summary {
            summary::print(&report);
        }
    }
    if let Some(file) = options.svg {
        std::fs::write(file, svg::draw(&report))?;
    }
    Ok(())
}

/// Says on a terminal what is being done, in place of what it said before.
fn progress(text: &str) {
    let mut stderr = io::stderr();
    if stderr.is_terminal() {
        // Nothing is lost if it cannot be shown.
        let _ = write!(stderr, "\r\x1b[K{text}").and_then(|()| stderr.flush());
    }
}
