//! Eight processes talk over every type of socket, in messages of random sizes with random
//! descriptors, while one after the other is killed and started again. In the end, every message
//! that was acknowledged was received, once, in order and unchanged, and nobody leaked a
//! descriptor.
//!
//! `cargo test -p sunpath --test soak -- --messages 10000000` runs it for longer.

#[path = "../directory/mod.rs"]
mod directory;
mod ledger;
mod message;
mod receiver;
mod sender;
mod worker;

use directory::Directory;
use message::Random;
use std::path::Path;
use std::process::{Child, Command, ExitCode};
use std::time::{Duration, Instant};

/// How many processes.
pub const WORKERS: u8 = 8;
/// Messages that are received before it ends, unless told otherwise.
const MESSAGES: u64 = 100_000;
/// How long the last conversations may take to end.
const PATIENCE: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [mode, directory, index, generation] = arguments.as_slice()
        && mode == "worker"
    {
        let number = |text: &str| text.parse().expect("a number");
        worker::run(Path::new(directory), number(index) as u8, number(generation));
        return ExitCode::SUCCESS;
    }
    if arguments.iter().any(|a| a == "--list") {
        println!("soak: test");
        return ExitCode::SUCCESS;
    }
    let mut values = arguments.iter().skip_while(|a| *a != "--messages");
    let messages = values.nth(1).map_or(MESSAGES, |n| n.parse().expect("a number of messages"));
    let filter = arguments.iter().find(|a| !a.starts_with('-') && a.parse::<u64>().is_err());
    if filter.is_some_and(|filter| !"soak".contains(filter.as_str())) {
        return ExitCode::SUCCESS;
    }
    let kills = soak(messages);
    println!("test soak ... ok ({kills} processes were killed)");
    println!("\ntest result: ok. 1 passed; 0 failed");
    ExitCode::SUCCESS
}

/// A worker, started again under the next generation number when it was killed.
struct Worker {
    child: Child,
    generation: u16,
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn start(directory: &Path, index: u8, generation: u16) -> Worker {
    let program = std::env::current_exe().expect("the path of this program");
    let mut command = Command::new(program);
    command.arg("worker").arg(directory).arg(index.to_string()).arg(generation.to_string());
    Worker { child: command.spawn().expect("a worker"), generation }
}

/// Runs until so many messages were received, and checks everything; how many were killed.
fn soak(messages: u64) -> u32 {
    let directory = Directory::new();
    let mut random = Random::new(std::process::id().into());
    let place = directory.path("");
    let mut workers: Vec<Worker> = (0..WORKERS).map(|index| start(&place, index, 0)).collect();
    let mut kills = 0;
    let mut progress = (0, Instant::now());
    loop {
        std::thread::sleep(Duration::from_millis(20 + random.below(150)));
        let received = ledger::count_received(&place);
        if received >= messages {
            break;
        }
        if received > progress.0 {
            progress = (received, Instant::now());
        }
        assert!(progress.1.elapsed() < PATIENCE, "stuck after {received} messages");
        let victim = random.below(WORKERS.into()) as usize;
        let worker = &mut workers[victim];
        let ended = worker.child.try_wait().expect("a child");
        assert!(ended.is_none(), "worker {victim} ended by itself: {ended:?}");
        let next = worker.generation + 1;
        workers[victim] = {
            worker.child.kill().expect("a signal");
            worker.child.wait().expect("a child");
            start(&place, victim as u8, next)
        };
        kills += 1;
    }
    std::fs::write(directory.path(worker::STOP), "").expect("a file");
    for (index, worker) in workers.iter_mut().enumerate() {
        let status = wait(&mut worker.child);
        assert!(status.success(), "worker {index}: {status}");
    }
    let (received, acknowledged) = ledger::check(&place);
    assert!(received >= messages);
    println!("{received} messages received, {acknowledged} acknowledged");
    kills
}

fn wait(child: &mut Child) -> std::process::ExitStatus {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait().expect("a child") {
            return status;
        }
        assert!(Instant::now() < deadline, "a worker hangs");
        std::thread::sleep(Duration::from_millis(5));
    }
}
