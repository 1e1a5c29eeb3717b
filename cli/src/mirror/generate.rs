//! Random scripts. The generator plays with the model as it goes and remembers what each process
//! has, so that most calls make sense; some do not, on purpose.

mod arguments;
mod calls;
mod files;
mod messages;
mod stories;

use super::dice::Dice;
use super::script::{Expected, MOST_TASKS, Move, Play, Role};
use sunpath::SocketType;
use sunpath::op::{ControlOut, Fd, Name, Op, ProcessOp, Ret, Value};
use sunpath::profile::Machine;

/// The first of the ordinary users of scripts.
pub const FIRST_USER: u32 = 1000;

/// What is known of a descriptor.
#[derive(Debug, Clone)]
struct Known {
    fd: Fd,
    /// `None`: no socket, or nobody knows.
    kind: Option<SocketType>,
    listens: bool,
    connected: bool,
    bound: bool,
}

impl Known {
    fn new(fd: Fd, kind: Option<SocketType>) -> Known {
        Known { fd, kind, listens: false, connected: false, bound: false }
    }
}

/// A name that something was bound to.
#[derive(Debug, Clone)]
struct Place {
    name: Name,
    kind: SocketType,
    listens: bool,
}

/// Makes up a script.
pub struct Generator {
    dice: Dice,
    play: Play,
    /// What each process has, by the number of its first task.
    tables: Vec<Vec<Known>>,
    places: Vec<Place>,
    /// Who is at it.
    task: u32,
    /// Users, files anywhere and namespaces.
    privileged: bool,
    /// Rings can be made.
    rings: bool,
    /// How many messages were sent, by which they differ.
    sent: u8,
}

/// A script of about so many calls, and the model's play of it. The last calls look at everything
/// that is left.
pub fn generate(
    dice: Dice,
    length: usize,
    privileged: bool,
    own: Role,
    rings: bool,
    machine: &Machine,
) -> (Vec<Role>, Play) {
    let mut dice = dice;
    let cast = cast(&mut dice, privileged, own);
    let play = Play::new(&cast, machine);
    let tables = vec![Vec::new(); MOST_TASKS];
    let places = Vec::new();
    let mut generator =
        Generator { dice, play, tables, places, task: 0, privileged, rings, sent: 0 };
    while generator.play.lines.len() < length && !generator.play.is_over() && generator.go_on() {}
    if !generator.play.is_over() {
        generator.look_at_everything();
    }
    (cast, generator.play)
}

fn cast(dice: &mut Dice, privileged: bool, own: Role) -> Vec<Role> {
    let number = 1 + dice.below(3);
    let role = |dice: &mut Dice| match dice.below(4) {
        _ if !privileged => own,
        0 => own,
        other => Role::User(FIRST_USER + other as u32 - 1),
    };
    (0..number).map(|_| role(dice)).collect()
}

impl Generator {
    /// Makes the next few calls; whether anybody is left to make more.
    fn go_on(&mut self) -> bool {
        if self.dice.once_in(6) || !self.alive(self.task) {
            let all = 0..self.play.members.len() as u32;
            let alive: Vec<_> = all.filter(|task| self.alive(*task)).collect();
            let Some(task) = self.dice.some(&alive) else { return false };
            self.task = *task;
        }
        let before = self.play.lines.len();
        for _ in 0..20 {
            self.something();
            if self.play.lines.len() > before || self.play.is_over() {
                return true;
            }
        }
        false
    }

    fn alive(&self, task: u32) -> bool {
        self.play.members.get(task as usize).is_some_and(|member| !member.gone)
    }

    fn something(&mut self) {
        /// How often each is done, and what it is.
        type Choice = (u32, fn(&mut Generator));
        const CHOICES: &[Choice] = &[
            (9, Generator::new_socket),
            (8, Generator::bind),
            (5, Generator::listen),
            (7, Generator::connect),
            (7, Generator::accept),
            (22, Generator::send),
            (22, Generator::recv),
            (4, Generator::shut_down),
            (5, Generator::close),
            (2, Generator::dup),
            (2, Generator::nonblocking),
            (4, Generator::names),
            (6, Generator::getsockopt),
            (8, Generator::setsockopt),
            (7, Generator::ioctl),
            (7, Generator::poll),
            (1, Generator::seek),
            (8, Generator::file),
            (3, Generator::process),
            (3, Generator::serve),
            (4, Generator::visit),
            (2, Generator::links),
            (2, Generator::refuse_descriptors),
            (2, Generator::circle),
            (2, Generator::fill),
            (1, Generator::drain),
            (1, Generator::flood_with_descriptors),
        ];
        let choice = self.dice.weighted(CHOICES.iter().map(|(weight, _)| *weight));
        CHOICES[choice].1(self);
    }

    /// Makes a call, and remembers what it gave.
    fn make(&mut self, op: Op) -> Option<Expected> {
        if self.play.is_over() {
            return None;
        }
        let task = self.task;
        let expected = self.play.make(Move { task, op: op.clone() })?.clone();
        if let Expected::Done(ret) = &expected {
            self.remember(&op, ret);
        }
        Some(expected)
    }

    fn remember(&mut self, op: &Op, ret: &Ret) {
        let kind = op.fd().and_then(|fd| self.known(fd)).and_then(|known| known.kind);
        let mut new = Vec::new();
        match (op, ret) {
            (Op::Socket(of), Ret::Fd(fd)) => new.push(Known::new(*fd, arguments::kind(of.kind))),
            (Op::Socketpair(of), Ret::Pair(a, b)) => {
                for fd in [a, b] {
                    let kind = arguments::kind(of.kind);
                    new.push(Known { connected: true, ..Known::new(*fd, kind) });
                }
            }
            (Op::Accept { .. }, Ret::Accepted { fd, .. }) => {
                new.push(Known { connected: true, bound: true, ..Known::new(*fd, kind) });
            }
            (Op::Dup { fd }, Ret::Fd(copy)) => {
                let known = self.known(*fd).cloned().unwrap_or(Known::new(*copy, None));
                new.push(Known { fd: *copy, ..known });
            }
            (_, Ret::Fd(fd) | Ret::Value(Value::Fd(fd))) => new.push(Known::new(*fd, None)),
            (_, Ret::Received(received)) => {
                for item in &received.control {
                    match item {
                        // Which type they have, only the sender knows; most are sockets.
                        ControlOut::Rights(fds) => {
                            let kind = Some(*self.dice.pick(&arguments::TYPES));
                            new.extend(fds.iter().map(|fd| Known::new(*fd, kind)));
                        }
                        ControlOut::Pidfd(fd) => new.push(Known::new(*fd, None)),
                        _ => {}
                    }
                }
            }
            (Op::Close { fd }, _) => self.table().retain(|known| known.fd != *fd),
            (Op::Bind { fd, name }, _) => {
                self.change(*fd, |known| known.bound = true);
                if let Some(kind) = kind {
                    self.places.push(Place { name: name.clone(), kind, listens: false });
                }
            }
            (Op::Getsockname { .. } | Op::Getpeername { .. }, Ret::Name(address)) => {
                if let Some(kind) = kind
                    && *address != sunpath::Address::Unnamed
                {
                    let name = Name::Unix(address.clone());
                    self.places.push(Place { name, kind, listens: false });
                }
            }
            (Op::Listen { fd, .. }, _) => self.change(*fd, |known| known.listens = true),
            (Op::Connect { fd, .. }, _) => self.change(*fd, |known| known.connected = true),
            (Op::Process(ProcessOp::Fork), Ret::Task(child)) => {
                self.tables[*child as usize] = self.table().clone();
            }
            _ => {}
        }
        self.table().extend(new);
    }

    /// The process that is at it.
    fn who(&self) -> usize {
        self.play.members[self.task as usize].process
    }

    fn table(&mut self) -> &mut Vec<Known> {
        let who = self.who();
        &mut self.tables[who]
    }

    fn known(&self, fd: Fd) -> Option<&Known> {
        self.tables[self.who()].iter().find(|known| known.fd == fd)
    }

    fn change(&mut self, fd: Fd, change: impl FnOnce(&mut Known)) {
        if let Some(known) = self.table().iter_mut().find(|known| known.fd == fd) {
            change(known);
        }
    }
}
