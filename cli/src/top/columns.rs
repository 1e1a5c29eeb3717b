//! The columns of the list. Their widths do not depend on what they hold: a list that changes
//! every second must not dance.

use super::row::Row;
use super::sort::{By, fullness};
use super::status::Status;
use crate::render::columns::cut;
use crate::render::socket::{name, peer};
use crate::render::text::columns;
use crate::select::Stage;
use crate::users::Users;
use std::time::Duration;
use sunpath::SocketType;
use sunpath::list::Listing;

/// A column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    Status,
    Wait,
    Queue,
    Backlog,
    Type,
    State,
    Pid,
    User,
    Process,
    Name,
    Peer,
    Namespace,
}

use Column as C;

/// As they stand from left to right.
const ORDER: [Column; 12] = [
    C::Status,
    C::Wait,
    C::Queue,
    C::Backlog,
    C::Type,
    C::State,
    C::Pid,
    C::User,
    C::Process,
    C::Name,
    C::Peer,
    C::Namespace,
];

/// As they are given up in narrow windows, the last ones first, and the room that the name must
/// keep beside them.
const RANKS: [(Column, usize); 11] = [
    (C::Status, 6),
    (C::Queue, 10),
    (C::Wait, 12),
    (C::Process, 12),
    (C::Backlog, 16),
    (C::Pid, 16),
    (C::Namespace, 16),
    (C::Type, 30),
    (C::State, 30),
    (C::User, 36),
    (C::Peer, 40),
];

impl Column {
    fn width(self) -> usize {
        match self {
            C::Status | C::Pid => 7,
            C::Wait | C::Backlog | C::Type => 6,
            C::Queue => 9,
            C::State => 11,
            C::User | C::Namespace => 10,
            C::Process => 15,
            C::Name => 0,
            C::Peer => 30,
        }
    }

    fn title(self) -> &'static str {
        match self {
            C::Status => "STATUS",
            C::Wait => "WAIT",
            C::Queue => "QUEUE",
            C::Backlog => "FULL",
            C::Type => "TYPE",
            C::State => "STATE",
            C::Pid => "PID",
            C::User => "USER",
            C::Process => "PROCESS",
            C::Name => "NAME",
            C::Peer => "PEER",
            C::Namespace => "NETNS",
        }
    }

    fn right(self) -> bool {
        matches!(self, C::Wait | C::Queue | C::Pid | C::Namespace)
    }

    /// What the list is sorted by if this column is marked.
    fn by(self) -> Option<By> {
        Some(match self {
            C::Status => By::Status,
            C::Wait => By::Wait,
            C::Queue => By::Queue,
            C::Backlog => By::Backlog,
            C::Type => By::Type,
            C::Pid => By::Pid,
            C::Process => By::Process,
            C::Name => By::Name,
            C::State | C::User | C::Peer | C::Namespace => return None,
        })
    }
}

/// The columns that fit, with their widths. Where there are several network namespaces, the same
/// abstract name may be in each.
pub fn layout(width: usize, several_namespaces: bool) -> Vec<(Column, usize)> {
    let mut kept = vec![C::Name];
    let mut taken = 0;
    let ranks = RANKS.into_iter().filter(|(c, _)| several_namespaces || *c != C::Namespace);
    for (column, name) in ranks {
        if taken + column.width() + 1 + name > width {
            break;
        }
        taken += column.width() + 1;
        kept.push(column);
    }
    let rest = width - taken;
    let wide = |column: Column| if column == C::Name { rest } else { column.width() };
    ORDER.into_iter().filter(|c| kept.contains(c)).map(|c| (c, wide(c))).collect()
}

/// The line of titles; the one that is sorted by is marked.
pub fn titles(layout: &[(Column, usize)], (by, reverse): (By, bool)) -> String {
    let mark = if reverse { "^" } else { "*" };
    let title = |(column, width): &(Column, usize)| {
        let marked = if column.by() == Some(by) { mark } else { "" };
        place(&format!("{}{marked}", column.title()), *width, column.right(), false)
    };
    layout.iter().map(title).collect::<Vec<_>>().join(" ")
}

/// The cells of a row, each as wide as its column.
pub fn cells(
    layout: &[(Column, usize)],
    row: &Row,
    listing: &Listing,
    users: &Users,
) -> Vec<(Column, String)> {
    let cell = |(column, width): &(Column, usize)| {
        let text = text(*column, row, listing, users);
        (*column, place(&text, *width, column.right(), *column == C::Name))
    };
    layout.iter().map(cell).collect()
}

/// Fills a text up, or cuts it.
fn place(text: &str, width: usize, right: bool, keep_end: bool) -> String {
    let wide = columns(text);
    if wide <= width {
        let room = " ".repeat(width - wide);
        return if right { format!("{room}{text}") } else { format!("{text}{room}") };
    }
    let mut out = String::new();
    let taken = if width == 0 { 0 } else { cut(&mut out, text, width, keep_end) };
    out.push_str(&" ".repeat(width.saturating_sub(taken)));
    out
}

fn text(column: Column, row: &Row, listing: &Listing, users: &Users) -> String {
    match column {
        C::Status => row.status.word(row.stopped).into(),
        C::Wait if row.queued == 0 => String::new(),
        C::Wait => time(row.waited),
        C::Queue => queue(row),
        C::Backlog => gauge(row),
        C::Type => kind(row.kind).into(),
        C::State => row.stage.name().into(),
        C::Pid => row.pid.map(|pid| pid.to_string()).unwrap_or_default(),
        C::User => user(row, users),
        C::Process => process(row, listing),
        C::Name => shown_name(row),
        C::Peer if row.stage == Stage::Connected => {
            let mut out = String::new();
            if let Some(socket) = listing.socket(row.inode) {
                peer(&mut out, listing, socket, 1);
            }
            out
        }
        C::Peer => String::new(),
        C::Namespace => namespace(row),
    }
}

/// The number of its network namespace; `?` if it may not be seen.
pub fn namespace(row: &Row) -> String {
    match row.namespace {
        0 => "?".into(),
        number => number.to_string(),
    }
}

/// The name, escaped; nothing if there is none.
pub fn shown_name(row: &Row) -> String {
    let mut out = String::new();
    row.name.iter().for_each(|its| name(&mut out, its));
    out
}

fn user(row: &Row, users: &Users) -> String {
    let Some(uid) = row.uid else { return String::new() };
    users.name(uid, |name| name.map_or_else(|| uid.to_string(), str::to_string))
}

fn process(row: &Row, listing: &Listing) -> String {
    match &row.process {
        Some(process) => process.to_string(),
        None if listing.all_holders.known().is_some() => "-".into(),
        None => "?".into(),
    }
}

const fn kind(kind: SocketType) -> &'static str {
    match kind {
        SocketType::Stream => "stream",
        SocketType::SeqPacket => "seqpkt",
        _ => "dgram",
    }
}

fn queue(row: &Row) -> String {
    match row.backlog {
        Some(backlog) => format!("{}/{}", short(backlog.pending), short(backlog.limit)),
        None if row.queued == 0 => String::new(),
        None => short(row.queued),
    }
}

/// At most five characters, for numbers below ten thousand all digits.
fn short(number: u32) -> String {
    match number {
        0..=9_999 => number.to_string(),
        10_000..=999_999 => format!("{}k", number / 1000),
        1_000_000..=999_999_999 => format!("{}M", number / 1_000_000),
        _ => format!("{}G", number / 1_000_000_000),
    }
}

/// How full the backlog is, in four steps.
fn gauge(row: &Row) -> String {
    match row.backlog {
        None => String::new(),
        Some(backlog) if backlog.is_full() => "[FULL]".into(),
        Some(_) if row.queued == 0 => "[    ]".into(),
        Some(_) => {
            let steps = (1 + fullness(row) * 4 / 1000).min(4) as usize;
            format!("[{:<4}]", "|".repeat(steps))
        }
    }
}

/// A time in at most six characters.
pub fn time(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{}.{}s", seconds, time.subsec_millis() / 100),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{}h{:02}m", seconds / 3600, seconds / 60 % 60),
        86_400..8_640_000 => format!("{}d{:02}h", seconds / 86_400, seconds / 3600 % 24),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// Whether a cell stands out, and how much.
pub fn weight(column: Column, row: &Row) -> Option<bool> {
    let loud = match column {
        C::Status | C::Wait => row.status != Status::Well,
        C::Backlog => row.backlog.is_some_and(|b| b.is_full()),
        C::Queue | C::Name => row.status.is_alarm(),
        _ => false,
    };
    loud.then(|| row.status.is_alarm())
}

#[cfg(test)]
mod tests {
    use super::super::row::tests::{connection, listener};
    use super::*;

    #[test]
    fn every_width_is_filled_exactly() {
        let mut row = listener(1, 4097, 4096);
        row.name = Some(b"/run/a rather long path/\x1b[31m/app.sock".as_slice().into());
        let (listing, users) = (Listing::default(), Users::default());
        for (width, several) in (1..220).flat_map(|width| [(width, false), (width, true)]) {
            let layout = layout(width, several);
            let cells = cells(&layout, &row, &listing, &users);
            let texts: Vec<_> = cells.into_iter().map(|(_, text)| text).collect();
            assert_eq!(columns(&texts.join(" ")), width, "{texts:?}");
            assert_eq!(columns(&titles(&layout, (By::Name, false))), width);
            assert!(!texts.concat().contains('\x1b'));
        }
        assert!(layout(80, false).iter().any(|(c, width)| *c == C::Name && *width >= 20));
        assert!(layout(90, true).iter().any(|(c, _)| *c == C::Namespace));
        assert_eq!([false, true].map(|s| layout(200, s).len()), [ORDER.len() - 1, ORDER.len()]);
    }

    #[test]
    fn numbers_and_times_are_short() {
        let times = [0, 59, 60, 3599, 3600, 86_399, 86_400, 8_639_999, 8_640_000];
        assert!(times.iter().all(|s| time(Duration::from_secs(*s)).len() <= 6));
        assert_eq!(time(Duration::from_millis(2550)), "2.5s");
        assert_eq!(queue(&listener(1, 4097, 4096)), "4097/4096");
        assert_eq!(queue(&connection(1, 212_992)), "212k");
        let gauges = [0, 1, 3, 5, 6].map(|pending| gauge(&listener(1, pending, 5)));
        assert_eq!(gauges, ["[    ]", "[|   ]", "[||| ]", "[||||]", "[FULL]"]);
    }
}
