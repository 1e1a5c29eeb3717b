//! `sunpath why` beside `ss -xap` on a machine with 10,000 sockets in 100 processes.

use crate::stats::{self, Series};
use std::io::{self, BufRead, BufReader, Error, Read};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

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
        holders.push(Holder::start()?);
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

/// Wall time of a command whose output nobody reads, in nanoseconds.
fn wall(command: &mut Command) -> io::Result<f64> {
    let start = Instant::now();
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status()?;
    let ns = start.elapsed().as_nanos() as f64;
    if status.success() { Ok(ns) } else { Err(Error::other(format!("{command:?}: {status}"))) }
}

/// The command-line tool of the same build, built first if it is not there.
fn sunpath_binary() -> io::Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name("sunpath");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built =
        Command::new(cargo).args(["build", "--quiet", "--release", "-p", "sunpath-cli"]).status();
    match built {
        Ok(status) if status.success() => Ok(path),
        _ if path.exists() => Ok(path),
        _ => Err(Error::other("cannot build the sunpath binary: run this from the repository")),
    }
}

/// A process that holds sockets until it is dropped.
struct Holder(Child);

impl Holder {
    fn start() -> io::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["hold", &PAIRS.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut ready = String::new();
        let stdout = child.stdout.take().ok_or_else(|| Error::other("no pipe"))?;
        BufReader::new(stdout).read_line(&mut ready)?;
        Ok(Holder(child))
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        // The child ends by itself at end of file; there is nobody to tell if it does not.
        let _ = self.0.wait();
    }
}

/// The holder's side: opens pairs of sockets, says so, and waits for the end of standard input.
pub fn hold(pairs: &str) -> io::Result<()> {
    let pairs: usize = pairs.parse().map_err(|_| Error::other("hold takes a number"))?;
    let held: Vec<_> = (0..pairs).map(|_| UnixStream::pair()).collect::<Result<_, _>>()?;
    println!("ready");
    io::stdin().read_to_end(&mut Vec::new())?;
    drop(held);
    Ok(())
}
