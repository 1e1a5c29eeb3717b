//! Plays program after program.

use super::super::dice::Dice;
use super::super::house::House;
use super::generate::Generator;
use super::pair::{Difference, Halt, Pair};
use super::program::{Act, shrink};
use super::{rules, weave};
use crate::stage::Trouble;
use std::panic::{AssertUnwindSafe, catch_unwind};
use sunpath::trace::Trace;

/// What came of a program.
pub struct Played {
    /// How many calls, signals and whiles were compared.
    pub steps: u64,
    /// Where the two differ.
    pub difference: Option<Difference>,
}

/// Plays the program of this number, which a seed makes. The first ones are the rules.
pub fn play(seed: u64, number: u64, house: &mut House) -> Result<Played, Trouble> {
    let dice = Dice::new(seed, number);
    let mut acts = Vec::new();
    let mut steps = 0;
    let mut story = Trace::new();
    let played = catch_unwind(AssertUnwindSafe(|| {
        let mut pair = Pair::new(house)?;
        let came = play_on(&mut pair, number, dice, &mut acts);
        steps = pair.steps;
        story = pair.story.clone();
        came
    }));
    let halt = match played {
        Ok(Ok(())) => return Ok(Played { steps, difference: None }),
        Ok(Err(halt)) => halt,
        Err(_) => {
            let (model, kernel) = ("panics".to_string(), "not asked".to_string());
            Halt::Differs(Box::new(Difference { trace: story, model, kernel }))
        }
    };
    let difference = match halt {
        Halt::TooMany => None,
        Halt::Trouble(trouble) => return Err(trouble),
        Halt::Differs(found) if acts.is_empty() => Some(*found),
        Halt::Differs(found) => Some(shrink(acts, *found, house)?),
    };
    Ok(Played { steps, difference })
}

fn play_on(
    pair: &mut Pair<'_>,
    number: u64,
    mut dice: Dice,
    acts: &mut Vec<Act>,
) -> Result<(), Halt> {
    if let Some(rule) = rules::rule(number) {
        return rules::play(rule, pair);
    }
    if dice.once_in(2) {
        return weave::weave(pair, dice);
    }
    let length = 5 + dice.below(25);
    let mut generator = Generator::new(pair, dice);
    let came = generator.play(length);
    *acts = generator.acts;
    came
}
