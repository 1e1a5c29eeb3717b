//! `sunpath ls` beside `ss -xap` and `lsof -U`: whole commands, with 1,000, 10,000 and 50,000 sockets
//! in 50 processes.

use crate::holders::{Holder, sunpath_binary, wall};
use crate::stats::{self, Series};
use std::io;
use std::path::Path;
use std::process::Command;

const PROCESSES: usize = 50;

/// Sockets, and rounds of measurements: the more sockets, the less a round varies.
const SIZES: [(usize, usize); 3] = [(1_000, 41), (10_000, 15), (50_000, 7)];

/// Times the commands in turn, at each size.
pub fn run(json: bool) -> io::Result<()> {
    let sunpath = sunpath_binary()?;
    for (sockets, rounds) in SIZES {
        measure(&sunpath, sockets, rounds, json)?;
    }
    Ok(())
}

fn measure(sunpath: &Path, sockets: usize, rounds: usize, json: bool) -> io::Result<()> {
    let pairs = sockets / PROCESSES / 2;
    let holders: Vec<_> =
        (0..PROCESSES).map(|_| Holder::start(pairs)).collect::<io::Result<_>>()?;
    let mut series = [("ss -xap", ss()), ("sunpath ls", ls(sunpath)), ("lsof -U", lsof())]
        .map(|(name, command)| (Series::new(name), command));
    for round in 0..=rounds {
        for (series, command) in &mut series {
            let ns = wall(command)?;
            // The first round fills caches.
            if round > 0 {
                series.samples.push(ns);
            }
        }
    }
    drop(holders);
    let title = format!("{sockets} sockets in {PROCESSES} processes");
    stats::print(&title, &series.map(|(series, _)| series), json);
    Ok(())
}

fn ss() -> Command {
    let mut command = Command::new("ss");
    command.arg("-xap");
    command
}

fn ls(sunpath: &Path) -> Command {
    let mut command = Command::new(sunpath);
    command.arg("ls");
    command
}

fn lsof() -> Command {
    let mut command = Command::new("lsof");
    command.args(["-w", "-U"]);
    command
}
