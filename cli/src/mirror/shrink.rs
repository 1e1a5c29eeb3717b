//! Makes a script short on which the two sides differ: leaves calls out as long as they still do.

use super::crew::{self, Ending};
use super::house::House;
use super::script::{Move, Play, Script};
use crate::stage::Trouble;
use sunpath::op::{Control, Op, RecvFlags, SendFlags};

/// A script on which the sides differ at its last call.
pub struct Finding {
    /// The script, played by the model.
    pub script: Script,
    /// The model's play of it.
    pub play: Play,
    /// What the kernel said to the last call.
    pub kernel: String,
}

/// How often a shorter script is tried.
const TRIALS: usize = 3000;

struct Shrinker<'a> {
    house: &'a mut House,
    best: Finding,
    trials: usize,
}

/// What differs when a script is played on both sides.
pub fn differs(script: &Script, house: &mut House) -> Result<Option<Finding>, Trouble> {
    let mut play = Play::of(script, &house.machine);
    let (at, kernel) = if let Some(made) = play.panicked.take() {
        let at = play.lines.len();
        let mut moves = play.script(&script.cast).moves;
        moves.push(made);
        let script = Script { cast: script.cast.clone(), moves };
        return Ok(Some(Finding { script, play, kernel: format!("call {at}: the model panics") }));
    } else {
        match crew::perform(&play, &script.cast, house)? {
            Ending::Agreed => return Ok(None),
            Ending::Differs { at, kernel } => (at, kernel),
        }
    };
    play.lines.truncate(at + 1);
    Ok(Some(Finding { script: play.script(&script.cast), play, kernel }))
}

/// The shortest script that is found.
pub fn shrink(first: Finding, house: &mut House) -> Result<Finding, Trouble> {
    let mut shrinker = Shrinker { house, best: first, trials: TRIALS };
    loop {
        let before = shrinker.best.script.clone();
        shrinker.leave_out()?;
        shrinker.let_parents_do()?;
        shrinker.simplify()?;
        if shrinker.best.script == before || shrinker.trials == 0 {
            return Ok(shrinker.best);
        }
    }
}

impl Shrinker<'_> {
    /// Whether the sides still differ; then this is the best from now on.
    fn attempt(&mut self, moves: Vec<Move>) -> Result<bool, Trouble> {
        if self.trials == 0 {
            return Ok(false);
        }
        self.trials -= 1;
        let script = Script { cast: self.best.script.cast.clone(), moves };
        let found = differs(&script, self.house)?;
        // What a script does that never ends says little about why.
        let better = found.filter(|f| f.script.moves.len() <= self.best.script.moves.len());
        Ok(match better {
            Some(found) => {
                self.best = found;
                true
            }
            None => false,
        })
    }

    /// Halves, then quarters, and so on down to single calls.
    fn leave_out(&mut self) -> Result<(), Trouble> {
        let mut size = self.best.script.moves.len().div_ceil(2);
        while size > 0 {
            let mut end = self.best.script.moves.len();
            while end > 0 {
                let from = end.saturating_sub(size);
                let mut moves = self.best.script.moves.clone();
                moves.drain(from..end.min(moves.len()));
                let left_out = !moves.is_empty() && self.attempt(moves)?;
                end = if left_out { from.min(self.best.script.moves.len()) } else { from };
            }
            size = if size == 1 { 0 } else { size.div_ceil(2) };
        }
        Ok(())
    }

    /// What a process did that another one made, that one does itself.
    fn let_parents_do(&mut self) -> Result<(), Trouble> {
        for child in (0..self.best.play.members.len()).rev() {
            let member = self.best.play.members.get(child);
            let Some(parent) = member.and_then(|member| member.parent) else { continue };
            let mut moves = self.best.script.moves.clone();
            for made in &mut moves {
                if made.task as usize == child {
                    made.task = parent as u32;
                }
            }
            self.attempt(moves)?;
        }
        Ok(())
    }

    /// Simpler arguments.
    fn simplify(&mut self) -> Result<(), Trouble> {
        let mut place = 0;
        while place < self.best.script.moves.len() {
            for op in simpler(&self.best.script.moves[place].op) {
                let mut moves = self.best.script.moves.clone();
                moves[place].op = op;
                if self.attempt(moves)? {
                    break;
                }
            }
            place += 1;
        }
        Ok(())
    }
}

/// Simpler calls that take this one's place, the simplest first.
fn simpler(op: &Op) -> Vec<Op> {
    let mut all = Vec::new();
    match op {
        // Keeps the numbers of later descriptors.
        Op::Socket(_) | Op::Accept { .. } => all.push(Op::Dup { fd: 0 }),
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
