//! The memory that queued messages take, in the model and in the kernel.

use super::{pair, world};
use serde_json::json;
use std::io;
use sunpath::model::World;
use sunpath::op::{Kind, Message, Op};
use sunpath::profile::Memory;

/// Fills queues with messages of several lengths.
pub fn run(json: bool) -> io::Result<()> {
    if !json {
        println!("memory for each byte queued");
        println!("  {:<12} {:>12} {:>12}", "message", "kernel's", "model");
    }
    // What was measured stays, so that nothing that was freed is used again.
    let mut worlds = Vec::new();
    for length in [1, 64, 1024, 32_768] {
        let (kernel, model) = (in_kernel(length), in_model(length, &mut worlds)?);
        if json {
            println!("{}", json!({"length": length, "kernel": kernel, "model": model}));
        } else {
            println!("  {length:<12} {kernel:>12.2} {model:>12.2}");
        }
    }
    Ok(())
}

/// What the kernel charges, which `SIOCOUTQ` tells and the model's machine repeats.
fn in_kernel(length: usize) -> f64 {
    f64::from(Memory::USUAL.stream(length as u32)) / length as f64
}

/// How much the process grows.
fn in_model(length: usize, worlds: &mut Vec<World>) -> io::Result<f64> {
    const PAIRS: usize = 2_000;
    let (mut world, task) = world();
    let pairs: Vec<_> = (0..PAIRS).map(|_| pair(&mut world, task, Kind::Stream)).collect();
    let before = resident()?;
    let mut queued = 0;
    for (a, _) in &pairs {
        for _ in 0..5 {
            world.step(task, &Op::Send(Message::new(*a, vec![1; length]).dont_wait()));
            queued += length;
        }
    }
    let grown = resident()?.saturating_sub(before);
    worlds.push(world);
    Ok(grown as f64 / queued as f64)
}

/// The memory that this process has, in bytes.
fn resident() -> io::Result<usize> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<usize>().ok());
    Ok(kilobytes.unwrap_or(0) * 1024)
}
