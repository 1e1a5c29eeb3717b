//! Random programs of several tasks whose calls often wait.

use super::super::dice::Dice;
use super::fair::PIECE;
use super::pair::{Halt, Pair};
use super::program::{Act, act};
use std::time::Duration;
use sunpath::SocketType;
use sunpath::model::TaskId;
use sunpath::op::{
    Events, Fd, Kind, Level, Message, Name, New, NewFlags, Op, Opt, Out, ProcessOp, Ret, Value,
    Want,
};

/// A limit that runs out while the program is at it, in the next act.
const SHORT: Duration = Duration::from_millis(12);
/// One that never does.
const LONG: Duration = Duration::from_secs(5000);

/// The most tasks of a program.
const TASKS: usize = 5;

/// A socket, as a process knows it.
#[derive(Debug, Clone, Copy)]
struct Known {
    fd: Fd,
    kind: SocketType,
    listens: bool,
}

/// Makes a program up as it goes.
pub struct Generator<'p, 'h> {
    pair: &'p mut Pair<'h>,
    dice: Dice,
    /// What was done.
    pub acts: Vec<Act>,
    /// The sockets of each process.
    tables: Vec<Vec<Known>>,
    /// The process of each task.
    tasks: Vec<usize>,
    /// The names that something is bound to.
    places: Vec<(Name, SocketType)>,
    sent: u8,
}

impl<'p, 'h> Generator<'p, 'h> {
    /// Nothing was done so far.
    pub fn new(pair: &'p mut Pair<'h>, dice: Dice) -> Generator<'p, 'h> {
        let (tables, tasks) = (vec![Vec::new()], vec![0]);
        Generator { pair, dice, acts: Vec::new(), tables, tasks, places: Vec::new(), sent: 0 }
    }

    /// Sets a scene up and does this many things in it.
    pub fn play(&mut self, length: usize) -> Result<(), Halt> {
        self.scene()?;
        for _ in 0..length {
            self.something()?;
        }
        Ok(())
    }

    /// Sockets in a state that is worth waiting in, and tasks that have them.
    pub fn scene(&mut self) -> Result<(), Halt> {
        for _ in 0..=self.dice.below(2) {
            match self.dice.below(5) {
                0 | 1 => self.pair_of_sockets()?,
                2 | 3 => self.listener()?,
                _ => self.receiver()?,
            }
        }
        if self.dice.once_in(2) {
            self.call(0, Op::Process(ProcessOp::Fork))?;
        }
        while self.tasks.len() < 3 + self.dice.below(TASKS - 2) {
            let task = self.dice.below(self.tasks.len()) as u32;
            self.call(task, Op::Process(ProcessOp::Thread))?;
        }
        Ok(())
    }

    fn kind(&mut self) -> SocketType {
        *self.dice.pick(&[SocketType::Stream, SocketType::Datagram, SocketType::SeqPacket])
    }

    /// Short programs for the first so many tasks.
    pub fn programs(&mut self, tasks: usize) -> Vec<(TaskId, Vec<Op>)> {
        let tasks = 0..tasks.min(self.tasks.len()) as u32;
        let mut programs = Vec::new();
        for task in tasks {
            let mut calls = Vec::new();
            for _ in 0..1 + self.dice.below(3) {
                if let Some(socket) = self.some_socket(task) {
                    calls.push(match self.dice.below(3) {
                        0 => self.waiting_call(socket),
                        _ => self.some_call(socket, false),
                    });
                }
            }
            programs.push((TaskId(task), calls));
        }
        programs
    }

    fn pair_of_sockets(&mut self) -> Result<(), Halt> {
        let kind = self.kind();
        self.call(0, Op::Socketpair(New::unix(kind.into())))?;
        for Known { fd, .. } in self.tables[0].clone().into_iter().rev().take(2) {
            if self.dice.once_in(2) {
                self.small_buffer(fd)?;
            }
        }
        Ok(())
    }

    /// The smallest send buffer that there is, often full.
    fn small_buffer(&mut self, fd: Fd) -> Result<(), Halt> {
        let (level, option, value) = (Level::Socket, Opt::SndBuf, Value::Int(0));
        self.call(0, Op::Setsockopt { fd, level, option, value })?;
        for _ in 0..self.dice.below(5) {
            let message = self.message(fd, PIECE);
            self.call(0, Op::Send(message.dont_wait()))?;
        }
        Ok(())
    }

    fn listener(&mut self) -> Result<(), Halt> {
        let kind = *self.dice.pick(&[SocketType::Stream, SocketType::SeqPacket]);
        let Some((fd, name)) = self.bound(kind)? else { return Ok(()) };
        let backlog = self.dice.below(3) as i32;
        self.call(0, Op::Listen { fd, backlog })?;
        let clients = 1 + self.dice.below(4) as i32;
        for client in 0..clients {
            let Some(fd) = self.socket(kind)? else { continue };
            if client < backlog + 1 && !self.dice.once_in(3) {
                self.call(0, Op::Connect { fd, name: name.clone() })?;
            }
        }
        Ok(())
    }

    /// A datagram socket with senders, who have often filled its queue.
    fn receiver(&mut self) -> Result<(), Halt> {
        let Some((_, name)) = self.bound(SocketType::Datagram)? else { return Ok(()) };
        let full = self.dice.once_in(2);
        for sender in 0..2 {
            let Some(fd) = self.socket(SocketType::Datagram)? else { continue };
            self.call(0, Op::Connect { fd, name: name.clone() })?;
            for _ in 0..if full && sender == 0 { 11 } else { self.dice.below(3) } {
                let message = self.message(fd, 1);
                self.call(0, Op::Send(message.dont_wait()))?;
            }
        }
        Ok(())
    }

    fn socket(&mut self, kind: SocketType) -> Result<Option<Fd>, Halt> {
        self.call(0, Op::Socket(New::unix(kind.into())))?;
        Ok(self.tables[0].last().map(|known| known.fd))
    }

    fn bound(&mut self, kind: SocketType) -> Result<Option<(Fd, Name)>, Halt> {
        let Some(fd) = self.socket(kind)? else { return Ok(None) };
        let name: Name = format!("s{}", self.places.len()).as_str().into();
        self.call(0, Op::Bind { fd, name: name.clone() })?;
        self.places.push((name.clone(), kind));
        Ok(Some((fd, name)))
    }

    fn message(&mut self, fd: Fd, length: usize) -> Message {
        self.sent = self.sent.wrapping_add(1);
        Message::new(fd, vec![b'a' + self.sent % 26; length])
    }

    /// Does something; whether it could be done.
    fn call(&mut self, task: u32, op: Op) -> Result<bool, Halt> {
        self.act(Act::Call(task, op))
    }

    fn act(&mut self, act_: Act) -> Result<bool, Halt> {
        self.acts.push(act_);
        let done = self.acts.last().map_or(Ok(false), |last| act(self.pair, last))?;
        if !done {
            self.acts.pop();
        }
        for (task, op, outcome) in std::mem::take(&mut self.pair.ended) {
            if let sunpath::trace::Outcome::Done(ret) = outcome {
                self.note(task, &op, &ret);
            }
        }
        Ok(done)
    }

    /// Keeps account of descriptors and tasks.
    fn note(&mut self, task: u32, op: &Op, ret: &Ret) {
        let process = self.tasks[task as usize];
        let kind_of = |fd: Fd, table: &[Known]| table.iter().find(|k| k.fd == fd).map(|k| k.kind);
        let known = |fd, kind| Known { fd, kind, listens: false };
        match (op, ret) {
            (Op::Process(ProcessOp::Fork), _) => {
                self.tables.push(self.tables[process].clone());
                self.tasks.push(self.tables.len() - 1);
            }
            (Op::Process(ProcessOp::Thread), _) => self.tasks.push(process),
            (Op::Socket(new) | Op::Socketpair(new), ret) => {
                let kind = match new.kind {
                    Kind::Stream => SocketType::Stream,
                    Kind::SeqPacket => SocketType::SeqPacket,
                    _ => SocketType::Datagram,
                };
                let fds = match ret {
                    Ret::Fd(fd) => vec![*fd],
                    Ret::Pair(a, b) => vec![*a, *b],
                    _ => vec![],
                };
                self.tables[process].extend(fds.into_iter().map(|fd| known(fd, kind)));
            }
            (Op::Accept { fd, .. }, Ret::Accepted { fd: new, .. })
            | (Op::Dup { fd }, Ret::Fd(new)) => {
                let kind = kind_of(*fd, &self.tables[process]).unwrap_or(SocketType::Stream);
                self.tables[process].push(known(*new, kind));
            }
            (Op::Listen { fd, .. }, _) => {
                let mut table = self.tables[process].iter_mut();
                if let Some(known) = table.find(|k| k.fd == *fd) {
                    known.listens = true;
                }
            }
            (Op::Close { fd }, _) => self.tables[process].retain(|known| known.fd != *fd),
            _ => {}
        }
    }

    /// One thing that a task does, or that happens to it.
    fn something(&mut self) -> Result<(), Halt> {
        let tasks = 0..self.tasks.len() as u32;
        let idle: Vec<u32> = tasks.filter(|task| self.pair.is_idle(*task)).collect();
        let waiting: Vec<u32> = self.pair.waiting.keys().copied().collect();
        let unlikely = if idle.is_empty() { 1 } else { 12 };
        if !waiting.is_empty() && self.dice.once_in(unlikely) {
            let task = *self.dice.pick(&waiting);
            self.act(Act::Interrupt(task))?;
            return Ok(());
        }
        let Some(task) = self.dice.some(&idle).copied() else { return Ok(()) };
        let Some(socket) = self.some_socket(task) else { return Ok(()) };
        if self.dice.once_in(12) {
            return self.with_limit(task, socket);
        }
        // The last one who can do something had better not wait.
        let hasty = idle.len() == 1 && !self.dice.once_in(4);
        let op = self.some_call(socket, hasty);
        self.call(task, op).map(drop)
    }

    fn some_socket(&mut self, task: u32) -> Option<Known> {
        let table = &self.tables[self.tasks[task as usize]];
        self.dice.some(table).copied()
    }

    /// A call with a time limit.
    fn with_limit(&mut self, task: u32, socket: Known) -> Result<(), Halt> {
        let time = if self.dice.once_in(3) { LONG } else { SHORT };
        let (fd, level) = (socket.fd, Level::Socket);
        let set = |option, limit| Op::Setsockopt { fd, level, option, value: Value::Time(limit) };
        let op = self.waiting_call(socket);
        let option = match &op {
            Op::Recv(_) | Op::Accept { .. } => Opt::RcvTimeo,
            _ => Opt::SndTimeo,
        };
        if let Op::Poll { fds, .. } = op {
            self.call(task, Op::Poll { fds, timeout: Some(time) })?;
        } else {
            self.call(task, set(option, Some(time)))?;
            self.call(task, op)?;
        }
        if time == SHORT {
            self.act(Act::Advance(SHORT))?;
            self.call(task, set(option, None))?;
        }
        Ok(())
    }

    /// A call that is likely to wait.
    fn waiting_call(&mut self, socket: Known) -> Op {
        let Known { fd, listens, .. } = socket;
        let (flags, name) = (NewFlags::NONE, Out::Room);
        match self.dice.below(8) {
            _ if listens => Op::Accept { fd, flags, name },
            0..4 => self.recv(fd, false),
            4..6 => self.send(socket, false),
            6 => self.connect(fd),
            _ => self.poll(fd),
        }
    }

    fn some_call(&mut self, socket: Known, hasty: bool) -> Op {
        let Known { fd, kind, listens } = socket;
        let (level, flags, name) = (Level::Socket, NewFlags::NONE, Out::Room);
        match self.dice.below(24) {
            0..4 if listens => Op::Accept { fd, flags, name },
            0..7 => self.recv(fd, hasty),
            7..13 => self.send(socket, hasty),
            13 | 14 => self.connect(fd),
            15 => self.poll(fd),
            16 => Op::Shutdown { fd, how: self.dice.below(3) as i32 },
            17 => Op::Close { fd },
            18 if listens => Op::Listen { fd, backlog: self.dice.below(5) as i32 },
            18 | 19 => Op::Socket(New::unix(kind.into())),
            20 => {
                let value = Value::Int(self.dice.below(6) as i32);
                Op::Setsockopt { fd, level, option: Opt::RcvLowat, value }
            }
            21 => Op::Getsockopt { fd, level, option: Opt::Error },
            22 if self.dice.once_in(3) => Op::Nonblocking { fd, on: self.dice.once_in(2) },
            22 => Op::Dup { fd },
            _ if self.dice.once_in(3) => self.unlink(),
            _ => self.waiting_call(socket),
        }
    }

    fn unlink(&mut self) -> Op {
        let path = match self.dice.some(&self.places) {
            Some((Name::Unix(sunpath::Address::Path(path)), _)) => path.clone(),
            _ => b"s0".to_vec(),
        };
        Op::File(sunpath::op::FileOp::Unlink { path })
    }

    fn recv(&mut self, fd: Fd, hasty: bool) -> Op {
        let length = *self.dice.pick(&[1, 3, 64, 64, PIECE, 10_000]);
        let mut want = Want::new(fd, length);
        want.flags.dont_wait = hasty || self.dice.once_in(8);
        want.flags.peek = self.dice.once_in(10);
        want.flags.wait_all = self.dice.once_in(6);
        Op::Recv(want)
    }

    fn send(&mut self, socket: Known, hasty: bool) -> Op {
        let length = *self.dice.pick(&[1, 1, 2, 5, 100, PIECE, PIECE, 6000, 20_000]);
        let mut message = self.message(socket.fd, length);
        message.flags.dont_wait = hasty || self.dice.once_in(8);
        let named = socket.kind == SocketType::Datagram && self.dice.once_in(3);
        message.to = if named { self.place(socket.kind) } else { None };
        Op::Send(message)
    }

    fn connect(&mut self, fd: Fd) -> Op {
        let kind = self.kind();
        let name = self.place(kind).unwrap_or_else(|| "s0".into());
        Op::Connect { fd, name }
    }

    fn place(&mut self, kind: SocketType) -> Option<Name> {
        let fitting: Vec<_> = self.places.iter().filter(|place| place.1 == kind).collect();
        let one = self.dice.some(&fitting).copied().or(self.places.first());
        one.map(|place| place.0.clone())
    }

    fn poll(&mut self, fd: Fd) -> Op {
        let asked = [Events::IN, Events::OUT, Events::RDHUP, Events::NONE, Events::ALL];
        Op::Poll { fds: vec![(fd, *self.dice.pick(&asked))], timeout: None }
    }
}
