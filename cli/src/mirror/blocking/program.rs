//! What several tasks do one after the other, and how it goes on both sides.

use super::super::house::House;
use super::fair::is_fair;
use super::pair::{Difference, Halt, Pair};
use crate::stage::Trouble;
use std::time::Duration;
use sunpath::op::Op;

/// Something that is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// A task makes a call, if it waits in none.
    Call(u32, Op),
    /// A signal comes to a task, if it waits in a call.
    Interrupt(u32),
    /// Time passes.
    Advance(Duration),
}

/// How often a shorter program is tried.
const TRIALS: usize = 300;

/// Does it, unless it cannot be done, or what comes of it cannot be known.
pub fn act(pair: &mut Pair<'_>, act: &Act) -> Result<bool, Halt> {
    match act {
        Act::Call(task, op) if pair.is_idle(*task) && is_fair(pair, *task, op) => {
            pair.call(*task, op)?;
        }
        Act::Interrupt(task) if pair.waiting.contains_key(task) => pair.interrupt(*task)?,
        Act::Advance(time) => pair.advance(*time)?,
        Act::Call(..) | Act::Interrupt(_) => return Ok(false),
    }
    Ok(true)
}

/// The first difference, if there is one.
pub fn difference(acts: &[Act], house: &mut House) -> Result<Option<Difference>, Trouble> {
    let played = Pair::new(house).and_then(|mut pair| {
        for each in acts {
            act(&mut pair, each)?;
        }
        Ok(())
    });
    match played {
        Ok(()) | Err(Halt::TooMany) => Ok(None),
        Err(Halt::Differs(difference)) => Ok(Some(*difference)),
        Err(Halt::Trouble(trouble)) => Err(trouble),
    }
}

/// Leaves out what is not needed for the two to differ; the difference that remains.
pub fn shrink(acts: Vec<Act>, found: Difference, house: &mut House) -> Result<Difference, Trouble> {
    let (mut best, mut found, mut trials) = (acts, found, TRIALS);
    let mut size = best.len().div_ceil(2);
    while size > 0 && trials > 0 {
        let before = best.len();
        let mut end = best.len();
        while end > 0 && trials > 0 {
            let from = end.saturating_sub(size);
            let mut less = best.clone();
            less.drain(from..end);
            trials -= 1;
            if let Some(difference) = difference(&less, house)? {
                (best, found) = (less, difference);
            }
            end = from.min(best.len());
        }
        size = match size {
            1 if best.len() == before => 0,
            1 => 1,
            size => size / 2,
        };
    }
    Ok(found)
}
