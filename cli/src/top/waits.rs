//! How long queues have waited: what two looks show together.
//!
//! ```text
//!             size > 0                   nothing was taken out
//!   unknown ───────────► since, still ◄──────────────┐
//!      ▲                      │ └────────────────────┘
//!      │ size = 0             │ something was: still = now
//!      └──────────────────────┘
//! ```

use super::row::Row;
use std::collections::HashMap;
use std::time::Instant;

/// The queues in which something waits, by socket.
#[derive(Debug, Default)]
pub struct Waits(HashMap<u32, Queue>);

#[derive(Debug)]
struct Queue {
    size: u32,
    /// Since when it is not empty.
    since: Instant,
    /// Since when nothing was taken out of it.
    still: Instant,
    /// Of a listener, if all are known: the clients that wait, with when they were first seen,
    /// sorted; without those that have left.
    clients: Option<Vec<(u32, Instant)>>,
}

impl Waits {
    /// Takes a look into account, and says in each row how long its queue has waited.
    /// `queues`: the clients that wait at each listener, 0 for those that have left.
    pub fn follow(&mut self, rows: &mut [Row], queues: &HashMap<u32, Vec<u32>>, now: Instant) {
        let mut next = HashMap::with_capacity(self.0.len());
        for row in rows.iter_mut().filter(|row| row.queued > 0) {
            let before = self.0.remove(&row.inode);
            let waiting = queues.get(&row.inode).map(Vec::as_slice);
            let queue = match row.backlog {
                Some(_) => Queue::of_listener(row.queued, waiting.unwrap_or_default(), before, now),
                None => Queue::of_bytes(row.queued, before, now),
            };
            row.waited = now.saturating_duration_since(queue.oldest());
            row.unmoved = now.saturating_duration_since(queue.still);
            next.insert(row.inode, queue);
        }
        self.0 = next;
    }
}

impl Queue {
    /// A number of bytes that changes belongs to a queue that is in use.
    fn of_bytes(size: u32, before: Option<Queue>, now: Instant) -> Queue {
        let since = before.as_ref().map_or(now, |queue| queue.since);
        let same = before.filter(|queue| queue.size == size);
        Queue { size, since, still: same.map_or(now, |queue| queue.still), clients: None }
    }

    /// Connections are taken out in their order, so nothing was taken if those that were there are
    /// there still, and those that came are added. A client that leaves stays in the queue without
    /// its number, and does not count as one that was accepted.
    fn of_listener(size: u32, waiting: &[u32], before: Option<Queue>, now: Instant) -> Queue {
        let complete = waiting.len() == size as usize;
        let known = before.as_ref().and_then(|queue| queue.clients.as_deref());
        let first_seen = |client: &u32| {
            let known = known?;
            Some(known[known.binary_search_by_key(client, |(c, _)| *c).ok()?].1)
        };
        let here = waiting.iter().filter(|client| **client != 0);
        let mut clients: Vec<(u32, Instant)> =
            here.map(|client| (*client, first_seen(client).unwrap_or(now))).collect();
        clients.sort_unstable();
        let came = match (known, complete) {
            (Some(_), true) => {
                waiting.iter().filter(|c| **c != 0 && first_seen(c).is_none()).count()
            }
            _ => 0,
        };
        let (since, still) = match &before {
            None => (now, now),
            Some(queue) if queue.size as usize + came > size as usize => (queue.since, now),
            Some(queue) => (queue.since, queue.still),
        };
        Queue { size, since, still, clients: complete.then_some(clients) }
    }

    /// Since when the one that has waited longest waits.
    fn oldest(&self) -> Instant {
        let clients = self.clients.as_ref().and_then(|c| c.iter().map(|(_, seen)| *seen).min());
        clients.unwrap_or(self.since)
    }
}

#[cfg(test)]
mod tests {
    use super::super::row::tests::{connection, listener};
    use super::*;
    use std::time::Duration;

    const SECOND: Duration = Duration::from_secs(1);

    /// One listener, look after look, a second apart: its size and its clients; what comes out is
    /// how long the oldest has waited and how long nothing moved, in seconds.
    fn seconds(looks: &[(u32, &[u32])]) -> Vec<(u64, u64)> {
        let (mut waits, start) = (Waits::default(), Instant::now());
        let mut out = Vec::new();
        for (i, (size, clients)) in looks.iter().enumerate() {
            let mut rows = [listener(1, *size, 5)];
            let queues = HashMap::from([(1, clients.to_vec())]);
            waits.follow(&mut rows, &queues, start + SECOND * i as u32);
            out.push((rows[0].waited.as_secs(), rows[0].unmoved.as_secs()));
        }
        out
    }

    #[test]
    fn the_first_in_line_waits_while_nobody_is_accepted() {
        assert_eq!(seconds(&[(1, &[7]), (2, &[7, 8]), (2, &[7, 8])]), [(0, 0), (1, 1), (2, 2)]);
        assert_eq!(seconds(&[(0, &[]), (1, &[7]), (0, &[]), (1, &[8])])[3], (0, 0));
    }

    #[test]
    fn one_that_is_accepted_moves_the_queue() {
        assert_eq!(seconds(&[(2, &[7, 8]), (1, &[8])]), [(0, 0), (1, 0)]);
        assert_eq!(seconds(&[(2, &[7, 8]), (2, &[8, 9]), (2, &[9, 10])])[2], (1, 0));
        assert_eq!(seconds(&[(1, &[7]), (1, &[8])]), [(0, 0), (0, 0)], "another one");
    }

    #[test]
    fn one_that_leaves_does_not_move_it() {
        assert_eq!(seconds(&[(2, &[7, 8]), (2, &[0, 8]), (3, &[0, 8, 9])])[2], (2, 2));
        assert_eq!(seconds(&[(1, &[0]), (1, &[0])])[1], (1, 1), "nobody is there any more");
    }

    #[test]
    fn a_queue_too_long_to_be_told_counts_by_its_length() {
        assert_eq!(seconds(&[(9000, &[]), (9000, &[]), (8999, &[]), (9000, &[])])[3], (3, 1));
    }

    #[test]
    fn bytes_wait_while_their_number_stays() {
        let (mut waits, start) = (Waits::default(), Instant::now());
        let mut look = |second, bytes| {
            let mut rows = [connection(1, bytes)];
            waits.follow(&mut rows, &HashMap::new(), start + SECOND * second);
            (rows[0].waited.as_secs(), rows[0].unmoved.as_secs())
        };
        assert_eq!(look(0, 10), (0, 0));
        assert_eq!(look(2, 10), (2, 2));
        assert_eq!(look(3, 20), (3, 0));
        assert_eq!(look(4, 0), (0, 0));
        assert_eq!(look(5, 20), (0, 0));
    }
}
