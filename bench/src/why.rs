//! `sunpath why` beside `ss -xap` on a machine with 10,000 sockets in 100 processes.

use crate::holders::{Holder, sunpath_binary, wall};
use crate::stats::{self, Series};
use std::io;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

const PROCESSES: usize = 100;
const PAIRS: usize = 50;
const ROUNDS: usize = 21;

/// Fills the machine with sockets, then times both commands in turn.
pub fn run(json: bool) -> io::Result<()> {
    let sunpath = sunpath_binary()?;
    let dir = std::env::temp_dir().join(format!("sunpath-bench-{}", std::process::id()));
    std::fs::create_dir(&dir)?;
    let path = dir.join("app.sock");
    let result = measure(&sunpath, &path, json);
    std::fs::remove_dir_all(&dir)?;
    result
}

fn measure(sunpath: &Path, path: &Path, json: bool) -> io::Result<()> {
    let mut holders = Vec::new();
    for _ in 0..PROCESSES {
        holders.push(Holder::start(PAIRS)?);
    }
    let _listener = UnixListener::bind(path)?;
    let (mut ss, mut ours) = (Series::new("ss -xap"), Series::new("sunpath why"));
    for _ in 0..ROUNDS {
        ss.samples.push(wall(Command::new("ss").arg("-xap"))?);
        ours.samples.push(wall(Command::new(sunpath).arg("why").arg(path))?);
    }
    let title = format!("{} sockets in {PROCESSES} processes", PROCESSES * PAIRS * 2);
    stats::print(&title, &[ss, ours], json);
    Ok(())
}
