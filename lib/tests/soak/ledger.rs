//! What was received and what was acknowledged, in files that outlive their writers.

use crate::message::Id;
use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

/// One process's notes of one kind.
pub struct Ledger(File);

const RECEIVED: &str = "received";
const ACKNOWLEDGED: &str = "acknowledged";

impl Ledger {
    pub fn received(directory: &Path, worker: u8, generation: u16) -> Ledger {
        Ledger::open(directory, RECEIVED, worker, generation)
    }

    pub fn acknowledged(directory: &Path, worker: u8, generation: u16) -> Ledger {
        Ledger::open(directory, ACKNOWLEDGED, worker, generation)
    }

    fn open(directory: &Path, kind: &str, worker: u8, generation: u16) -> Ledger {
        let name = format!("{kind}-{worker}-{generation}");
        let file = OpenOptions::new().create(true).append(true).open(directory.join(name));
        Ledger(file.expect("a ledger"))
    }

    /// Notes these messages, in one write: it is there, or it is not, if this process is killed.
    pub fn note(&self, ids: &[Id]) {
        let bytes: Vec<u8> = ids.iter().flat_map(|id| id.0.to_ne_bytes()).collect();
        let written = loop {
            match (&self.0).write(&bytes) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                done => break done.expect("room for notes"),
            }
        };
        assert_eq!(written, bytes.len());
    }
}

fn files(directory: &Path, kind: &'static str) -> impl Iterator<Item = PathBuf> {
    let entries = std::fs::read_dir(directory).expect("the directory");
    let paths = entries.map(|entry| entry.expect("a name").path());
    paths.filter(move |path| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(kind))
    })
}

/// How many messages were received so far.
pub fn count_received(directory: &Path) -> u64 {
    let length = |path: PathBuf| path.metadata().map_or(0, |status| status.len());
    files(directory, RECEIVED).map(length).sum::<u64>() / 8
}

fn read(directory: &Path, kind: &'static str) -> Vec<u64> {
    let mut ids = Vec::new();
    for path in files(directory, kind) {
        let bytes = std::fs::read(path).expect("a ledger");
        assert_eq!(bytes.len() % 8, 0);
        ids.extend(bytes.chunks_exact(8).map(|b| u64::from_ne_bytes(b.try_into().expect("8"))));
    }
    ids
}

/// Panics if a message was received twice, or was acknowledged but not received; how many were
/// received and acknowledged.
pub fn check(directory: &Path) -> (u64, u64) {
    let received = read(directory, RECEIVED);
    let unique: HashSet<u64> = received.iter().copied().collect();
    assert_eq!(unique.len(), received.len(), "some messages were received twice");
    let acknowledged = read(directory, ACKNOWLEDGED);
    let lost = acknowledged.iter().filter(|id| !unique.contains(id)).count();
    assert_eq!(lost, 0, "messages that were acknowledged, but not received");
    assert!(!acknowledged.is_empty());
    (received.len() as u64, acknowledged.len() as u64)
}
