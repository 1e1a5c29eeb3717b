//! An echo server with several clients, shut down cleanly: `cargo run --example echo`.

use std::error::Error;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use sunpath::{Listener, Stream};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The alternate form looks at the system and says why.
            eprintln!("echo: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let directory = Directory::new()?;
    let path = directory.0.join("echo.sock");
    let listener = Listener::bind(&path)?;
    let stop = AtomicBool::new(false);

    thread::scope(|scope| {
        let server = scope.spawn(|| serve(&listener, &stop));
        let clients: Vec<_> = (1..=3)
            .map(|number| {
                scope.spawn({
                    let path = &path;
                    move || converse(path, number)
                })
            })
            .collect();
        let answers: Vec<Result<()>> =
            clients.into_iter().map(|client| client.join().expect("no panic")).collect();

        // The flag first, then a connection that wakes the server to see it.
        stop.store(true, Ordering::SeqCst);
        Stream::connect(&path)?;
        let served = server.join().expect("no panic")?;
        println!("server: stopped after {served} clients");
        answers.into_iter().collect::<Result<()>>()
    })?;

    drop(listener); // removes its file
    println!("the socket file is {}", if path.exists() { "still there" } else { "gone" });
    Ok(())
}

/// Serves each client on a thread of its own until it is told to stop; returns once all are done.
fn serve(listener: &Listener, stop: &AtomicBool) -> Result<usize> {
    thread::scope(|scope| {
        let mut served = 0;
        loop {
            let client = listener.accept()?;
            if stop.load(Ordering::SeqCst) {
                return Ok(served);
            }
            served += 1;
            scope.spawn(move || {
                // One client's trouble is no reason to stop serving the others.
                if let Err(error) = echo(client) {
                    eprintln!("server: {error:#}");
                }
            });
        }
    })
}

fn echo(mut client: Stream) -> io::Result<()> {
    let mut buffer = [0; 16 * 1024];
    loop {
        match client.read(&mut buffer) {
            Ok(0) => return Ok(()), // the client sends no more
            Ok(length) => client.write_all(&buffer[..length])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn converse(path: &Path, number: usize) -> Result<()> {
    let mut stream = Stream::connect(path)?;
    let words = format!("hello from client {number}");
    stream.write_all(words.as_bytes())?;
    stream.shutdown(Shutdown::Write)?; // the server sees the end, and we can still read
    let mut echoed = String::new();
    stream.read_to_string(&mut echoed)?;
    if echoed != words {
        return Err(format!("client {number}: {echoed:?} came back").into());
    }
    println!("client {number}: {echoed:?} came back");
    Ok(())
}

/// A private directory: nobody else can put a socket of that name there, or remove ours.
struct Directory(PathBuf);

impl Directory {
    fn new() -> io::Result<Directory> {
        let path = std::env::temp_dir().join(format!("sunpath-echo-{}", std::process::id()));
        std::fs::create_dir(&path)?;
        Ok(Directory(path))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
