//! The pipes by which tasks are told what to do. They are no sockets: closing one of those would
//! start the kernel's collection of garbage.

use crate::stage::{Step, Trouble};
use std::io::{PipeReader, PipeWriter, pipe};
use std::os::fd::OwnedFd;
use sunpath::sys::bare;

/// Where a task's end for orders is among the descriptors that calls cannot reach.
pub const fn orders(task: usize) -> usize {
    2 * task
}

/// And that for answers.
pub const fn answers(task: usize) -> usize {
    2 * task + 1
}

/// The number after those of so many tasks.
pub const fn after(tasks: usize) -> usize {
    2 * tasks
}

/// A pipe for orders and one for answers, for each task.
pub struct Pipes {
    /// For orders.
    pub orders: Vec<PipeWriter>,
    /// For answers.
    pub answers: Vec<PipeReader>,
    /// The tasks' ends of both, task by task.
    pub ends: Vec<OwnedFd>,
}

impl Pipes {
    /// For so many tasks.
    pub fn new(tasks: usize) -> Result<Pipes, Trouble> {
        let mut pipes = Pipes { orders: Vec::new(), answers: Vec::new(), ends: Vec::new() };
        for _ in 0..tasks {
            let (order_end, order) = pipe().step("make a pipe")?;
            let (answer, answer_end) = pipe().step("make a pipe")?;
            pipes.ends.extend([OwnedFd::from(order_end), answer_end.into()]);
            pipes.orders.push(order);
            pipes.answers.push(answer);
        }
        Ok(pipes)
    }
}

/// Writes to a reserved descriptor. If nobody listens any more, this process ends.
pub fn write_all(number: usize, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        match bare::write_reserved(number, bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(sunpath::sys::Errno::INTR) => {}
            Err(_) => bare::exit(1),
        }
    }
}
