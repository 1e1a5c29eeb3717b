//! Writing what happened into a trace, as what is expected from now on.

use super::expect::{Expectation, Expected};
use super::{Line, Step, Trace};
use crate::Platform;
use crate::op::Ret;
use alloc::vec;
use alloc::vec::Vec;

impl Trace {
    /// Expects, on this system, what was told of each step ([`super::Played::told`]), and leaves
    /// what is expected elsewhere as it is.
    pub fn record(&mut self, platform: Platform, told: &[Option<Expected>]) {
        let all = self.platforms();
        let steps = self.lines.iter_mut().filter_map(|line| match line {
            Line::Step(step) => Some(step),
            _ => None,
        });
        for (step, told) in steps.zip(told) {
            step.record(platform, told.as_ref().map(plain), &all);
        }
    }
}

/// New descriptors and tasks say nothing that the next lines do not say.
fn plain(told: &Expected) -> Expected {
    match told {
        Expected::Gives(ret) if matches!(ret.is, Ret::Fd(_) | Ret::Pair(..) | Ret::Task(_)) => {
            Expected::Succeeds
        }
        other => other.clone(),
    }
}

impl Step {
    fn record(&mut self, platform: Platform, told: Option<Expected>, all: &[Platform]) {
        let mut by_system: Vec<(Platform, Expected)> = Vec::new();
        for system in all {
            let now = self.expected.iter().find(|e| e.concerns(*system)).map(|e| e.is.clone());
            let expected = if *system == platform { told.clone() } else { now };
            by_system.extend(expected.map(|expected| (*system, expected)));
        }
        self.expected.clear();
        for (system, is) in &by_system {
            match self.expected.iter_mut().find(|e| e.is == *is) {
                Some(same) => same.on.push(*system),
                None => self.expected.push(Expectation { on: vec![*system], is: is.clone() }),
            }
        }
        // What all of them do needs no names of systems.
        if let [one] = &mut self.expected[..]
            && one.on.len() == all.len()
        {
            one.on.clear();
        }
    }
}
