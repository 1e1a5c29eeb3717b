//! What it costs to clone a world, as a search through what may happen does at every step.

use super::{pair, world};
use crate::stats::{self, Series};
use std::hint::black_box;
use std::io;
use std::time::Instant;
use sunpath::model::World;
use sunpath::op::{Bytes, Kind, Message, Op};

/// How many messages are queued at each pair, and their length in bytes: they are shared.
const QUEUED: usize = 4;
const LENGTH: usize = 1024;

/// Clones worlds of several sizes, and drops the clones.
pub fn run(json: bool) -> io::Result<()> {
    let subjects = [("empty", 0, 0), ("100 pairs", 100, 0), ("10,000 pairs", 10_000, 0)];
    let queued =
        [("100 pairs, 4 messages each", 100, QUEUED), ("10,000 pairs, the same", 10_000, QUEUED)];
    let all: Vec<_> = subjects.into_iter().chain(queued).map(measured).collect();
    stats::print("a world cloned and dropped", &all, json);
    Ok(())
}

fn measured((name, pairs, queued): (&'static str, usize, usize)) -> Series {
    let world = filled(pairs, queued);
    let mut series = Series::new(name);
    // As many that a round takes about a millisecond or one clone.
    let clones = 1_000 / (pairs + 1) + 1;
    for _ in 0..30 {
        let start = Instant::now();
        for _ in 0..clones {
            black_box(world.clone());
        }
        series.samples.push(start.elapsed().as_nanos() as f64 / clones as f64);
    }
    series
}

/// A world with pairs of streams, at each of which messages wait.
fn filled(pairs: usize, queued: usize) -> World {
    let (mut world, task) = world();
    let data = Bytes::from(vec![7; LENGTH]);
    for _ in 0..pairs {
        let (a, _) = pair(&mut world, task, Kind::Stream);
        for _ in 0..queued {
            world.step(task, &Op::Send(Message::new(a, data.clone()).dont_wait()));
        }
    }
    world
}
