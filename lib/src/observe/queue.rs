//! Does a listener's queue move?

use super::diag;
use super::netlink::{Client, Trouble};
use crate::fact::{Seen, Unseen};
use crate::sys::errno;
use std::time::{Duration, Instant};

/// How long to watch a queue that does not move: a server that serves one client after the other
/// may well take some tenths of a second for each.
const WATCH: Duration = Duration::from_millis(500);

/// How long to wait between two looks. A queue in use moves within this time, mostly.
const PAUSE: Duration = Duration::from_millis(50);

/// For how long, at least, the same connection has been first in line. As soon as the queue is
/// seen to move, the answer is 0.
pub(crate) fn stuck_ms(client: &mut Client, listener: u32) -> Seen<u32> {
    let first = match diag::waiting(client, listener) {
        Ok(Some(queue)) => queue,
        other => return unseen(other.err()),
    };
    let (mut first, mut start) = (first, Instant::now());
    let end = start + WATCH;
    loop {
        std::thread::sleep(PAUSE);
        // What passed between the looks is at least this; the look itself takes time too.
        let between = start.elapsed();
        let over = Instant::now() >= end;
        let now = match diag::waiting(client, listener) {
            Ok(Some(now)) => now,
            other => return unseen(other.err()),
        };
        match is_stuck(&first, &now) {
            Some(false) => return Seen::Known(0),
            Some(true) if over => {
                return Seen::Known(u32::try_from(between.as_millis()).unwrap_or(u32::MAX));
            }
            None if over => {
                return Seen::Unseen(Unseen::Absent { what: "a client that has not given up" });
            }
            Some(true) => {}
            None => (first, start) = (now, Instant::now()),
        }
    }
}

/// Whether nobody was accepted between two looks, if that can be told. Each waiting client shows
/// as its socket inode, or as 0 once it has closed its end, so the first that still is a client is
/// followed: it must not have moved forward. Those that have closed look all the same.
fn is_stuck(first: &[u32], second: &[u32]) -> Option<bool> {
    match first.iter().position(|inode| *inode != 0) {
        // A client that closed meanwhile is shown as 0 in its place, but so is another.
        Some(place) => match second.iter().position(|inode| *inode == first[place]) {
            Some(now) => Some(now == place),
            None if second.len() < first.len() || second.get(place) != Some(&0) => Some(false),
            None => None,
        },
        None if first.is_empty() || second.len() < first.len() => Some(false),
        None if second[..first.len()].iter().any(|inode| *inode != 0) => Some(false),
        None => None,
    }
}

fn unseen(trouble: Option<Trouble>) -> Seen<u32> {
    Seen::Unseen(match trouble {
        None | Some(Trouble::Changed) => Unseen::Changed,
        Some(Trouble::Errno(errno)) => Unseen::Failed { error: errno::told(errno) },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_is_stuck_while_its_head_stays() {
        let stuck = Some(true);
        let moves = Some(false);
        assert_eq!(is_stuck(&[5, 6], &[5, 6, 7]), stuck);
        assert_eq!(is_stuck(&[5, 6], &[6, 7]), moves, "the head was accepted");
        assert_eq!(is_stuck(&[5], &[]), moves, "everybody was accepted");
        assert_eq!(is_stuck(&[0, 6], &[0, 6]), stuck, "the head has closed, the next stays");
        assert_eq!(is_stuck(&[0, 6], &[6]), moves, "the closed head was accepted");
        assert_eq!(is_stuck(&[5, 6], &[0, 6]), None, "the head closed, or others moved up");
        assert_eq!(is_stuck(&[0, 0], &[0, 0, 9]), None, "closed clients look the same");
        assert_eq!(is_stuck(&[0, 0], &[0]), moves);
        assert_eq!(is_stuck(&[0, 0], &[0, 7]), moves, "one that is open cannot have been there");
        assert_eq!(is_stuck(&[], &[8]), moves, "nobody waited");
        assert_eq!(is_stuck(&[5], &[8]), moves, "another took its place");
    }
}
