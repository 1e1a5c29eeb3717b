//! Three bugs of servers and clients, found in a simulation and mended.
//!
//! `careless` is what was written first, and works whenever one tries it. `careful` is what the
//! simulation left of it. Each of the three stories runs both: the first says what it found.

use sunpath::Platform;
use sunpath::sim::{Walked, World};

const PATH: &str = "/run/server";

/// As it was written first.
mod careless {
    use super::PATH;
    use std::io::{self, Read, Write};
    use std::os::fd::OwnedFd;
    use std::sync::Mutex;
    use sunpath::sim::fs;
    use sunpath::{AncillaryBuffer, Errno, Error, Listener, Stream};

    /// Starts a server, in place of a dead one; `None` if one is alive.
    pub fn start() -> Result<Option<Listener>, Error> {
        match Listener::bind(PATH) {
            Err(error) if error.errno() == Some(Errno::EADDRINUSE) => {}
            done => return done.map(Some),
        }
        match Stream::connect(PATH) {
            // Nobody listens: the file is stale.
            Err(error) if error.errno() == Some(Errno::ECONNREFUSED) => {
                let _ = fs::remove_file(PATH);
                Listener::bind(PATH).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Takes a job, and the descriptor to write its result to.
    pub fn work(client: &Stream, outputs: &Mutex<Vec<OwnedFd>>) -> Result<(), Error> {
        let (mut name, mut beside) = ([0; 4], AncillaryBuffer::new(1));
        client.recv_with(&mut name, &mut beside)?;
        outputs.lock().unwrap().push(beside.take_descriptors().next().unwrap());
        let mut input = [0; 16];
        let count = client.recv(&mut input)?;
        let output = outputs.lock().unwrap().pop().unwrap();
        Stream::try_from(output)?.send(&input[..count])?;
        Ok(())
    }

    /// Asks over one connection, and gets the answer over another.
    pub fn ask(question: &[u8]) -> io::Result<Vec<u8>> {
        let mut control = Stream::connect(PATH)?;
        let mut data = Stream::connect(PATH)?;
        control.write_all(question)?;
        drop(control);
        data.write_all(b"?")?;
        let mut answer = vec![0; question.len()];
        data.read_exact(&mut answer)?;
        Ok(answer)
    }
}

/// As the simulation left it.
mod careful {
    use super::PATH;
    use std::io::{self, Read, Write};
    use std::time::Duration;
    use sunpath::{AncillaryBuffer, Errno, Error, Listener, Stream};

    /// A refused connection proves nothing. `replace_dead` asks the system whom the file belongs to.
    pub fn start() -> Result<Option<Listener>, Error> {
        match Listener::options().replace_dead().bind(PATH) {
            Err(error) if error.errno() == Some(Errno::EADDRINUSE) => Ok(None),
            done => done.map(Some),
        }
    }

    /// The descriptor belongs to this function, which closes it however it ends, and may not have
    /// come.
    pub fn work(client: &Stream) -> Result<(), Error> {
        let (mut name, mut beside) = ([0; 4], AncillaryBuffer::new(1));
        client.recv_with(&mut name, &mut beside)?;
        let Some(output) = beside.take_descriptors().next() else { return Ok(()) };
        let mut input = [0; 16];
        let count = client.recv(&mut input)?;
        Stream::try_from(output)?.send(&input[..count])?;
        Ok(())
    }

    /// Waits for a while only, and holds nothing meanwhile that others wait for: the server is done
    /// with the first connection before the second is made.
    pub fn ask(question: &[u8]) -> io::Result<Vec<u8>> {
        let patience = Duration::from_secs(5);
        Stream::connect_timeout(PATH, patience)?.write_all(question)?;
        let mut data = Stream::connect_timeout(PATH, patience)?;
        data.write_all(b"?")?;
        let mut answer = vec![0; question.len()];
        data.read_exact(&mut answer)?;
        Ok(answer)
    }
}

/// Which of the two is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// The first.
    Careless,
    /// The mended one.
    Careful,
}
use Version::{Careful, Careless};

/// Bug 1: A second server is started while the first is busy and its backlog is full. A BSD refuses
/// further clients, as if nobody listened.
pub fn the_live_server(version: Version) -> String {
    use std::time::Duration;
    use sunpath::{Listener, Stream, sim};
    let world = World::default().platform(Platform::FreeBsd14);
    let report = world.report(|program| {
        let first = Listener::options().backlog(1).bind(PATH).unwrap();
        let waiting: Vec<_> = std::iter::from_fn(|| Stream::connect(PATH).ok()).collect();
        let second = program.spawn("second server", move || match version {
            Careless => careless::start().unwrap(),
            Careful => careful::start().unwrap(),
        });
        sim::sleep(Duration::from_secs(1));
        let second = second.join().flatten();
        assert!(second.is_none(), "the second server took a live server's place");
        drop((first, waiting));
    });
    report.to_string()
}

/// Bug 2: A client passes the descriptor that the answer is to go to. Each receive is reset once, cut
/// short, and has no room for what is beside the bytes.
pub fn the_lost_descriptor(version: Version) -> Walked {
    use std::io::Read;
    use std::os::fd::AsFd;
    use std::sync::Mutex;
    use std::time::Duration;
    use sunpath::{Ancillary, Listener, Stream, sim};
    let walk = World::default().walk().one_per_errno().persistent(false);
    let walk = walk.causes(|_, cause| cause.id == "recv/peer-closed-with-unread-data");
    walk.run(move |program| {
        let listener = Listener::options().pass_rights(true).bind(PATH).unwrap();
        program.spawn_background("server", move || {
            let outputs = Mutex::new(Vec::new());
            while let Ok(client) = listener.accept() {
                let done = match version {
                    Careless => careless::work(&client, &outputs),
                    Careful => careful::work(&client),
                };
                if done.is_err() {
                    drop(client);
                    sim::sleep(Duration::from_secs(1));
                }
            }
        });
        let client = Stream::connect(PATH).unwrap();
        let (mut result, output) = Stream::pair().unwrap();
        // Each may fail: the server has given up. But there is an answer, or an end.
        let _ = client.send_with(b"copy", &Ancillary::descriptors(&[output.as_fd()]));
        drop(output);
        let _ = client.send(b"hello");
        let _ = result.read_to_string(&mut String::new());
    })
}

/// Bug 3: Three clients need two connections each, of a server that serves one after the other.
pub fn the_full_backlog(version: Version) -> String {
    use std::io::{Read, Write};
    use sunpath::Listener;
    let failed = (0..100).find_map(|seed| {
        let report = World::default().seed(seed).report(|program| {
            let listener = Listener::options().backlog(0).bind(PATH).unwrap();
            program.spawn_background("server", move || {
                let mut question = Vec::new();
                for connection in listener.incoming() {
                    let mut connection = connection.unwrap();
                    let mut bytes = [0; 16];
                    match connection.read(&mut bytes) {
                        Ok(1) if bytes[0] == b'?' => drop(connection.write_all(&question)),
                        Ok(count @ 1..) => question = bytes[..count].to_vec(),
                        _ => {}
                    }
                }
            });
            for number in 0..3 {
                program.spawn(&format!("client {number}"), move || match version {
                    Careless => drop(careless::ask(b"what").unwrap()),
                    Careful => drop(careful::ask(b"what").unwrap()),
                });
            }
        });
        report.failure.is_some().then_some(report)
    });
    failed.map_or_else(|| "nothing went wrong, with 100 seeds".into(), |report| report.to_string())
}

/// All that there is to read.
pub fn everything() -> String {
    let mut text = String::new();
    let mut tell = |title: &str, careless: String, careful: String| {
        text += &format!("{title}\n\ncareless: {careless}\n\ncareful: {careful}\n\n");
    };
    tell("1. THE LIVE SERVER", the_live_server(Careless), the_live_server(Careful));
    let lost = the_lost_descriptor;
    tell("2. THE LOST DESCRIPTOR", lost(Careless).to_string(), lost(Careful).to_string());
    tell("3. THE FULL BACKLOG", the_full_backlog(Careless), the_full_backlog(Careful));
    text
}

fn main() {
    print!("{}", everything());
}
