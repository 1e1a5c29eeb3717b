//! Makes a script short on which the two sides differ: leaves calls out as long as they still do.

use super::crew::{self, Ending, Manner, STUCK};
use super::house::House;
use super::script::{Play, Role};
use super::symbolic::Symbolic;
use crate::stage::Trouble;
use sunpath::op::{Control, Op, RecvFlags, SendFlags};

/// A script on which the sides differ at its last call.
pub struct Finding {
    /// The processes.
    pub cast: Vec<Role>,
    /// The model's play, up to the call to which the kernel says something else. If the model
    /// panicked instead, that call is not in it.
    pub play: Play,
    /// What the kernel said to the last call.
    pub kernel: String,
    /// They differ each time, as far as was tried.
    pub repeats: bool,
}

/// How often a script is played again, to see whether the sides differ each time.
const REPETITIONS: usize = 3;

/// How often a shorter script is tried.
const TRIALS: usize = 3000;

/// The first difference when the model's play is repeated on the kernel: the number of the call,
/// and what the kernel says.
pub fn difference(
    cast: &[Role],
    play: &Play,
    house: &mut House,
    manner: Manner,
) -> Result<Option<(usize, String)>, Trouble> {
    if play.panicked.is_some() {
        return Ok(Some((play.lines.len(), "not asked, as the model panics".to_string())));
    }
    Ok(match crew::perform(play, cast, house, manner)? {
        Ending::Agreed => None,
        Ending::Differs { at, kernel } => Some((at, kernel)),
    })
}

struct Shrinker<'a> {
    house: &'a mut House,
    best: Symbolic,
    manner: Manner,
    trials: usize,
    /// What the kernel said to the last call of the best.
    kernel: String,
}

/// The shortest script that is found on which the sides differ; they did on this one, where the
/// kernel said this. A difference that does not come again is told as it is.
pub fn shrink(
    cast: &[Role],
    play: &Play,
    (at, kernel): (usize, String),
    house: &mut House,
) -> Finding {
    for _ in 0..REPETITIONS {
        let again = difference(cast, play, house, Manner::USUAL);
        if !matches!(again, Ok(Some(_))) {
            let mut play = play.clone();
            play.lines.truncate(at + 1);
            let kernel = hindered(kernel, again.err());
            return Finding { cast: cast.to_vec(), play, kernel, repeats: false };
        }
    }
    let best = Symbolic::of(cast, play);
    let manner = if kernel == STUCK { Manner::HASTY } else { Manner::USUAL };
    let mut shrinker = Shrinker { house, best, manner, trials: TRIALS, kernel };
    loop {
        let before = shrinker.best.clone();
        shrinker.leave_out();
        for less in shrinker.best.with_parents() {
            shrinker.attempt(less);
        }
        shrinker.attempt(shrinker.best.without_idlers());
        shrinker.simplify();
        if shrinker.best == before || shrinker.trials == 0 {
            return shrinker.finding();
        }
    }
}

/// What the kernel said, and what kept the script from being played again.
fn hindered(kernel: String, trouble: Option<Trouble>) -> String {
    match trouble {
        Some(trouble) => format!("{kernel} (and afterwards: {trouble})"),
        None => kernel,
    }
}

impl Shrinker<'_> {
    /// Whether the sides still differ; then this is the best from now on. What a script left
    /// behind may keep others from being played: then the best so far is what is found.
    fn attempt(&mut self, script: Symbolic) -> bool {
        if self.trials == 0 || script == self.best {
            return false;
        }
        self.trials -= 1;
        let played = script.play(&self.house.machine);
        let differs = match difference(&played.cast, &played.play, self.house, self.manner) {
            Ok(differs) => differs,
            Err(_) => {
                self.trials = 0;
                None
            }
        };
        let Some((at, kernel)) = differs.filter(|(_, kernel)| self.is_alike(kernel)) else {
            return false;
        };
        self.kernel = kernel;
        let mut kept: Vec<_> = played.kept.into_iter().take(at + 1).collect();
        if played.play.panicked.is_some() {
            // The call at which it did comes after those that were played.
            kept.push(kept.last().map_or(0, |last| last + 1));
        }
        let steps = kept.iter().filter_map(|place| script.steps.get(*place)).cloned().collect();
        self.best = script;
        self.best.steps = steps;
        true
    }

    /// A call that waits by mistake is to stay one.
    fn is_alike(&self, kernel: &str) -> bool {
        (kernel == STUCK) == self.manner.one_by_one
    }

    /// Halves, then quarters, and so on down to single calls.
    fn leave_out(&mut self) {
        let mut size = self.best.steps.len();
        while size > 0 {
            let mut end = self.best.steps.len();
            while end > 0 {
                let from = end.saturating_sub(size);
                let mut less = self.best.clone();
                less.steps.drain(from..end.min(less.steps.len()));
                if !less.steps.is_empty() {
                    self.attempt(less);
                }
                end = from.min(self.best.steps.len());
            }
            size = if size == 1 { 0 } else { size.div_ceil(2) };
        }
    }

    /// Simpler arguments.
    fn simplify(&mut self) {
        let mut place = 0;
        while place < self.best.steps.len() {
            for op in simpler(&self.best.steps[place].op) {
                let mut less = self.best.clone();
                less.steps[place].op = op;
                if self.attempt(less) {
                    break;
                }
            }
            place += 1;
        }
    }

    fn finding(self) -> Finding {
        let played = self.best.play(&self.house.machine);
        let (cast, mut play) = (played.cast, played.play);
        let (at, kernel, repeats) = match difference(&cast, &play, self.house, Manner::USUAL) {
            Ok(Some((at, kernel))) => (at, kernel, true),
            Ok(None) => (play.lines.len(), "the same, when it was asked again".into(), false),
            Err(trouble) => (play.lines.len(), hindered(self.kernel, Some(trouble)), false),
        };
        play.lines.truncate(at + 1);
        Finding { cast, play, kernel, repeats }
    }
}

/// Simpler calls that take this one's place, the simplest first.
fn simpler(op: &Op) -> Vec<Op> {
    let mut all = Vec::new();
    match op {
        Op::Send(message) => {
            let mut with = |change: &dyn Fn(&mut sunpath::op::Message)| {
                let mut simpler = message.clone();
                change(&mut simpler);
                if simpler != *message {
                    all.push(Op::Send(simpler));
                }
            };
            if message.data.len() > 1 {
                with(&|m| m.data = m.data[..1].into());
                with(&|m| m.data = m.data[..m.data.len() / 2].into());
            }
            with(&|m| m.control.clear());
            with(&|m| {
                m.control.pop();
            });
            with(&|m| {
                if let Some(Control::Rights(fds)) = m.control.last_mut() {
                    fds.truncate(1);
                }
            });
            with(&|m| m.to = None);
            with(&|m| m.buffers = 1);
            with(&|m| m.flags = SendFlags { dont_wait: true, ..SendFlags::default() });
        }
        Op::Recv(want) => {
            let mut with = |change: &dyn Fn(&mut sunpath::op::Want)| {
                let mut simpler = *want;
                change(&mut simpler);
                if simpler != *want {
                    all.push(Op::Recv(simpler));
                }
            };
            with(&|w| w.control = 0);
            with(&|w| w.buffers = 1);
            with(&|w| w.flags = RecvFlags { dont_wait: true, ..RecvFlags::default() });
            with(&|w| w.length = w.length.min(64));
        }
        Op::Poll { fds, timeout } if fds.len() > 1 => {
            for one in fds {
                all.push(Op::Poll { fds: vec![*one], timeout: *timeout });
            }
        }
        _ => {}
    }
    all
}
