//! A tap between two programs: 64 KiB messages one way and round trips of 64 bytes, directly,
//! through `sunpath tap` and through socat.

use crate::holders::sunpath_binary;
use crate::stats::{self, Series};
use std::io::{self, Error, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const MESSAGE: usize = 64 << 10;
const MESSAGES: usize = 2000;
const TRIPS: usize = 3000;
const ROUNDS: usize = 15;

/// How long a program may take until it listens.
const PATIENCE: Duration = Duration::from_secs(20);

/// The subcommand that is the other end.
pub const PEER: &str = "tap-peer";

/// A way to the server.
struct Way {
    path: PathBuf,
    one_way: Series,
    round_trip: Series,
    relay: Option<Child>,
}

impl Drop for Way {
    fn drop(&mut self) {
        if let Some(relay) = &mut self.relay {
            let _ = relay.kill();
            let _ = relay.wait();
        }
    }
}

/// Starts a server and what stands before it, and measures in turns.
pub fn run(json: bool) -> io::Result<()> {
    let dir = std::env::temp_dir().join(format!("sunpath-bench-{}", std::process::id()));
    std::fs::create_dir(&dir)?;
    let measured = measure(&dir, json);
    std::fs::remove_dir_all(&dir)?;
    measured
}

fn measure(dir: &Path, json: bool) -> io::Result<()> {
    let server = dir.join("server");
    let mut peer = Command::new(std::env::current_exe()?).arg(PEER).arg(&server).spawn()?;
    let measured = ways(dir, &server).and_then(|mut ways| {
        for _ in 0..ROUNDS {
            for way in &mut ways {
                way.one_way.samples.push(one_way(&way.path)?);
                way.round_trip.samples.push(round_trip(&way.path)?);
            }
        }
        Ok(ways)
    });
    peer.kill()?;
    peer.wait()?;
    let mut ways = measured?;
    let take = |series: &mut Series| std::mem::replace(series, Series::new(""));
    let one_way: Vec<_> = ways.iter_mut().map(|way| take(&mut way.one_way)).collect();
    let round_trip: Vec<_> = ways.iter_mut().map(|way| take(&mut way.round_trip)).collect();
    stats::print("64 KiB one way, each message", &one_way, json);
    stats::print("round trip of 64 bytes", &round_trip, json);
    Ok(())
}

/// Directly, and through each program that there is.
fn ways(dir: &Path, server: &Path) -> io::Result<Vec<Way>> {
    let tapped = dir.join("tap");
    let mut tap = Command::new(sunpath_binary()?);
    tap.arg("tap").arg(&tapped).arg(server).arg("-o").arg(dir.join("transcript"));
    let (merged, mut socat) = (dir.join("socat"), Command::new("socat"));
    let listen = format!("UNIX-LISTEN:{},fork", merged.display());
    // Its usual buffer is 8 KiB; this is what it does best with.
    socat.args(["-b", "65536"]).arg(listen).arg(format!("UNIX-CONNECT:{}", server.display()));
    let mut ways = vec![way("direct", server.to_owned(), None)?];
    ways.push(way("sunpath tap", tapped, Some(tap.stderr(Stdio::null()).spawn()?))?);
    match socat.spawn() {
        Ok(child) => ways.push(way("socat", merged, Some(child))?),
        Err(error) => eprintln!("skipped: socat: {error}"),
    }
    Ok(ways)
}

fn way(name: &'static str, path: PathBuf, relay: Option<Child>) -> io::Result<Way> {
    let way = Way { path, one_way: Series::new(name), round_trip: Series::new(name), relay };
    let deadline = Instant::now() + PATIENCE;
    while let Err(error) = UnixStream::connect(&way.path) {
        if Instant::now() > deadline {
            return Err(Error::other(format!("{name} does not listen: {error}")));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(way)
}

/// Nanoseconds of a message, of many that are sent one after the other and all have arrived.
fn one_way(path: &Path) -> io::Result<f64> {
    let mut stream = UnixStream::connect(path)?;
    stream.write_all(b"m")?;
    let message = vec![7; MESSAGE];
    let start = Instant::now();
    for _ in 0..MESSAGES {
        stream.write_all(&message)?;
    }
    stream.read_exact(&mut [0])?;
    Ok(start.elapsed().as_nanos() as f64 / MESSAGES as f64)
}

fn round_trip(path: &Path) -> io::Result<f64> {
    let mut stream = UnixStream::connect(path)?;
    stream.write_all(b"t")?;
    let mut message = [7; 64];
    let start = Instant::now();
    for _ in 0..TRIPS {
        stream.write_all(&message)?;
        stream.read_exact(&mut message)?;
    }
    Ok(start.elapsed().as_nanos() as f64 / TRIPS as f64)
}

/// The other end: says when all messages have come, or sends back what comes.
pub fn peer(path: &str) -> io::Result<()> {
    let listener = UnixListener::bind(path)?;
    loop {
        let (mut stream, _) = listener.accept()?;
        // Somebody who only looked whether it listens, or went away, is no reason to end.
        let _ = serve(&mut stream);
    }
}

fn serve(stream: &mut UnixStream) -> io::Result<()> {
    let mut kind = [0];
    stream.read_exact(&mut kind)?;
    let mut buffer = vec![0; MESSAGE];
    if kind == *b"m" {
        let mut left = MESSAGE * MESSAGES;
        while left > 0 {
            left -= stream.read(&mut buffer)?.max(1).min(left);
        }
        return stream.write_all(b"!");
    }
    loop {
        stream.read_exact(&mut buffer[..64])?;
        stream.write_all(&buffer[..64])?;
    }
}
