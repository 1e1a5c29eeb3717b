//! One process: it serves all three types, and is a client of the others.

use crate::message::{Random, Tokens};
use crate::{WORKERS, ledger::Ledger, receiver, sender};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use sunpath::sys::process::{Alarm, die_with};

/// The file that ends the run.
pub const STOP: &str = "stop";

/// What the threads of a worker share.
pub struct Worker {
    pub directory: PathBuf,
    pub index: u8,
    pub generation: u16,
    pub tokens: Tokens,
    pub received: Ledger,
    pub acknowledged: Ledger,
    numbers: AtomicU64,
}

/// Where a worker listens.
#[derive(Debug, Clone, Copy)]
pub enum Service {
    Stream,
    Packet,
    Datagram,
}

impl Worker {
    /// A number that no other message of this process has; `count` numbers follow each other.
    pub fn numbers(&self, count: u64) -> u64 {
        self.numbers.fetch_add(count, Ordering::Relaxed)
    }

    pub fn path(&self, worker: u8, service: Service) -> PathBuf {
        self.directory.join(format!("{worker}.{service:?}"))
    }

    pub fn is_over(&self) -> bool {
        self.directory.join(STOP).exists()
    }
}

/// Serves and sends until the run is over; panics if a descriptor is left.
pub fn run(directory: &Path, index: u8, generation: u16) {
    die_with(std::os::unix::process::parent_id()).expect("a parent");
    let worker = Arc::new(Worker {
        directory: directory.to_path_buf(),
        index,
        generation,
        tokens: Tokens::of(index),
        received: Ledger::received(directory, index, generation),
        acknowledged: Ledger::acknowledged(directory, index, generation),
        numbers: AtomicU64::new(0),
    });
    let services = receiver::Services::bind(&worker);
    let quiet = open_descriptors();
    services.serve(&worker);
    // Every other process has its calls interrupted all the time.
    let _storm = (index % 2 == 1).then(|| Alarm::every(Duration::from_millis(3), false));
    let clients: Vec<_> = (0..2)
        .map(|number| {
            let worker = worker.clone();
            let seed = u64::from(index) << 32 | u64::from(generation) << 8 | number;
            std::thread::spawn(move || sender::converse(&worker, &mut Random::new(seed)))
        })
        .collect();
    for client in clients {
        client.join().expect("a client that did not panic");
    }
    std::fs::write(directory.join(format!("done-{index}")), "").expect("a file");
    let done = |other| directory.join(format!("done-{other}")).exists();
    while !(0..WORKERS).all(done) || receiver::is_busy() {
        std::thread::sleep(Duration::from_millis(2));
    }
    let left = open_descriptors();
    assert_eq!(left.len(), quiet.len(), "left open: {left:?}, at first: {quiet:?}");
}

/// What each descriptor leads to.
fn open_descriptors() -> Vec<PathBuf> {
    let entries = std::fs::read_dir("/proc/self/fd").expect("/proc");
    entries.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok()).collect()
}
