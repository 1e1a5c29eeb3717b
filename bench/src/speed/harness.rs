//! Two pinned processes a subject, which do their parts of a round when they are told to.
//!
//! The coordinator has one thread and measures nothing itself: each process pins itself, then sets
//! up its end, so that runtimes and buffers belong to it alone. All subjects of a group stay alive
//! for all rounds; those that are not measured sleep in a read.

use super::report::{Group, Row};
use super::{Placement, Rounds};
use crate::stats::Series;
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};
use sunpath::sys::process::{Child, fork};

/// How long one round may take before its subject counts as hung.
const TIME_LIMIT: Duration = Duration::from_secs(20);

/// Operations come in multiples of this, and this many come in the round that checks contents.
const STEP: usize = 64;

/// What a process does in a round.
#[derive(Debug, Clone, Copy)]
pub struct Round {
    /// How many operations.
    pub count: usize,
    /// Whether to compare what arrives with what was sent.
    pub check: bool,
    /// Which round it is.
    pub turn: usize,
}

/// One side's part of a round.
pub type Work = Box<dyn FnMut(Round) -> io::Result<()>>;

/// Sets one side up, in the process that is to do its work.
pub type Start = Box<dyn FnOnce() -> io::Result<Work>>;

/// The two sides of a subject. The first is the one that is timed: it goes on until it knows that
/// the second is done too.
pub struct Sides {
    pub first: Start,
    pub second: Start,
}

/// Something to measure.
pub struct Subject {
    /// The socket type, or another heading under which it stands.
    pub kind: &'static str,
    pub name: &'static str,
    pub sides: Box<dyn Fn() -> io::Result<Sides>>,
}

/// A workload and all that do it.
pub struct Plan {
    /// A short name without blanks, unique together with the placement.
    pub id: &'static str,
    pub title: &'static str,
    /// The most operations a round; `usize::MAX` unless something would overflow.
    pub most: usize,
    /// Messages an operation.
    pub messages: usize,
    pub subjects: Vec<Subject>,
}

/// Runs all rounds of a workload. Each round runs every subject once, beginning with another one
/// than the round before.
pub fn measure(
    plan: Plan,
    placement: Placement,
    rounds: Rounds,
    mut progress: impl FnMut(usize),
) -> io::Result<Group> {
    let mut entries = Vec::new();
    for subject in &plan.subjects {
        let started = (subject.sides)().and_then(|sides| Pair::start(sides, placement));
        match started.and_then(|mut pair| pair.check().map(|_| pair)) {
            Ok(pair) => entries.push(Entry::new(subject, pair)),
            Err(error) => complain(&plan, subject.name, &error),
        }
    }
    let Some(base) = entries.first_mut() else {
        return Err(io::Error::other(format!("{}: nothing can be measured", plan.title)));
    };
    let count = calibrate(&mut base.pair, rounds.length)?.min(plan.most);
    for round in 0..rounds.count {
        progress(round);
        let mut failed = None;
        for turn in 0..entries.len() {
            let at = (turn + round) % entries.len();
            let entry = &mut entries[at];
            match entry.pair.round(count, round) {
                Ok(time) => entry.add(time, count * plan.messages),
                Err(error) => {
                    complain(&plan, entry.row.series.name, &error);
                    failed = Some(at);
                    break;
                }
            }
        }
        if let Some(at) = failed {
            // The rounds before stay comparable: every series is cut to whole rounds.
            entries.remove(at);
            entries.iter_mut().for_each(|e| e.row.series.samples.truncate(round));
        }
    }
    let rows = entries.into_iter().map(|entry| entry.row).collect();
    Ok(Group { id: plan.id, title: plan.title, placement, messages: count * plan.messages, rows })
}

struct Entry {
    row: Row,
    pair: Pair,
}

impl Entry {
    fn new(subject: &Subject, pair: Pair) -> Entry {
        Entry { row: Row { kind: subject.kind, series: Series::new(subject.name) }, pair }
    }

    fn add(&mut self, time: Duration, messages: usize) {
        self.row.series.samples.push(time.as_nanos() as f64 / messages as f64);
    }
}

fn complain(plan: &Plan, name: &str, error: &io::Error) {
    eprintln!("sunpath-bench: {}: {name} is left out: {error}", plan.title);
}

/// How many operations take about as long as a round shall.
fn calibrate(pair: &mut Pair, length: Duration) -> io::Result<usize> {
    let mut count = STEP;
    loop {
        // The best of three: another process's turn must not be taken for the work.
        let tries = [pair.round(count, 0)?, pair.round(count, 1)?, pair.round(count, 2)?];
        let taken = tries[0].min(tries[1]).min(tries[2]);
        if taken * 2 >= length || count >= 1 << 20 {
            let exact = count as f64 * length.as_secs_f64() / taken.as_secs_f64();
            return Ok((exact as usize).next_multiple_of(STEP));
        }
        count *= 2;
    }
}

/// The two processes of a subject. Dropping ends them.
struct Pair {
    first: Process,
    second: Process,
}

impl Pair {
    fn start(sides: Sides, placement: Placement) -> io::Result<Pair> {
        let Sides { first, second } = sides;
        let mut second = Some(second);
        // A process must not keep the other's end open, or a death would go unnoticed.
        let shed = || drop(second.take());
        let first = Process::start(first, placement.processors.0, shed)?;
        let second = second.take().ok_or_else(|| io::Error::other("no second side"))?;
        let second = Process::start(second, placement.processors.1, || ())?;
        let mut pair = Pair { first, second };
        pair.second.answer()?;
        pair.first.answer()?;
        Ok(pair)
    }

    /// How long the first side took.
    fn round(&mut self, count: usize, turn: usize) -> io::Result<Duration> {
        self.run(Round { count, check: false, turn })
    }

    /// Whether what arrives is what was sent.
    fn check(&mut self) -> io::Result<Duration> {
        self.run(Round { count: STEP, check: true, turn: 0 })
    }

    fn run(&mut self, round: Round) -> io::Result<Duration> {
        self.second.tell(round)?;
        self.first.tell(round)?;
        let time = self.first.answer()?;
        self.second.answer()?;
        Ok(time)
    }
}

/// One side in a process of its own, and the line to it.
struct Process {
    line: UnixStream,
    _child: Child,
}

impl Process {
    fn start(side: Start, processor: usize, shed: impl FnOnce()) -> io::Result<Process> {
        let (line, theirs) = UnixStream::pair()?;
        line.set_read_timeout(Some(TIME_LIMIT))?;
        let kept = line.try_clone()?;
        let child = fork(move || {
            shed();
            drop(kept);
            match serve(&theirs, side, processor) {
                Ok(()) => 0,
                Err(error) => {
                    // Whoever reads the line finds the reason on it, unless it is gone.
                    let _ = tell_error(&theirs, &error);
                    1
                }
            }
        })?;
        Ok(Process { line, _child: child })
    }

    fn tell(&mut self, round: Round) -> io::Result<()> {
        let parts = [round.count as u64, u64::from(round.check), round.turn as u64];
        self.line.write_all(parts.map(u64::to_ne_bytes).as_flattened())
    }

    fn answer(&mut self) -> io::Result<Duration> {
        let mut nanoseconds = [0; 8];
        match self.line.read_exact(&mut nanoseconds) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                return Err(io::Error::other(format!("hung for {} s", TIME_LIMIT.as_secs())));
            }
            Err(error) => return Err(error),
        }
        match u64::from_ne_bytes(nanoseconds) {
            FAILED => {
                let mut text = String::new();
                self.line.read_to_string(&mut text)?;
                Err(io::Error::other(text))
            }
            time => Ok(Duration::from_nanos(time)),
        }
    }
}

/// In place of a time: the text of an error follows.
const FAILED: u64 = u64::MAX;

fn tell_error(mut line: &UnixStream, error: &io::Error) -> io::Result<()> {
    line.write_all(&FAILED.to_ne_bytes())?;
    line.write_all(error.to_string().as_bytes())
}

/// The process's side: sets up, then does each round that it is told to, until the line closes.
fn serve(mut line: &UnixStream, start: Start, processor: usize) -> io::Result<()> {
    super::processors::stay_on(processor)?;
    let mut work = start()?;
    line.write_all(&0u64.to_ne_bytes())?;
    let mut told = [[0; 8]; 3];
    loop {
        match line.read_exact(told.as_flattened_mut()) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) => return Err(error),
        }
        let [count, check, turn] = told.map(|part| u64::from_ne_bytes(part) as usize);
        let round = Round { count, check: check != 0, turn };
        // Caches, and the scheduler's idea of both processes, are as they are in the long run.
        work(Round { count: (count / 8).max(1), ..round })?;
        let start = Instant::now();
        work(round)?;
        line.write_all(&(start.elapsed().as_nanos() as u64).to_ne_bytes())?;
    }
}
