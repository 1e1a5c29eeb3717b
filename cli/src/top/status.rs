//! What is wrong with a socket.

use super::row::Row;
use std::time::Duration;

/// What is wrong with a socket, the worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// Nothing that can be seen.
    Well,
    /// Bytes wait, and their number does not change.
    Waits,
    /// Its processes are stopped, and something waits in its queue.
    StoppedReader,
    /// Its processes are stopped: nobody would be accepted.
    Stopped,
    /// The backlog is full: the next connection fails or waits.
    Full,
    /// Connections wait, and none is accepted.
    Hung,
    /// Connections wait, and the processes are stopped.
    HungStopped,
    /// As `Hung` or `HungStopped`, and the backlog is full.
    HungFull,
}

/// A queue that has not moved for so long is called hung: a server that takes its clients one by
/// one may well need a second for each.
pub const PATIENCE: Duration = Duration::from_secs(2);

impl Status {
    /// That of a row whose other fields are filled in.
    pub fn of(row: &Row) -> Status {
        let still = row.queued > 0 && row.unmoved >= PATIENCE;
        let Some(backlog) = row.backlog else {
            return match (row.queued > 0 && row.stopped, still) {
                (true, _) => Status::StoppedReader,
                (false, true) => Status::Waits,
                (false, false) => Status::Well,
            };
        };
        let stopped = row.stopped && row.queued > 0;
        match (backlog.is_full(), stopped, still) {
            (true, false, false) => Status::Full,
            (true, ..) => Status::HungFull,
            (false, true, _) => Status::HungStopped,
            (false, false, true) => Status::Hung,
            (false, false, false) if row.stopped => Status::Stopped,
            (false, false, false) => Status::Well,
        }
    }

    /// In a word. That a process is stopped explains why a queue does not move.
    pub fn word(self, stopped: bool) -> &'static str {
        match self {
            Status::Well => "",
            _ if stopped => "stopped",
            Status::Waits => "waits",
            Status::Full => "full",
            _ => "hung",
        }
    }

    /// Whether somebody should look at it now.
    pub fn is_alarm(self) -> bool {
        self >= Status::Stopped
    }
}

#[cfg(test)]
mod tests {
    use super::super::row::tests::{connection, listener};
    use super::*;

    #[test]
    fn what_is_worse_comes_later() {
        let still = |row: Row| Row { unmoved: PATIENCE, ..row };
        let stopped = |row: Row| Row { stopped: true, ..row };
        let order = [
            Status::of(&connection(1, 100)),
            Status::of(&still(connection(1, 100))),
            Status::of(&stopped(connection(1, 100))),
            Status::of(&stopped(listener(1, 0, 5))),
            Status::of(&listener(1, 6, 5)),
            Status::of(&still(listener(1, 1, 5))),
            Status::of(&stopped(listener(1, 1, 5))),
            Status::of(&still(listener(1, 6, 5))),
        ];
        assert!(order.is_sorted() && order[0] == Status::Well, "{order:?}");
        assert_eq!(Status::of(&listener(1, 5, 5)), Status::Well, "one above the limit is admitted");
        assert_eq!(Status::of(&still(stopped(connection(1, 0)))), Status::Well);
        assert_eq!(Status::of(&stopped(listener(1, 6, 5))), Status::HungFull);
        assert_eq!(Status::HungFull.word(true), "stopped");
        assert_eq!(Status::Full.word(false), "full");
    }
}
