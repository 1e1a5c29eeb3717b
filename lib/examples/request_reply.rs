//! Requests and replies over sequenced packets, with deadlines: `cargo run --example request_reply`.
//!
//! A packet is a message: nothing to frame, nothing to reassemble. The server answers `length` of
//! a text, is slow when told to be, and answers an empty request with an empty reply.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};
use sunpath::{Errno, SeqPacket, SeqPacketListener};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

const CLIENTS: usize = 3;
const PATIENCE: Duration = Duration::from_secs(1);

/// The longest request; a longer one is cut by the kernel, which tells its length.
const LONGEST: usize = 4096;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The alternate form looks at the system and says why.
            eprintln!("request_reply: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let directory = Directory::new()?;
    let path = directory.0.join("server.sock");
    let listener = SeqPacketListener::bind(&path)?;
    thread::scope(|scope| {
        let server = scope.spawn(|| serve(&listener));
        let clients: Vec<_> = (1..=CLIENTS)
            .map(|number| {
                let path = &path;
                scope.spawn(move || ask(path, number))
            })
            .collect();
        for client in clients {
            client.join().expect("no panic")?;
        }
        server.join().expect("no panic")
    })
}

fn serve(listener: &SeqPacketListener) -> Result<()> {
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            let client = listener.accept()?;
            scope.spawn(move || {
                // One client's trouble is no reason to stop serving the others.
                if let Err(error) = answer(&client) {
                    eprintln!("server: {error:#}");
                }
            });
        }
        Ok(())
    })
}

fn answer(client: &SeqPacket) -> std::result::Result<(), sunpath::Error> {
    let mut buffer = [0; LONGEST];
    loop {
        let request = client.recv(&mut buffer)?;
        // An empty message and the end are both zero bytes; only one of them is the end.
        if request.end_of_file {
            return Ok(());
        }
        if request.length > request.bytes {
            client.send(format!("at most {LONGEST} bytes").as_bytes())?;
            continue;
        }
        match &buffer[..request.bytes] {
            b"" => client.send(b"")?,
            b"slow" => {
                thread::sleep(PATIENCE + PATIENCE / 2);
                // The client may have given up by now, which is its right.
                match client.send(b"done") {
                    Err(error) if error.errno() == Some(Errno::EPIPE) => return Ok(()),
                    sent => sent?,
                }
            }
            text => client.send(text.len().to_string().as_bytes())?,
        }
    }
}

fn ask(path: &Path, number: usize) -> Result<()> {
    // A server that does not accept must not hold us for ever, and neither one that is slow.
    let server = SeqPacket::connect_until(path, Instant::now() + PATIENCE)?;
    server.sockopt().set_receive_timeout(Some(PATIENCE))?;

    let text = "x".repeat(100 * number);
    let reply = request(&server, text.as_bytes())?.ok_or("the server hung up")?;
    println!("client {number}: {} bytes, says the server", String::from_utf8_lossy(&reply));
    if reply != text.len().to_string().as_bytes() {
        return Err("that is wrong".into());
    }
    let reply = request(&server, b"")?.ok_or("an empty reply was taken for the end")?;
    println!("client {number}: an empty request got a reply of {} bytes", reply.len());

    let reply = request(&server, &[b'x'; LONGEST + 1])?.ok_or("the server hung up")?;
    println!("client {number}: a long request: {}", String::from_utf8_lossy(&reply));

    match request(&server, b"slow") {
        // The reply may still come: this connection is of no use for another request.
        Err(error) if error.errno() == Some(Errno::EAGAIN) => {
            println!("client {number}: no reply within {PATIENCE:?}, giving up");
            Ok(())
        }
        Err(error) => Err(error.into()),
        Ok(reply) => Err(format!("a reply in time, {reply:?}").into()),
    }
}

/// One request and its reply; `None` if the server is gone.
fn request(
    server: &SeqPacket,
    request: &[u8],
) -> std::result::Result<Option<Vec<u8>>, sunpath::Error> {
    server.send(request)?;
    let mut buffer = [0; 256];
    let reply = server.recv(&mut buffer)?;
    Ok((!reply.end_of_file).then(|| buffer[..reply.bytes].to_vec()))
}

/// A private directory: nobody else can put a socket of that name there, or remove ours.
struct Directory(PathBuf);

impl Directory {
    fn new() -> io::Result<Directory> {
        let name = format!("sunpath-request-reply-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path)?;
        Ok(Directory(path))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
