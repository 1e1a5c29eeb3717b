//! Looking again for a moment before sleeping, where that has paid.
//!
//! Whoever sleeps has to be woken, which takes longer than all that a relay does with a short
//! message. Where messages follow each other at once, the next one is there before that.
//!
//! ```text
//!   turn ──► looks again, 50 us at most ──► something came: one more credit ──► next turn
//!                                     └──► nothing: one less, and sleeps
//!   no credit left ──► sleeps the next 32, 64, 128 .. 1024 times, then has 16 again
//! ```
//! So a conversation with pauses costs hardly anything, and one that becomes quick is noticed. It
//! takes several turns until that shows: as long as nobody looks, everybody has to be woken. One
//! processor is always left to the others.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// About what it takes to wake somebody on an idle processor.
const LONGEST: Duration = Duration::from_micros(50);

/// So many looks more in vain than others, and it rests.
const CREDIT: u32 = 16;

/// So many waits go without a look, at first and at most.
const REST: (u32, u32) = (32, 1024);

/// The connections that look at this moment, of all in this process.
static LOOKING: AtomicUsize = AtomicUsize::new(0);

/// What a connection has learned.
#[derive(Debug)]
pub struct Spin {
    /// So many connections may look at once.
    most: usize,
    /// A look ends after that.
    time: Duration,
    credit: u32,
    /// So many waits go without a look.
    rest: u32,
    /// So many will when there is no credit left.
    next_rest: u32,
}

impl Spin {
    /// Nothing learned yet.
    pub fn new() -> Spin {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Spin { most: processors - 1, time: LONGEST, credit: CREDIT, rest: 0, next_rest: REST.0 }
    }

    /// Looks until there is something, if that is worth it; `None`: sleep.
    pub fn look<T>(&mut self, look: impl FnMut() -> Option<T>) -> Option<T> {
        if self.rest > 0 {
            self.rest -= 1;
            return None;
        }
        let turn = Turn::take(self.most)?;
        let found = look_for(self.time, look);
        drop(turn);
        self.learn(found.is_some());
        found
    }

    fn learn(&mut self, found: bool) {
        if found {
            self.credit = (self.credit + 1).min(CREDIT);
            if self.credit == CREDIT {
                self.next_rest = REST.0;
            }
            return;
        }
        self.credit -= 1;
        if self.credit == 0 {
            self.rest = self.next_rest;
            self.next_rest = (2 * self.rest).min(REST.1);
            self.credit = CREDIT;
        }
    }
}

fn look_for<T>(time: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let begin = Instant::now();
    loop {
        let found = look();
        if found.is_some() || begin.elapsed() >= time {
            return found;
        }
    }
}

/// One of the connections that look.
struct Turn;

impl Turn {
    fn take(most: usize) -> Option<Turn> {
        let more = |looking: usize| (looking < most).then(|| looking + 1);
        LOOKING.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok().then(|| Turn)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        LOOKING.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spin() -> Spin {
        Spin { most: 1000, time: Duration::ZERO, ..Spin::new() }
    }

    /// How many looks are in vain until it rests, and how many waits that lasts.
    fn in_vain(spin: &mut Spin) -> (u32, u32) {
        let (mut looks, mut rests) = (0, 0);
        while spin.rest == 0 {
            assert_eq!(spin.look(|| None::<()>), None);
            looks += 1;
        }
        while spin.rest > 0 {
            assert_eq!(spin.look(|| -> Option<()> { panic!("it rests") }), None);
            rests += 1;
        }
        (looks, rests)
    }

    #[test]
    fn it_rests_ever_longer_while_looks_are_in_vain() {
        let mut spin = spin();
        let rests = [32, 64, 128, 256, 512, 1024, 1024];
        assert_eq!(rests.map(|_| in_vain(&mut spin)), rests.map(|rest| (CREDIT, rest)));
    }

    #[test]
    fn it_goes_on_while_every_other_look_finds_something() {
        let mut spin = spin();
        assert_eq!(in_vain(&mut spin), (CREDIT, 32));
        for _ in 0..100 {
            assert_eq!(spin.look(|| None::<()>), None);
            spin.time = Duration::from_secs(60);
            let mut looks = 0;
            let third = || {
                looks += 1;
                Some(looks).filter(|looks| *looks == 3)
            };
            assert_eq!(spin.look(third), Some(3));
            spin.time = Duration::ZERO;
        }
        assert_eq!(in_vain(&mut spin), (CREDIT, 32), "and has forgotten what was before");
    }

    #[test]
    fn nobody_looks_where_no_processor_is_left() {
        let mut alone = Spin { most: 0, ..spin() };
        assert_eq!(alone.look(|| -> Option<()> { panic!("no processor") }), None);
        let mut second = spin();
        let both = spin().look(|| second.look(|| Some(LOOKING.load(Ordering::Relaxed))));
        assert!(both >= Some(2));
    }
}
