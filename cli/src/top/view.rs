//! The state of the view: what keys and looks change, without a terminal and without a clock.
//!
//! ```text
//!                 F1              Enter
//!      Help ◄──────────  List  ──────────► Answer
//!           ──────────►   │ ▲ ◄──────────
//!              Esc        │ │      Esc
//!           / \ u s d F6   ▼ │   Enter, Esc
//!                Asking, Choosing
//! ```

use super::columns::namespace;
use super::question::Question;
use super::row::Row;
use super::sort::{By, sort};
use crate::args::seconds;
use crate::users::Users;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use std::borrow::Borrow;
use std::time::Duration;
use sunpath::list::Listing;
use sunpath::text::escape;

/// What a key asks for that the view cannot do itself.
#[derive(Debug, PartialEq, Eq)]
pub enum Wish {
    /// Nothing.
    None,
    /// The end.
    Quit,
    /// To stop, as with Ctrl-Z in other programs.
    Suspend,
    /// Another look, at once.
    Look,
    /// To draw everything again.
    Redraw,
    /// A diagnosis of the selected socket.
    Diagnose,
}

/// What is on the screen.
#[derive(Debug, PartialEq, Eq)]
pub enum Mode {
    /// The list.
    List,
    /// The list, and a line in which something is typed.
    Asking(Ask, String),
    /// The orders, of which one is pointed to.
    Choosing(By),
    /// The help, from this line on.
    Help(usize),
    /// A diagnosis, from this line on; `None` until it is there.
    Answer(Question, Option<String>, usize),
}

/// What is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// A text to go to.
    Search,
    /// A text without which sockets are not shown.
    Filter,
    /// A user whose sockets alone are shown.
    User,
    /// The time between two looks.
    Delay,
}

/// The state.
#[derive(Debug)]
pub struct View {
    /// What is on the screen.
    pub mode: Mode,
    /// The place of the selected one.
    pub cursor: usize,
    /// The place of the first one on the screen.
    pub first: usize,
    /// What they are sorted by, and whether the other way round.
    pub sort: (By, bool),
    /// Only sockets with this text.
    pub filter: String,
    /// Only those of users whose name begins so, or who have this number.
    pub user: String,
    /// The last text that was searched for.
    pub search: String,
    /// Only listeners.
    pub listeners: bool,
    /// Every network namespace.
    pub all: bool,
    /// No look until it is asked for.
    pub paused: bool,
    /// The time between two looks.
    pub delay: Duration,
    /// The names of users.
    pub users: Users,
    /// The last look, and all rows of it.
    pub listing: Listing,
    looked: Option<Vec<Row>>,
    /// The places of those that are shown, in their order.
    shown: Vec<usize>,
    /// The socket that the cursor follows; before it was moved it stays at the top.
    follows: Option<u32>,
    /// Rows that the screen has room for.
    page: usize,
}

impl View {
    /// Nothing was looked at yet.
    pub fn new(sort: (By, bool), delay: Duration, all: bool) -> View {
        View {
            mode: Mode::List,
            cursor: 0,
            first: 0,
            sort,
            filter: String::new(),
            user: String::new(),
            search: String::new(),
            listeners: false,
            all,
            paused: false,
            delay,
            users: Users::default(),
            listing: Listing::default(),
            looked: None,
            shown: Vec::new(),
            follows: None,
            page: 1,
        }
    }

    /// Takes a look in.
    pub fn looked(&mut self, listing: Listing, rows: Vec<Row>) {
        self.listing = listing;
        self.looked = Some(rows);
        self.arrange();
    }

    /// All sockets of the last look, shown or not; `None` before the first one.
    pub fn all_rows(&self) -> Option<&[Row]> {
        self.looked.as_deref()
    }

    /// Whether the last look was into more than one network namespace.
    pub fn several_namespaces(&self) -> bool {
        self.listing.namespaces.len() > 1
    }

    /// How many sockets are shown.
    pub fn count(&self) -> usize {
        self.shown.len()
    }

    /// The socket at a place of the list.
    pub fn row(&self, place: usize) -> Option<&Row> {
        self.looked.as_ref()?.get(*self.shown.get(place)?)
    }

    /// The selected socket.
    pub fn selected(&self) -> Option<&Row> {
        self.row(self.cursor)
    }

    /// The sockets on the screen.
    pub fn on_screen(&self) -> impl Iterator<Item = &Row> {
        (self.first..self.first + self.page).map_while(|place| self.row(place))
    }

    /// The screen has room for so many rows.
    pub fn room(&mut self, rows: usize) {
        self.page = rows.max(1);
        self.scroll();
    }

    /// A diagnosis is there. One that nobody waits for any more is dropped.
    pub fn answered(&mut self, question: &Question, text: String) {
        if let Mode::Answer(asked, answer, _) = &mut self.mode
            && asked == question
        {
            *answer = Some(text);
        }
    }

    /// Chooses and sorts the rows, and keeps the cursor on its socket. One that is gone leaves it
    /// where it was.
    fn arrange(&mut self) {
        let wanted = self.filter.to_lowercase();
        let is_shown = |row: &Row| {
            (!self.listeners || row.backlog.is_some())
                && (self.user.is_empty() || self.is_of(row, &self.user))
                && (wanted.is_empty() || self.text(row).contains(&wanted))
        };
        let rows = self.looked.as_deref().unwrap_or_default();
        let mut shown: Vec<Placed<'_>> =
            rows.iter().enumerate().filter(|(_, row)| is_shown(row)).map(Placed).collect();
        sort(&mut shown, self.sort.0, self.sort.1);
        self.shown = shown.iter().map(|Placed((place, _))| *place).collect();
        if let Some(inode) = self.follows {
            let mut rows = (0..self.count()).map(|place| self.row(place));
            match rows.position(|row| row.is_some_and(|row| row.inode == inode)) {
                Some(place) => self.cursor = place,
                None => self.go_to(self.cursor.cast_signed()),
            }
        } else {
            self.cursor = 0;
        }
        self.scroll();
    }

    /// What is searched: everything that the list shows of a socket in words.
    fn text(&self, row: &Row) -> String {
        let name = row.name.as_deref().map(|name| match name {
            [0, rest @ ..] => format!("@{}", escape(rest)),
            path => escape(path),
        });
        let user = row.uid.map(|uid| self.users.name(uid, |user| user.map(str::to_string)));
        let text = format!(
            "{} {} {} {} {} {} {} {}",
            name.unwrap_or_default(),
            row.process.as_deref().unwrap_or_default(),
            row.pid.map(|pid| pid.to_string()).unwrap_or_default(),
            user.flatten().unwrap_or_default(),
            row.kind.name(),
            row.stage.name(),
            row.status.word(row.stopped),
            if self.several_namespaces() { namespace(row) } else { String::new() },
        );
        text.to_lowercase()
    }

    /// Whether it belongs to the user.
    fn is_of(&self, row: &Row, user: &str) -> bool {
        let is = |name: Option<&str>| name.is_some_and(|name| name.starts_with(user));
        row.uid.is_some_and(|uid| uid.to_string() == user || self.users.name(uid, is))
    }

    /// Moves the cursor to a place, or the nearest that there is. At the top it stays there.
    fn go_to(&mut self, place: isize) {
        let last = self.count().saturating_sub(1);
        self.cursor = usize::try_from(place).unwrap_or_default().min(last);
        self.follows = self.selected().filter(|_| self.cursor > 0).map(|row| row.inode);
        self.scroll();
    }

    fn go_by(&mut self, by: isize) {
        self.go_to(self.cursor.cast_signed().saturating_add(by));
    }

    /// Keeps the cursor on the screen, and the screen full.
    fn scroll(&mut self) {
        let top = self.cursor.saturating_sub(self.page - 1);
        let last = self.count().saturating_sub(self.page);
        self.first = self.first.clamp(top, self.cursor).min(last.max(top));
    }

    /// Goes to the next socket with the text, in a circle.
    fn find(&mut self, from: usize) {
        let wanted = self.search.to_lowercase();
        let count = self.count();
        let fits = |place: &usize| {
            let row = self.row(*place);
            !wanted.is_empty() && row.is_some_and(|row| self.text(row).contains(&wanted))
        };
        if let Some(place) = (from..from + count).map(|place| place % count).find(fits) {
            self.go_to(place.cast_signed());
        }
    }

    fn sort_by(&mut self, by: By) {
        self.sort.0 = by;
        self.arrange();
    }

    /// A key was pressed.
    pub fn key(&mut self, key: KeyEvent) -> Wish {
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            match key.code {
                KeyCode::Char('c') => return Wish::Quit,
                KeyCode::Char('z') => return Wish::Suspend,
                KeyCode::Char('l') => return Wish::Redraw,
                _ => {}
            }
        }
        match std::mem::replace(&mut self.mode, Mode::List) {
            Mode::List => self.key_in_list(key),
            Mode::Asking(ask, text) => {
                self.key_in_asking(key, ask, text);
                Wish::None
            }
            Mode::Choosing(by) => {
                self.key_in_choosing(key, by);
                Wish::None
            }
            Mode::Help(from) => {
                let to = pages(key, from, self.page);
                self.mode = to.map_or(Mode::List, Mode::Help);
                Wish::None
            }
            Mode::Answer(question, answer, from) => {
                if key.code == KeyCode::Char('r') {
                    self.mode = Mode::Answer(question, None, 0);
                    return Wish::Diagnose;
                }
                if let Some(to) = pages(key, from, self.page) {
                    self.mode = Mode::Answer(question, answer, to);
                }
                Wish::None
            }
        }
    }

    fn key_in_list(&mut self, key: KeyEvent) -> Wish {
        let page = self.page.cast_signed();
        match key.code {
            KeyCode::Char('q' | 'Q') | KeyCode::F(10) => return Wish::Quit,
            KeyCode::Up | KeyCode::Char('k') => self.go_by(-1),
            KeyCode::Down | KeyCode::Char('j') => self.go_by(1),
            KeyCode::PageUp => self.go_by(-page),
            KeyCode::PageDown => self.go_by(page),
            KeyCode::Home | KeyCode::Char('g') => self.go_to(0),
            KeyCode::End | KeyCode::Char('G') => self.go_to(isize::MAX),
            KeyCode::Char('/') | KeyCode::F(3) => {
                self.mode = Mode::Asking(Ask::Search, String::new());
            }
            KeyCode::Char('n') => self.find(self.cursor + 1),
            KeyCode::Char('\\' | 'f') | KeyCode::F(4) => {
                self.mode = Mode::Asking(Ask::Filter, self.filter.clone());
            }
            KeyCode::Char('d' | 's') => self.mode = Mode::Asking(Ask::Delay, String::new()),
            KeyCode::Char('u') => self.mode = Mode::Asking(Ask::User, self.user.clone()),
            KeyCode::F(6) => self.mode = Mode::Choosing(self.sort.0),
            KeyCode::Char(letter @ ('P' | 'M' | 'T' | 'N')) => self.sort_by(match letter {
                'P' => By::Status,
                'M' => By::Queue,
                'T' => By::Wait,
                _ => By::Pid,
            }),
            KeyCode::Char('<' | ',') => self.sort_by(self.sort.0.step(-1)),
            KeyCode::Char('>' | '.') => self.sort_by(self.sort.0.step(1)),
            KeyCode::Char('r' | 'R' | 'I') => {
                self.sort.1 = !self.sort.1;
                self.arrange();
            }
            KeyCode::Char('l') => {
                self.listeners = !self.listeners;
                self.arrange();
            }
            KeyCode::Char('a') => {
                self.all = !self.all;
                return Wish::Look;
            }
            KeyCode::Char('p') => {
                self.paused = !self.paused;
                return if self.paused { Wish::None } else { Wish::Look };
            }
            KeyCode::Char(' ') => return Wish::Look,
            KeyCode::Char('h' | '?') | KeyCode::F(1) => self.mode = Mode::Help(0),
            KeyCode::Esc => {
                self.filter.clear();
                self.user.clear();
                self.arrange();
            }
            KeyCode::Enter => {
                if let Some(row) = self.selected() {
                    let question = Question::about(row, &self.listing);
                    self.mode = Mode::Answer(question, None, 0);
                    return Wish::Diagnose;
                }
            }
            _ => {}
        }
        Wish::None
    }

    fn key_in_asking(&mut self, key: KeyEvent, ask: Ask, mut text: String) {
        match key.code {
            KeyCode::Char(c) if !key.modifiers.contains(KeyModifiers::CONTROL) => text.push(c),
            KeyCode::Char('u') => text.clear(),
            KeyCode::Backspace | KeyCode::Char('h') => drop(text.pop()),
            KeyCode::Enter => {
                if ask == Ask::Delay {
                    self.delay = seconds(&text).unwrap_or(self.delay);
                }
                return;
            }
            KeyCode::Esc => {
                match ask {
                    Ask::Filter => self.filter.clear(),
                    Ask::User => self.user.clear(),
                    Ask::Search | Ask::Delay => return,
                }
                self.arrange();
                return;
            }
            // Further on with the same text.
            KeyCode::F(3) => {
                self.find(self.cursor + 1);
                self.mode = Mode::Asking(ask, text);
                return;
            }
            _ => {}
        }
        match ask {
            Ask::Search => {
                self.search.clone_from(&text);
                self.find(self.cursor);
            }
            Ask::Filter => {
                self.filter.clone_from(&text);
                self.arrange();
            }
            Ask::User => {
                self.user.clone_from(&text);
                self.arrange();
            }
            Ask::Delay => {}
        }
        self.mode = Mode::Asking(ask, text);
    }

    fn key_in_choosing(&mut self, key: KeyEvent, by: By) {
        match key.code {
            KeyCode::Up | KeyCode::Char('k') => self.mode = Mode::Choosing(by.step(-1)),
            KeyCode::Down | KeyCode::Char('j') | KeyCode::F(6) => {
                self.mode = Mode::Choosing(by.step(1));
            }
            KeyCode::Enter => self.sort_by(by),
            _ => {}
        }
    }
}

/// A row and its place among all.
struct Placed<'a>((usize, &'a Row));

impl Borrow<Row> for Placed<'_> {
    fn borrow(&self) -> &Row {
        self.0.1
    }
}

/// Where a text goes on after a key; `None`: it is closed.
fn pages(key: KeyEvent, from: usize, page: usize) -> Option<usize> {
    Some(match key.code {
        KeyCode::Esc | KeyCode::Enter | KeyCode::Left | KeyCode::F(1 | 10) => return None,
        KeyCode::Char('q' | 'h' | '?') => return None,
        KeyCode::Up | KeyCode::Char('k') => from.saturating_sub(1),
        KeyCode::Down | KeyCode::Char('j') => from.saturating_add(1),
        KeyCode::PageUp => from.saturating_sub(page),
        KeyCode::PageDown | KeyCode::Char(' ') => from.saturating_add(page),
        KeyCode::Home | KeyCode::Char('g') => 0,
        KeyCode::End | KeyCode::Char('G') => usize::MAX,
        _ => from,
    })
}

#[cfg(test)]
mod tests;
