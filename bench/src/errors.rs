//! The cost of a failing call: Sunpath's errors beside those of the standard library.

use crate::stats::{self, Series};
use std::hint::black_box;
use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::time::Instant;

const ROUNDS: usize = 300;
const CALLS: u32 = 2_000;

/// Runs both comparisons.
pub fn run(json: bool) -> io::Result<()> {
    missing_path(json);
    would_block(json)
}

/// Average time of one call of `f`, in nanoseconds.
fn time(mut f: impl FnMut()) -> f64 {
    let start = Instant::now();
    for _ in 0..CALLS {
        f();
    }
    start.elapsed().as_nanos() as f64 / f64::from(CALLS)
}

fn missing_path(json: bool) {
    let path = std::env::temp_dir().join("sunpath-bench-no-such-socket");
    let (mut std_, mut ours) = (Series::new("std"), Series::new("sunpath"));
    for round in 0..ROUNDS {
        let mut std_round = || {
            let ns = time(|| drop(black_box(UnixStream::connect(black_box(&path)))));
            std_.samples.push(ns);
        };
        let mut our_round = || {
            let ns = time(|| drop(black_box(sunpath::Stream::connect(black_box(&path)))));
            ours.samples.push(ns);
        };
        in_turn(round, &mut std_round, &mut our_round);
    }
    stats::print("connect to a path that does not exist", &[std_, ours], json);
}

fn would_block(json: bool) -> io::Result<()> {
    let (mut a, _keep_a) = UnixStream::pair()?;
    a.set_nonblocking(true)?;
    let (b, _keep_b) = UnixStream::pair()?;
    b.set_nonblocking(true)?;
    let mut b = sunpath::Stream::from(b);
    let mut buffer = [0u8; 64];
    let (mut std_, mut ours) = (Series::new("std"), Series::new("sunpath"));
    for round in 0..ROUNDS {
        let mut own_buffer = [0u8; 64];
        let mut std_round =
            || std_.samples.push(time(|| drop(black_box(a.read(black_box(&mut buffer))))));
        let mut our_round =
            || ours.samples.push(time(|| drop(black_box(b.read(black_box(&mut own_buffer))))));
        in_turn(round, &mut std_round, &mut our_round);
    }
    stats::print("read from an empty non-blocking socket (EAGAIN)", &[std_, ours], json);
    Ok(())
}

/// Changes who goes first from round to round.
fn in_turn(round: usize, a: &mut dyn FnMut(), b: &mut dyn FnMut()) {
    if round.is_multiple_of(2) {
        a();
        b();
    } else {
        b();
        a();
    }
}
