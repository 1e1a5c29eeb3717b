//! The view at work: threads that wait for keys, signals, looks and answers, and one that reacts.

use super::frame::{Division, Theme, frame, last_page};
use super::question::Question;
use super::row::rows;
use super::terminal::Terminal;
use super::texts;
use super::view::{Mode, View, Wish};
use super::waits::Waits;
use crate::exit::Exit;
use crate::failure::Told;
use crate::out::{self, Stop};
use crate::select::Filter;
use crossterm::event::{Event as Input, KeyEventKind};
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};
use sunpath::list::{Listing, Watch, What};

/// What happens.
enum Event {
    Input(Input),
    Signal(i32),
    Looked(Box<Listing>),
    Answered(Question, String),
    /// The keyboard is gone.
    Ended,
}

/// What the looker is to do: what to list, and which sockets are on the screen.
type Order = (What, Vec<u32>);

/// Shows the view until it is left.
pub fn run(mut view: View, filter: &Filter) -> Result<Exit, Stop> {
    let trouble =
        |error: io::Error| Stop::trouble(format!("cannot use the terminal: {}", error.told()));
    let (sender, events) = channel();
    let orders = looker(sender.clone());
    signals(sender.clone()).map_err(trouble)?;
    let mut terminal = Terminal::new().map_err(trouble)?;
    keyboard(sender.clone());
    let mut live = Live {
        terminal: &mut terminal,
        view: &mut view,
        filter,
        waits: Waits::default(),
        orders,
        sender,
        theme: Theme { colours: out::keeps_styles() },
        next: Some(Instant::now()),
        looking: false,
    };
    let done = live.turn(&events);
    drop(terminal);
    match done {
        Ok(None) => Ok(Exit::Success),
        Ok(Some(signal)) => {
            // Whoever waits for this process shall see how it ended.
            emulate_default_handler(signal).map_err(trouble)?;
            Ok(Exit::Interrupted)
        }
        // The terminal is gone, and with it whoever could be told.
        Err(_) => Ok(Exit::Success),
    }
}

struct Live<'a> {
    terminal: &'a mut Terminal,
    view: &'a mut View,
    filter: &'a Filter,
    waits: Waits,
    orders: Sender<Order>,
    sender: Sender<Event>,
    theme: Theme,
    /// When to look next; `None`: when it is asked for.
    next: Option<Instant>,
    /// A look is on its way.
    looking: bool,
}

impl Live<'_> {
    /// Goes on until the view is left, or a signal ends it.
    fn turn(&mut self, events: &Receiver<Event>) -> io::Result<Option<i32>> {
        loop {
            self.draw()?;
            let now = Instant::now();
            if !self.looking && self.next.is_some_and(|next| next <= now) {
                self.look(now);
            }
            let next = self.next.filter(|_| !self.looking);
            let time = next.map_or(Duration::from_secs(3600), |next| next - now);
            let mut event = match events.recv_timeout(time) {
                Ok(event) => Some(event),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return Ok(None),
            };
            // What came together is drawn once.
            while let Some(one) = event {
                match one {
                    Event::Ended => return Ok(None),
                    Event::Signal(SIGTSTP) => self.suspend()?,
                    Event::Signal(SIGCONT) => self.terminal.enter()?,
                    Event::Signal(signal) => return Ok(Some(signal)),
                    Event::Looked(listing) => self.looked(*listing),
                    Event::Answered(question, text) => self.view.answered(&question, text),
                    Event::Input(input) => {
                        if self.input(&input)? {
                            return Ok(None);
                        }
                    }
                }
                event = events.try_recv().ok();
            }
        }
    }

    fn look(&mut self, now: Instant) {
        let shown = self.view.on_screen().map(|row| row.inode).collect();
        let what = What { all_namespaces: self.view.all, ..What::default() };
        self.looking = self.orders.send((what, shown)).is_ok();
        self.next = Some(now + self.view.delay).filter(|_| !self.view.paused);
    }

    fn looked(&mut self, listing: Listing) {
        self.looking = false;
        let rows = rows(&listing, self.filter, &mut self.waits, Instant::now());
        self.view.looked(listing, rows);
    }

    /// A key, or another size; whether that is the end.
    fn input(&mut self, input: &Input) -> io::Result<bool> {
        let key = match input {
            Input::Key(key) if key.kind != KeyEventKind::Release => *key,
            Input::Resize(..) => {
                self.terminal.forget()?;
                return Ok(false);
            }
            _ => return Ok(false),
        };
        match self.view.key(key) {
            Wish::None => {}
            Wish::Quit => return Ok(true),
            Wish::Suspend => self.suspend()?,
            Wish::Redraw => self.terminal.forget()?,
            Wish::Look => self.next = Some(Instant::now()),
            Wish::Diagnose => self.diagnose(),
        }
        if self.view.paused {
            // A look that was asked for is still due.
            self.next = self.next.filter(|next| *next <= Instant::now());
        }
        Ok(false)
    }

    /// Asks in a thread of its own: queues are watched for half a second.
    fn diagnose(&self) {
        let Mode::Answer(question, ..) = &self.view.mode else { return };
        let (question, sender) = (question.clone(), self.sender.clone());
        let width = Terminal::size().0.clamp(40, 100);
        thread::spawn(move || {
            let text = question.answer(width);
            // Nobody waits for it any more.
            let _ = sender.send(Event::Answered(question, text));
        });
    }

    /// Stops as other programs do, and goes on where it was.
    fn suspend(&mut self) -> io::Result<()> {
        self.terminal.leave();
        emulate_default_handler(SIGTSTP)?;
        self.terminal.enter()
    }

    fn draw(&mut self) -> io::Result<()> {
        let (width, height) = Terminal::size();
        // One may page on past the end.
        match &mut self.view.mode {
            Mode::Help(from) => *from = (*from).min(last_page(texts::HELP, height)),
            Mode::Answer(_, answer, from) => {
                let last = answer.as_deref().map_or(0, |text| last_page(text, height));
                *from = (*from).min(last);
            }
            _ => {}
        }
        self.view.room(Division::of(height).list);
        self.terminal.draw(frame(self.view, width, height, self.theme))
    }
}

/// Looks when it is told to.
fn looker(sender: Sender<Event>) -> Sender<Order> {
    let (orders, todo) = channel::<Order>();
    thread::spawn(move || {
        let mut watch = Watch::new();
        for (what, shown) in todo {
            let listing = Box::new(watch.look(&what, &shown));
            if sender.send(Event::Looked(listing)).is_err() {
                return;
            }
        }
    });
    orders
}

fn keyboard(sender: Sender<Event>) {
    thread::spawn(move || {
        loop {
            let event = crossterm::event::read().map_or(Event::Ended, Event::Input);
            let ended = matches!(event, Event::Ended);
            if sender.send(event).is_err() || ended {
                return;
            }
        }
    });
}

fn signals(sender: Sender<Event>) -> io::Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT])?;
    thread::spawn(move || {
        for signal in &mut signals {
            if sender.send(Event::Signal(signal)).is_err() {
                return;
            }
        }
    });
    Ok(())
}
