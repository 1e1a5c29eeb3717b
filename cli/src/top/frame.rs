//! The screen as lines: a pure function of the view and the size.

use super::columns::{Column, cells, layout, namespace, shown_name, time, titles, weight};
use super::row::Row;
use super::sort::By;
use super::status::Status;
use super::texts;
use super::view::{Ask, Mode, View};
use crate::render::socket::{holders, peer};
use crate::render::text::{columns, count, pad};
use crate::render::{BAD, DIM, DOUBT, HEAD, paint};
use anstyle::Style;
use sunpath::text::escape;

/// How the screen is divided: lines above the list, the list, and below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Division {
    summary: bool,
    remarks: bool,
    titles: bool,
    /// Rows of the list.
    pub list: usize,
    details: usize,
    bar: bool,
}

impl Division {
    /// Of a screen of this height: what matters least is left out first.
    pub fn of(height: usize) -> Division {
        let (summary, titles, bar) = (height >= 5, height >= 4, height >= 3);
        let (remarks, details) = (height >= 10, if height >= 14 { 2 } else { 0 });
        let around = [summary, titles, bar, remarks].into_iter().filter(|part| *part).count();
        let list = height.saturating_sub(around + details);
        Division { summary, remarks, titles, list, details, bar }
    }
}

/// Styles, or what is left of them where no colour is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Theme {
    /// Whether there may be colours.
    pub colours: bool,
}

const BAR: Style = Style::new().invert();

impl Theme {
    fn loud(self, alarm: bool) -> Style {
        match (self.colours, alarm) {
            (true, true) => BAD,
            (true, false) => DOUBT,
            (false, true) => Style::new().bold(),
            (false, false) => Style::new(),
        }
    }

    /// A text that brings styles along.
    fn text(self, text: &str) -> String {
        if self.colours { text.into() } else { anstream::adapter::strip_str(text).to_string() }
    }
}

/// As many lines as the screen has; none is wider.
pub fn frame(view: &View, width: usize, height: usize, theme: Theme) -> Vec<String> {
    if width == 0 || height == 0 {
        return Vec::new();
    }
    let mut lines = match &view.mode {
        Mode::Help(from) => pages("Help", texts::HELP, *from, width, height),
        Mode::Answer(question, answer, from) => {
            let waiting = "Looking ...";
            let text = theme.text(answer.as_deref().unwrap_or(waiting));
            pages(&question.title, &text, *from, width, height)
        }
        Mode::Choosing(by) => choice(*by, width, height),
        Mode::List | Mode::Asking(..) => list(view, width, height, theme),
    };
    lines.resize(height, String::new());
    lines
}

/// The last line of a text that need be the first on the screen.
pub fn last_page(text: &str, height: usize) -> usize {
    text.lines().count().saturating_sub(height.saturating_sub(2))
}

/// A text, with a title above and what can be done below.
fn pages(title: &str, text: &str, from: usize, width: usize, height: usize) -> Vec<String> {
    let from = from.min(last_page(text, height));
    let room = height.saturating_sub(2);
    let mut lines = vec![bar(title, width)];
    lines.extend(text.lines().skip(from).take(room).map(|line| clip(line, width)));
    lines.resize(height.saturating_sub(1).max(1), String::new());
    let below = text.lines().count().saturating_sub(from + room);
    let more = if below > 0 { format!("   {below} more lines below") } else { String::new() };
    lines.push(bar(&format!("Esc Back  Up/Down/Page Scroll{more}"), width));
    lines.truncate(height);
    lines
}

fn choice(by: By, width: usize, height: usize) -> Vec<String> {
    let mut lines = vec![bar("Sort by", width)];
    let at = By::ALL.iter().position(|one| *one == by).unwrap_or_default();
    let room = height.saturating_sub(2).max(1);
    let first = (at + 1).saturating_sub(room);
    for one in By::ALL.iter().skip(first).take(room) {
        let line = pad(&format!("  {}", one.name()), width.min(20));
        lines.push(clip(&if *one == by { paint(BAR, &line) } else { line }, width));
    }
    lines.resize(height.saturating_sub(1).max(1), String::new());
    lines.push(bar("Enter Sort  Esc Back", width));
    lines.truncate(height);
    lines
}

fn list(view: &View, width: usize, height: usize, theme: Theme) -> Vec<String> {
    let parts = Division::of(height);
    let layout = layout(width, view.several_namespaces());
    let mut lines = Vec::with_capacity(height);
    if parts.summary {
        lines.push(clip(&summary(view, theme), width));
    }
    if parts.remarks {
        lines.push(clip(&remarks(view, theme), width));
    }
    if parts.titles {
        lines.push(paint(BAR, &titles(&layout, view.sort)));
    }
    let above = lines.len();
    for (place, row) in (view.first..).zip(view.on_screen()).take(parts.list) {
        lines.push(line(view, row, &layout, place == view.cursor, theme));
    }
    lines.resize(above + parts.list, String::new());
    if parts.details > 0 {
        let told = view.selected().map(|row| details(view, row)).unwrap_or_default();
        lines.extend(told.iter().map(|line| clip(&paint(DIM, line), width)));
        lines.resize(above + parts.list + parts.details, String::new());
    }
    match &view.mode {
        Mode::Asking(ask, text) => {
            // What is typed is never hidden, however small the screen.
            lines.truncate(height - 1);
            lines.push(bar(&prompt(*ask, text), width));
        }
        _ if parts.bar => lines.push(bar(texts::KEYS, width)),
        _ => {}
    }
    lines
}

fn line(
    view: &View,
    row: &Row,
    layout: &[(Column, usize)],
    selected: bool,
    theme: Theme,
) -> String {
    let cells = cells(layout, row, &view.listing, &view.users);
    let mut out = String::new();
    for (i, (column, text)) in cells.iter().enumerate() {
        out.push_str(if i == 0 { "" } else { " " });
        match weight(*column, row) {
            Some(alarm) if !selected => out.push_str(&paint(theme.loud(alarm), text)),
            _ => out.push_str(text),
        }
    }
    if selected { paint(BAR, &out) } else { out }
}

/// How many there are, and how many are in trouble.
fn summary(view: &View, theme: Theme) -> String {
    let Some(rows) = view.all_rows() else {
        return format!("{}  looking ...", paint(HEAD, "sunpath top"));
    };
    let (mut listening, mut full, mut hung, mut stopped, mut unread) = (0, 0, 0, 0, 0);
    for row in rows {
        listening += usize::from(row.backlog.is_some());
        full += usize::from(row.backlog.is_some_and(|b| b.is_full()));
        hung += usize::from(row.status >= Status::Hung);
        stopped += usize::from(row.stopped && row.status != Status::Well);
        unread += usize::from(row.status == Status::Waits);
    }
    let name = paint(HEAD, "sunpath top");
    let mut text = format!("{name}  {}, {listening} listening", count(rows.len(), "socket"));
    let trouble = [
        (full, "full", true),
        (hung, "hung", true),
        (stopped, "stopped", true),
        (unread, "with unread bytes", false),
    ];
    for (count, what, alarm) in trouble.into_iter().filter(|(count, ..)| *count > 0) {
        text.push_str(", ");
        text.push_str(&paint(theme.loud(alarm), &format!("{count} {what}")));
    }
    text
}

/// What is shown of them, and what could not be seen.
fn remarks(view: &View, theme: Theme) -> String {
    let mut parts = vec![if view.paused {
        "paused".to_string()
    } else {
        format!("every {}", time(view.delay))
    }];
    parts.push(format!("by {}{}", view.sort.0.name(), if view.sort.1 { ", reversed" } else { "" }));
    if !view.filter.is_empty() {
        parts.push(format!("with \"{}\"", escape(view.filter.as_bytes())));
    }
    if !view.user.is_empty() {
        parts.push(format!("of user {}", escape(view.user.as_bytes())));
    }
    if view.listeners {
        parts.push("listeners".into());
    }
    if view.all_rows().is_some_and(|rows| rows.len() != view.count()) {
        parts.push(format!("{} shown", view.count()));
    }
    if view.all {
        parts.push(format!("{} network namespaces", view.listing.namespaces.len()));
    }
    let mut text = parts.join(", ");
    let hidden = match view.listing.closed_processes {
        _ if view.all_rows().is_none() => return text,
        _ if view.listing.all_sockets.unseen().is_some() => "not every socket can be seen".into(),
        0 => return text,
        1 => "1 process cannot be looked into".into(),
        n => format!("{n} processes cannot be looked into"),
    };
    text.push_str("; ");
    text.push_str(&paint(theme.loud(false), &hidden));
    text
}

/// All of what the list cuts or leaves out: the name, the processes, the peer.
fn details(view: &View, row: &Row) -> Vec<String> {
    let Some(socket) = view.listing.socket(row.inode) else { return Vec::new() };
    let mut first = format!("{} {}, inode {}", row.kind.name(), row.stage.name(), row.inode);
    if view.several_namespaces() {
        first.push_str(&format!(", network namespace {}", namespace(row)));
    }
    if row.name.is_some() {
        first = format!("{}  {first}", shown_name(row));
    }
    let mut second = String::from("held by ");
    holders(&mut second, &view.listing, socket, 4);
    if socket.peer.is_some() {
        second.push_str(", peer ");
        peer(&mut second, &view.listing, socket, 2);
    }
    if row.queued > 0 && row.backlog.is_some() {
        let unmoved = time(row.unmoved);
        second.push_str(&format!(", {} in the queue, unmoved for {unmoved}", row.queued));
    }
    vec![first, second]
}

fn prompt(ask: Ask, text: &str) -> String {
    let text = escape(text.as_bytes());
    match ask {
        Ask::Search => format!("Search: {text}_   F3 Next  Enter Done"),
        Ask::Filter => format!("Filter: {text}_   Enter Done  Esc All"),
        Ask::User => format!("User: {text}_   Enter Done  Esc All"),
        Ask::Delay => format!("Seconds between looks (0.1 to 3600): {text}_"),
    }
}

/// A line in inverse video, as wide as the screen.
fn bar(text: &str, width: usize) -> String {
    paint(BAR, &pad(&clip(text, width), width))
}

/// As much of a text with styles as there is room for.
fn clip(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.into();
    }
    let mut out = String::new();
    let (mut taken, mut rest) = (0, text);
    while let Some(c) = rest.chars().next() {
        if let Some(end) = rest.strip_prefix("\x1b[").and_then(|style| style.find('m')) {
            let (style, after) = rest.split_at(end + 3);
            out.push_str(style);
            rest = after;
            continue;
        }
        taken += unicode_width::UnicodeWidthChar::width(c).unwrap_or(0);
        if taken > width {
            break;
        }
        out.push(c);
        rest = &rest[c.len_utf8()..];
    }
    out.push_str("\x1b[0m");
    out
}
