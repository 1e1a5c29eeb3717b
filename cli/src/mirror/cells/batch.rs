//! Plays cells one after the other, and finds the one in which both sides differ.

use super::super::crew::Manner;
use super::super::house::House;
use super::super::script::Play;
use super::super::shrink::{self, Finding};
use super::scene::{Called, Obstacle, Scene};
use crate::stage::Trouble;

/// A small script.
#[derive(Debug, Clone)]
pub struct Cell<'t> {
    /// What it is about, for people.
    pub name: String,
    /// Its calls, before it looks.
    pub calls: Vec<&'t Called>,
}

/// How many cells are played as one script.
const TOGETHER: usize = 150;

/// What came of cells.
#[derive(Debug, Default, Clone, Copy)]
pub struct Tally {
    /// Cells in which both sides agree.
    pub agreed: u64,
    /// Cells in which they do not.
    pub differ: u64,
    /// Cells in which a call would wait, which are left out.
    pub wait: u64,
    /// The calls that were compared.
    pub calls: u64,
}

/// Cells as one script.
struct Batch {
    play: Play,
    /// For each cell that is part of it, its place and where it ends in the script.
    ends: Vec<(usize, usize)>,
    /// How many cells were taken.
    taken: usize,
    /// In so many of them a call would wait.
    wait: u64,
}

/// How a cell was played in the model.
#[derive(PartialEq)]
enum Ended {
    Clean,
    /// It cannot be compared.
    Stopped(Obstacle),
    /// Nothing can be played after it.
    Over,
}

fn play_cell(cell: &Cell<'_>, play: &mut Play) -> Ended {
    let mut scene = Scene::new(play);
    let mut made = cell.calls.iter().try_for_each(|called| match scene.play.is_over() {
        true => Ok(()),
        false => scene.make(called),
    });
    if made.is_ok() && !scene.play.is_over() {
        made = scene.look();
    }
    let cleared = scene.play.is_over() || scene.clear().is_ok();
    match made {
        _ if scene.play.is_over() || !cleared => Ended::Over,
        Ok(()) => Ended::Clean,
        Err(obstacle) => Ended::Stopped(obstacle),
    }
}

impl Batch {
    fn new(cells: &[Cell<'_>], house: &House) -> Batch {
        let play = Play::new(&[house.own], &house.machine);
        let mut batch = Batch { play, ends: Vec::new(), taken: 0, wait: 0 };
        for (place, cell) in cells.iter().enumerate().take(TOGETHER) {
            let ended = play_cell(cell, &mut batch.play);
            batch.taken += 1;
            match ended {
                Ended::Stopped(obstacle) => batch.wait += u64::from(obstacle == Obstacle::Waits),
                _ => batch.ends.push((place, batch.play.lines.len())),
            }
            if ended == Ended::Over {
                break;
            }
        }
        batch
    }
}

/// Plays cells; `differs` is told of each in which both sides differ, `goes_on` how far it is, and
/// says whether to go on.
pub fn play(
    cells: &[Cell<'_>],
    house: &mut House,
    mut differs: impl FnMut(&Cell<'_>, &Finding) -> Result<(), Trouble>,
    mut goes_on: impl FnMut(&Tally, usize) -> Result<bool, Trouble>,
) -> Result<Tally, Trouble> {
    let mut tally = Tally::default();
    let mut rest = cells;
    while !rest.is_empty() {
        let batch = Batch::new(rest, house);
        let cast = [house.own];
        let mut taken = batch.taken;
        match shrink::difference(&cast, &batch.play, house, Manner::USUAL)? {
            None => {
                tally.agreed += batch.ends.len() as u64;
                tally.wait += batch.wait;
                tally.calls += batch.play.lines.len() as u64;
            }
            Some((at, kernel)) => {
                let before = batch.ends.iter().take_while(|(_, end)| *end <= at).count();
                let (place, _) =
                    batch.ends.get(before).or(batch.ends.last()).copied().unwrap_or_default();
                tally.agreed += before as u64;
                tally.calls += at as u64;
                tally.differ += 1;
                taken = place + 1;
                let finding = alone(&rest[place], &batch.play, (at, kernel), house)?;
                differs(&rest[place], &finding)?;
            }
        }
        rest = &rest[taken..];
        if !goes_on(&tally, cells.len() - rest.len())? {
            break;
        }
    }
    Ok(tally)
}

/// The difference in a cell, if possible without those that were played before it.
fn alone(
    cell: &Cell<'_>,
    all: &Play,
    differs: (usize, String),
    house: &mut House,
) -> Result<Finding, Trouble> {
    let cast = [house.own];
    let mut play = Play::new(&cast, &house.machine);
    play_cell(cell, &mut play);
    Ok(match shrink::difference(&cast, &play, house, Manner::USUAL)? {
        Some(differs) => shrink::shrink(&cast, &play, differs, house),
        None => shrink::shrink(&cast, all, differs, house),
    })
}
