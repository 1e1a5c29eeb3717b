//! Many pairs, used in random order.
//!
//! A round is long enough for each subject to find its own memory in the caches again, as in a
//! program that uses one of them only.

use super::{SHORT, kernel_pair, pair, through_kernel, through_model, world};
use crate::stats::{self, Series};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::hint::black_box;
use std::io;
use std::time::Instant;
use sunpath::op::{Bytes, Kind};

pub(super) const PAIRS: usize = 10_000;
const ROUNDS: usize = 30;
const CALLS: usize = 100_000;

/// Compares the two with as many pairs as the limit of descriptors admits.
pub fn run(json: bool) -> io::Result<()> {
    let many = PAIRS.min(descriptors() / 2 - 50);
    let kernel = (0..many).map(|_| kernel_pair(Kind::Stream)).collect::<io::Result<Vec<_>>>()?;
    let (mut world, task) = world();
    let pairs: Vec<_> = (0..many).map(|_| pair(&mut world, task, Kind::Stream)).collect();
    let data = [7; SHORT];
    let mut order = Order(1);
    let mut series = ["kernel", "model"].map(Series::new);
    for round in 0..ROUNDS {
        for turn in 0..2 {
            let which = (round + turn) % 2;
            let start = Instant::now();
            for _ in 0..CALLS {
                let place = order.below(many);
                match which {
                    0 => through_kernel(&kernel[place].0, &kernel[place].1, &data)?,
                    _ => {
                        let data = Bytes::from(black_box(&data));
                        through_model::<SHORT>(&mut world, task, pairs[place], data);
                    }
                }
            }
            series[which].samples.push(start.elapsed().as_nanos() as f64 / CALLS as f64);
        }
    }
    stats::print(
        &format!("{SHORT} bytes on one of {many} stream pairs, in random order"),
        &series,
        json,
    );
    Ok(())
}

/// How many descriptors this process may have: as many as its hard limit says.
pub(super) fn descriptors() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
    getrlimit(Resource::Nofile).current.map_or(usize::MAX, |n| n as usize)
}

/// A sequence without a pattern that a cache could learn (xorshift).
struct Order(u64);

impl Order {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}
