//! The orders of the list.

use super::row::Row;
use clap::ValueEnum;
use std::borrow::Borrow;
use std::cmp::Ordering;

/// By what sockets are sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum By {
    /// What is wrong, the worst first; then how long the queue has waited, and how full it is.
    Status,
    /// How long the queue has waited.
    Wait,
    /// Connections or bytes in the queue.
    Queue,
    /// How full the backlog is.
    Backlog,
    /// Type.
    Type,
    /// The id of the first process.
    Pid,
    /// The name of the first process.
    Process,
    /// Name.
    Name,
    /// Inode number: about the order in which they were made.
    Inode,
}

impl By {
    /// All, in the order of the columns.
    pub const ALL: [By; 9] = [
        By::Status,
        By::Wait,
        By::Queue,
        By::Backlog,
        By::Type,
        By::Pid,
        By::Process,
        By::Name,
        By::Inode,
    ];

    /// As on the command line.
    pub fn name(self) -> &'static str {
        match self {
            By::Status => "status",
            By::Wait => "wait",
            By::Queue => "queue",
            By::Backlog => "backlog",
            By::Type => "type",
            By::Pid => "pid",
            By::Process => "process",
            By::Name => "name",
            By::Inode => "inode",
        }
    }

    /// The one so many places on, in a circle.
    pub fn step(self, by: isize) -> By {
        let at = By::ALL.iter().position(|one| *one == self).unwrap_or_default();
        let to = at.cast_signed() + by;
        By::ALL[to.rem_euclid(By::ALL.len().cast_signed()).cast_unsigned()]
    }

    /// What comes first.
    fn compare(self, a: &Row, b: &Row) -> Ordering {
        match self {
            By::Status => {
                let rest = || By::Wait.compare(a, b).then_with(|| By::Backlog.compare(a, b));
                b.status.cmp(&a.status).then_with(rest)
            }
            // At the first look nothing has been seen to wait yet.
            By::Wait => (b.waited, b.queued > 0).cmp(&(a.waited, a.queued > 0)),
            By::Queue => b.queued.cmp(&a.queued),
            By::Backlog => fullness(b).cmp(&fullness(a)).then_with(|| By::Queue.compare(a, b)),
            By::Type => a.kind.name().cmp(b.kind.name()),
            By::Pid => missing_last(a.pid, b.pid),
            By::Process => missing_last(a.process.as_deref(), b.process.as_deref()),
            By::Name => missing_last(a.name.as_deref(), b.name.as_deref()),
            By::Inode => a.inode.cmp(&b.inode),
        }
    }
}

/// Sorts; what is equal stays as it was, and where nearly all is, that takes little.
pub fn sort<R: Borrow<Row>>(rows: &mut [R], by: By, reverse: bool) {
    rows.sort_by(|a, b| {
        let order = by.compare(a.borrow(), b.borrow());
        if reverse { order.reverse() } else { order }
    });
}

/// Thousandths of the backlog; the kernel admits one above the limit.
pub fn fullness(row: &Row) -> u64 {
    row.backlog.map_or(0, |b| 1 + u64::from(b.pending) * 1000 / (u64::from(b.limit) + 1))
}

fn missing_last<T: Ord>(a: Option<T>, b: Option<T>) -> Ordering {
    a.is_none().cmp(&b.is_none()).then_with(|| a.cmp(&b))
}

#[cfg(test)]
mod tests {
    use super::super::row::tests::{connection, listener};
    use super::super::status::Status;
    use super::*;
    use std::time::Duration;

    fn inodes(by: By, reverse: bool) -> Vec<u32> {
        let mut rows = vec![
            connection(1, 70_000),
            listener(2, 1, 1),
            listener(3, 90, 100),
            Row { status: Status::Hung, waited: Duration::from_secs(9), ..listener(4, 1, 100) },
            connection(5, 0),
        ];
        sort(&mut rows, by, reverse);
        rows.iter().map(|row| row.inode).collect()
    }

    #[test]
    fn each_order_puts_first_what_matters() {
        assert_eq!(inodes(By::Status, false), [4, 3, 2, 1, 5]);
        assert_eq!(inodes(By::Queue, false), [1, 3, 2, 4, 5]);
        assert_eq!(inodes(By::Backlog, false), [3, 2, 4, 1, 5]);
        assert_eq!(inodes(By::Wait, false)[0], 4);
        assert_eq!(inodes(By::Inode, true), [5, 4, 3, 2, 1]);
    }

    #[test]
    fn the_keys_form_a_circle() {
        assert_eq!(By::Status.step(-1), By::Inode);
        assert_eq!(By::Inode.step(1), By::Status);
        assert!(By::ALL.iter().all(|by| By::value_variants().contains(by)));
        assert_eq!(By::ALL.len(), By::value_variants().len());
    }
}
