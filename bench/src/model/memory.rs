//! The memory that pairs and queued messages take, in the model and in the kernel.

use super::pairs::{self, PAIRS};
use super::{kernel_pair, pair, world};
use serde_json::json;
use std::io;
use sunpath::model::{TaskId, World};
use sunpath::op::{Bytes, Fd, Kind, Message, Op};
use sunpath::profile::Memory;

/// The lengths of messages, in bytes.
const LENGTHS: [usize; 4] = [1, 64, 1024, 16_384];

/// Opens pairs, and fills their queues with messages of several lengths.
pub fn run(json: bool) -> io::Result<()> {
    // What was measured stays, so that nothing that was freed is used again.
    let mut worlds = Vec::new();
    let mut rows = Vec::new();
    for length in LENGTHS {
        let mut model = Model::new();
        model.open(1_000)?;
        // As many as a send buffer takes.
        let count = (65_536 / length).min(60);
        let queued = 1_000 * count * length;
        rows.push((length, charged(length), model.fill(length, count)? / queued as f64));
        worlds.push(model);
    }
    let many = PAIRS.min(pairs::descriptors() / 2 - 50);
    let mut model = Model::new();
    let idle = [in_kernel(many)?, model.open(many)?].map(|bytes| bytes / many as f64);
    if json {
        let [kernel, model] = idle;
        println!(
            "{}",
            json!({"title": "memory of an idle pair", "kernel": kernel, "model": model})
        );
        for (length, kernel, model) in rows {
            let title = "memory for each byte queued";
            println!(
                "{}",
                json!({"title": title, "length": length, "kernel": kernel, "model": model})
            );
        }
        return Ok(());
    }
    println!("memory, in bytes{:>24} {:>12}", "kernel", "model");
    println!("  {:<24} {:>12.0} {:>12.0}", "an idle pair", idle[0], idle[1]);
    for (length, kernel, model) in rows {
        let what = format!("a byte queued, by {length}");
        println!("  {what:<24} {kernel:>12.2} {model:>12.2}");
    }
    Ok(())
}

/// How much memory the kernel takes for idle pairs. Others may take and give back some meanwhile.
fn in_kernel(many: usize) -> io::Result<f64> {
    let start = kilobytes("/proc/meminfo", "Slab:")?;
    let pairs: Vec<_> =
        (0..many).map(|_| kernel_pair(Kind::Stream)).collect::<io::Result<Vec<_>>>()?;
    let taken = kilobytes("/proc/meminfo", "Slab:")? - start;
    drop(pairs);
    Ok(taken)
}

/// What the kernel charges for each byte of a message, which `SIOCOUTQ` tells and the model's
/// machine repeats.
fn charged(length: usize) -> f64 {
    f64::from(Memory::USUAL.stream(length as u32)) / length as f64
}

/// A world that is filled step by step.
struct Model {
    world: World,
    task: TaskId,
    pairs: Vec<(Fd, Fd)>,
}

impl Model {
    fn new() -> Model {
        let (world, task) = world();
        Model { world, task, pairs: Vec::new() }
    }

    /// Opens pairs: how much the process grows.
    fn open(&mut self, many: usize) -> io::Result<f64> {
        let before = kilobytes("/proc/self/status", "VmRSS:")?;
        self.pairs.extend((0..many).map(|_| pair(&mut self.world, self.task, Kind::Stream)));
        Ok(kilobytes("/proc/self/status", "VmRSS:")? - before)
    }

    /// Sends on all of them: how much the process grows.
    fn fill(&mut self, length: usize, count: usize) -> io::Result<f64> {
        let before = kilobytes("/proc/self/status", "VmRSS:")?;
        for (a, _) in &self.pairs {
            for _ in 0..count {
                let data = Bytes::from(vec![1; length]);
                self.world.step(self.task, &Op::Send(Message::new(*a, data).dont_wait()));
            }
        }
        Ok(kilobytes("/proc/self/status", "VmRSS:")? - before)
    }
}

/// A line of a file of the kernel's that tells kilobytes, in bytes.
fn kilobytes(path: &str, name: &str) -> io::Result<f64> {
    let text = std::fs::read_to_string(path)?;
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
    Ok(number.unwrap_or(f64::NAN) * 1024.0)
}
