//! Does a listener's queue move?

use super::diag;
use super::netlink::{Client, Trouble};
use crate::fact::{Seen, Unseen};
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
    let start = Instant::now();
    loop {
        std::thread::sleep(PAUSE);
        // What passed between the looks is at least this; the look itself takes time too.
        let between = start.elapsed();
        match diag::waiting(client, listener) {
            Ok(Some(now)) if !is_stuck(&first, &now) => return Seen::Known(0),
            Ok(Some(_)) if between < WATCH => {}
            Ok(Some(_)) => {
                return Seen::Known(u32::try_from(between.as_millis()).unwrap_or(u32::MAX));
            }
            other => return unseen(other.err()),
        }
    }
}

/// Whether nobody was accepted between two looks. Each waiting client shows as its socket inode,
/// or as 0 once it has closed its end, so the first that still is a client is followed: it must
/// not have moved forward.
fn is_stuck(first: &[u32], second: &[u32]) -> bool {
    match first.iter().position(|inode| *inode != 0) {
        // A client that closed meanwhile is shown as 0 in its place.
        Some(place) => match second.iter().position(|inode| *inode == first[place]) {
            Some(now) => now == place,
            None => second.len() >= first.len() && second.get(place) == Some(&0),
        },
        None if first.is_empty() => false,
        None => second.len() >= first.len() && second[..first.len()].iter().all(|i| *i == 0),
    }
}

fn unseen(trouble: Option<Trouble>) -> Seen<u32> {
    Seen::Unseen(match trouble {
        None | Some(Trouble::Changed) => Unseen::Changed,
        Some(Trouble::Errno(errno)) => Unseen::Failed { error: errno.to_string() },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_is_stuck_while_its_head_stays() {
        assert!(is_stuck(&[5, 6], &[5, 6, 7]));
        assert!(!is_stuck(&[5, 6], &[6, 7]), "the head was accepted");
        assert!(!is_stuck(&[5], &[]), "everybody was accepted");
        assert!(is_stuck(&[0, 6], &[0, 6]), "the head has closed, the next stays in place");
        assert!(!is_stuck(&[0, 6], &[6]), "the closed head was accepted");
        assert!(is_stuck(&[5, 6], &[0, 6]), "the head closed without being accepted");
        assert!(is_stuck(&[0, 0], &[0, 0, 9]));
        assert!(!is_stuck(&[0, 0], &[0]));
        assert!(!is_stuck(&[], &[8]), "nobody waited");
        assert!(!is_stuck(&[5], &[8]), "another took its place");
    }
}
