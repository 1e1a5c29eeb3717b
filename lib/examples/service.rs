//! A service on tokio that serves its own user only, and whose next generation takes over without
//! a refused connection: the listening socket itself is handed on, so that whoever connects in
//! between waits in its queue.
//!
//! Run without arguments, it plays all parts: it starts the service, talks to it, has it restarted
//! in the middle, and tries it as another user (which takes root).

use std::error::Error;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use sunpath::Credentials;
use sunpath::tokio::{Listener, Stream};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::task::JoinSet;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// A service that nobody talks to ends, so that the example leaves nothing behind.
const IDLE: Duration = Duration::from_secs(10);

/// What a client may ask of the whole service.
enum Asked {
    Nothing,
    Restart,
    Stop,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => demonstrate().await,
        ["serve", generation] => serve(inherited()?, generation.parse()?).await,
        ["ask", path] => ask(Path::new(path), "hello").await.map(|answer| print!("{answer}")),
        _ => Err("usage: service [serve GENERATION | ask PATH]".into()),
    }
}

/// The listener that the previous generation handed over, as standard input.
fn inherited() -> Result<Listener> {
    let fd = io::stdin().as_fd().try_clone_to_owned()?;
    let listener = sunpath::Listener::try_from(fd)?; // checks that it is one
    Ok(listener.try_into()?)
}

/// Starts a generation, which owns the listener from now on.
fn start(listener: OwnedFd, generation: u32) -> io::Result<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["serve", &generation.to_string()]).stdin(Stdio::from(listener)).spawn()
}

async fn serve(listener: Listener, generation: u32) -> Result<()> {
    let mut connections = JoinSet::new();
    let asked = loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(connection) => {
                    connections.spawn(converse(connection, generation));
                }
                // Going on is right, also without descriptors: then the next call is in no hurry.
                Err(error) => eprintln!("{error:#}"),
            },
            Some(done) = connections.join_next() => match done? {
                Ok(Asked::Nothing) => {}
                Ok(asked) => break asked,
                Err(error) => eprintln!("a client was lost: {error}"),
            },
            () = tokio::time::sleep(IDLE) => break Asked::Stop,
        }
    };
    if let Asked::Restart = asked {
        // The new generation accepts as soon as it runs; this one has stopped to.
        let next = start(OwnedFd::from(listener), generation + 1)?;
        println!("generation {generation} handed over to process {}", next.id());
    }
    // Whoever is connected is served to the end.
    while connections.join_next().await.is_some() {}
    println!("generation {generation} ends");
    Ok(())
}

/// Serves one client, if it is of the same user.
async fn converse(connection: Stream, generation: u32) -> Result<Asked> {
    // The kernel recorded this when the client connected: a client cannot choose it.
    let user = connection.peer().credentials()?.user();
    let allowed = user.is_some() && user == Credentials::current().user();
    let (read, mut write) = connection.into_split();
    let mut lines = BufReader::new(read).lines();
    while let Some(line) = lines.next_line().await? {
        let (answer, asked) = match line.as_str() {
            _ if !allowed => ("not for you".to_string(), None),
            "hello" => (format!("hello from generation {generation}"), None),
            "restart" => ("restarting".to_string(), Some(Asked::Restart)),
            "stop" => ("stopping".to_string(), Some(Asked::Stop)),
            _ => ("what?".to_string(), None),
        };
        write.write_all(format!("{answer}\n").as_bytes()).await?;
        if let Some(asked) = asked {
            return Ok(asked);
        }
    }
    Ok(Asked::Nothing)
}

/// One question on a connection of its own.
async fn ask(path: &Path, question: &str) -> Result<String> {
    let mut connection = Stream::connect_timeout(path, Duration::from_secs(5)).await?;
    talk(&mut connection, question).await
}

async fn talk(connection: &mut Stream, question: &str) -> Result<String> {
    connection.write_all(format!("{question}\n").as_bytes()).await?;
    let mut answer = String::new();
    let mut connection = BufReader::new(connection);
    tokio::time::timeout(Duration::from_secs(5), connection.read_line(&mut answer)).await??;
    Ok(answer)
}

/// The first generation, killed if this program fails.
struct Service(Child, PathBuf);

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
        let _ = std::fs::remove_dir_all(&self.1);
    }
}

async fn demonstrate() -> Result<()> {
    let directory = std::env::temp_dir().join(format!("sunpath-service-{}", std::process::id()));
    std::fs::create_dir(&directory)?;
    let path = directory.join("service.sock");
    // Everybody may connect, so that it is the service who refuses, and can say so.
    let listener = sunpath::Listener::options().mode(0o666).bind(&path)?;
    let mut service = Service(start(OwnedFd::from(listener), 1)?, directory);

    // Nothing waits for the service to be up: the queue is there before it is.
    let mut patient = Stream::connect(&path).await?;
    print!("{}", talk(&mut patient, "hello").await?);
    try_as_another_user(&path);

    let mut clients = JoinSet::new();
    let mut later = |milliseconds, question: &'static str| {
        let path = path.clone();
        clients.spawn(async move {
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            ask(&path, question).await
        });
    };
    (0..200).for_each(|number| later(number, "hello"));
    later(100, "restart");
    let mut served = [0, 0];
    while let Some(answer) = clients.join_next().await {
        match answer??.as_str() {
            "hello from generation 1\n" => served[0] += 1,
            "hello from generation 2\n" => served[1] += 1,
            other => println!("{}", other.trim_end()),
        }
    }
    println!("generation 1 served {} clients, generation 2 {}", served[0], served[1]);
    assert!(served[0] > 0 && served[1] > 0 && served[0] + served[1] == 200);

    // This connection was made before the restart, and is still served by who accepted it.
    assert_eq!(talk(&mut patient, "hello").await?, "hello from generation 1\n");
    drop(patient);
    assert!(service.0.wait()?.success());
    print!("{}", ask(&path, "stop").await?);
    Ok(())
}

/// What the service says to somebody else.
fn try_as_another_user(path: &Path) {
    let Ok(program) = std::env::current_exe() else { return };
    let mut stranger = Command::new(program);
    match stranger.arg("ask").arg(path).uid(54321).gid(54321).output() {
        Ok(output) => {
            let answer = String::from_utf8_lossy(&output.stdout);
            print!("another user is told: {answer}");
            assert_eq!(answer, "not for you\n");
        }
        Err(error) => println!("skipped: cannot try it as another user: {error}"),
    }
}
