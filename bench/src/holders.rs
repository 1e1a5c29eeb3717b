//! Processes that hold sockets, and commands that are timed beside them.

use std::io::{self, BufRead, BufReader, Error, Read};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

/// Wall time of a command whose output nobody reads, in nanoseconds.
pub fn wall(command: &mut Command) -> io::Result<f64> {
    let start = Instant::now();
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status()?;
    let ns = start.elapsed().as_nanos() as f64;
    if status.success() { Ok(ns) } else { Err(Error::other(format!("{command:?}: {status}"))) }
}

/// The command-line tool of the same build, built first if it is not there.
pub fn sunpath_binary() -> io::Result<PathBuf> {
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
pub struct Holder(Child);

impl Holder {
    /// Starts one that holds so many pairs of connected sockets.
    pub fn start(pairs: usize) -> io::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["hold", &pairs.to_string()])
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
