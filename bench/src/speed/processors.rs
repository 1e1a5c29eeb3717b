//! Which processors there are, and staying on one.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use std::{fs, io};

/// Two processors that share no core, among those on which this process may run; the second is
/// `None` where there is only one core.
pub fn two() -> io::Result<(usize, Option<usize>)> {
    let allowed = sched_getaffinity(None)?;
    let mut usable = (0..CpuSet::MAX_CPU).filter(|cpu| allowed.is_set(*cpu));
    let first = usable.next().ok_or_else(|| io::Error::other("no processor"))?;
    let core = core_of(first);
    Ok((first, usable.find(|cpu| core.is_none() || core_of(*cpu) != core)))
}

/// The processors of the core that a processor belongs to; `None` if the system does not say.
fn core_of(processor: usize) -> Option<String> {
    let topology = format!("/sys/devices/system/cpu/cpu{processor}/topology");
    fs::read_to_string(format!("{topology}/thread_siblings_list")).ok()
}

/// Keeps this process on one processor, with all the threads that it starts from now on.
pub fn stay_on(processor: usize) -> io::Result<()> {
    let mut one = CpuSet::new();
    one.set(processor);
    Ok(sched_setaffinity(None, &one)?)
}
