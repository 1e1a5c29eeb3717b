//! Anything at all: no call with any arguments, on any system, makes the model stumble, and every
//! cause that it fails for shows something there.

use std::collections::BTreeSet;
use std::time::Duration;
use sunpath_core::Address;
use sunpath_core::model::{Credentials, Step, TaskId, World};
use sunpath_core::op::*;
use sunpath_core::profile::{Profile, linux};

/// Numbers that follow from a seed.
pub struct Chance(pub u64);

impl Chance {
    pub fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % n as u64) as usize
    }
}

/// Arguments by chance.
struct Any(Chance);

const PATHS: &[&str] = &[
    "/tmp/a",
    "/tmp/b",
    "/tmp/d/s",
    "/tmp/d",
    "b",
    "../tmp/a",
    "/tmp/link",
    "/nowhere/x",
    "/dev/null",
    "/",
    ".",
    "",
    "/tmp/a/b",
    "/tmp/a\n",
];

impl Any {
    fn of<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.0.below(choices.len())].clone()
    }

    fn once_in(&mut self, n: usize) -> bool {
        self.0.below(n) == 0
    }

    fn fd(&mut self) -> Fd {
        match self.0.below(24) {
            0 => self.of(&[-1, i32::MIN, i32::MAX, 99]),
            _ => self.0.below(14) as Fd,
        }
    }

    fn number(&mut self) -> i32 {
        self.of(&[0, 1, 1, 2, 3, 10, 100, 4096, -1, i32::MAX, i32::MIN])
    }

    fn path(&mut self) -> Vec<u8> {
        match self.0.below(20) {
            0 => vec![b'x'; self.of(&[103, 104, 107, 108, 109, 300])],
            _ => self.of(PATHS).as_bytes().to_vec(),
        }
    }

    fn name(&mut self) -> Name {
        match self.0.below(16) {
            0 => Name::Sized(self.number()),
            1 => Name::Unmapped,
            2 => Name::Foreign(self.family()),
            3 => Name::Inet { host: self.host(), port: self.of(&[0, 80, 5000]) },
            4 => Name::Unix(Address::Unnamed),
            5..=7 => Name::Unix(Address::Abstract(self.of(&["", "x", "x\0"]).as_bytes().to_vec())),
            _ => Name::Unix(Address::Path(self.path())),
        }
    }

    fn host(&mut self) -> [u8; 4] {
        self.of(&[[127, 0, 0, 1], [0; 4], [192, 0, 2, 1], [127, 255, 255, 255], [224, 0, 0, 1]])
    }

    fn family(&mut self) -> Family {
        let other = Family::Other(self.number());
        self.of(&[Family::Unspecified, Family::Unix, Family::Inet, Family::Inet6, other])
    }

    fn new_socket(&mut self) -> New {
        let kind = self.of(&[Kind::Stream, Kind::Datagram, Kind::SeqPacket]);
        let usual = New::unix(kind);
        match self.0.below(8) {
            0 => New { family: self.family(), ..usual },
            1 => {
                New { kind: self.of(&[Kind::Raw, Kind::Other(4), Kind::Other(i32::MIN)]), ..usual }
            }
            2 => New { protocol: self.number(), ..usual },
            3 => New { flags: self.flags(), unmapped: self.once_in(2), ..usual },
            4 => New { family: Family::Inet, ..usual },
            _ => usual,
        }
    }

    fn flags(&mut self) -> NewFlags {
        let [nonblocking, close_on_exec] = [self.once_in(2), self.once_in(2)];
        NewFlags { nonblocking, close_on_exec, unknown: self.once_in(8) }
    }

    fn out(&mut self) -> Out {
        self.of(&[Out::Room, Out::Room, Out::Null, Out::Unmapped, Out::NegativeLength])
    }

    fn length(&mut self) -> usize {
        self.of(&[0, 1, 1, 3, 64, 5000, 70_000, 250_000])
    }

    fn message(&mut self) -> Message {
        let length = self.length();
        let mut message = Message::new(self.fd(), vec![b'x'; length]);
        message.to = self.once_in(3).then(|| self.name());
        message.unmapped = self.once_in(20);
        message.buffers = self.of(&[1, 1, 1, 0, 1024, 1025]);
        message.flags = SendFlags {
            dont_wait: self.once_in(2),
            no_signal: self.once_in(2),
            urgent: self.once_in(8),
            end_of_record: self.once_in(4),
        };
        if self.once_in(3) {
            message.control = (0..self.0.below(3)).map(|_| self.control()).collect();
        }
        message
    }

    fn control(&mut self) -> Control {
        match self.0.below(9) {
            0..=2 => Control::Rights((0..self.0.below(4)).map(|_| self.fd()).collect()),
            3 => Control::Rights(vec![0; self.of(&[253, 254, 600])]),
            4 => Control::Credentials(Ids { pid: self.of(&[100, 101, 1, -1]), uid: 0, gid: 0 }),
            5 => Control::MalformedCredentials,
            6 => self.of(&[Control::Malformed, Control::UnknownType]),
            7 => Control::ForeignLevel,
            _ => Control::Filler(self.of(&[0, 100, 200_000, usize::MAX])),
        }
    }

    fn want(&mut self) -> Want {
        Want {
            unmapped: self.once_in(20),
            buffers: self.of(&[1, 1, 1025]),
            control: self.of(&[0, 16, 24, 64, 4096, usize::MAX]),
            flags: RecvFlags {
                dont_wait: self.once_in(2),
                peek: self.once_in(4),
                truncate: self.once_in(4),
                wait_all: self.once_in(8),
                urgent: self.once_in(8),
                close_on_exec: self.once_in(4),
            },
            ..Want::new(self.fd(), self.length())
        }
    }

    fn value(&mut self) -> Value {
        match self.0.below(8) {
            0 => Value::Time(self.of(&[None, Some(Duration::ZERO), Some(Duration::MAX)])),
            1 => Value::RawTime(self.of(&[0, -1, i64::MAX, i64::MIN]), self.of(&[0, -1, 1 << 40])),
            2 => self.of(&[Value::Short, Value::Unmapped, Value::Linger(Some(0))]),
            3 => Value::Filter { length: self.length(), drops: self.once_in(2) },
            _ => Value::Int(self.number()),
        }
    }

    fn socket_call(&mut self) -> Op {
        let fd = self.fd();
        match self.0.below(26) {
            0 | 1 => Op::Socket(self.new_socket()),
            2 => Op::Socketpair(self.new_socket()),
            3..=5 => Op::Bind { fd, name: self.name() },
            6 | 7 => Op::Listen { fd, backlog: self.number() },
            8 => Op::Accept { fd, flags: self.flags(), name: self.out() },
            9..=11 => Op::Connect { fd, name: self.name() },
            12..=14 => Op::Send(self.message()),
            15..=17 => Op::Recv(self.want()),
            18 => Op::Shutdown { fd, how: self.number() },
            19 => Op::Getsockname { fd, name: self.out() },
            20 => Op::Getpeername { fd, name: self.out() },
            21 => Op::Getsockopt { fd, level: self.level(), option: self.option() },
            22 | 23 => Op::Setsockopt {
                fd,
                level: self.level(),
                option: self.option(),
                value: self.value(),
            },
            24 => Op::Ioctl { fd, request: self.request() },
            _ => Op::Poll {
                fds: (0..self.0.below(4)).map(|_| (self.fd(), Events::ALL)).collect(),
                timeout: self.of(&[None, Some(Duration::ZERO), Some(Duration::MAX)]),
            },
        }
    }

    fn level(&mut self) -> Level {
        self.of(&[Level::Socket, Level::Socket, Level::Socket, Level::Local, Level::Other])
    }

    fn option(&mut self) -> Opt {
        if self.once_in(20) { Opt::Unknown } else { self.of(Opt::ALL) }
    }

    fn request(&mut self) -> Request {
        use Request::*;
        self.of(&[Inq, Outq, AtMark, File, Arp, Unknown])
    }

    fn file_call(&mut self) -> FileOp {
        let path = self.path();
        let mode = self.of(&[0, 0o777, 0o600, 0o1777, u32::MAX]);
        match self.0.below(16) {
            0 => FileOp::Open { path },
            1 => FileOp::OpenPath { path },
            2 => FileOp::Create { path, mode },
            3 | 4 => FileOp::Mkdir { path, mode },
            5 => FileOp::Mkfifo { path, mode },
            6 => FileOp::Symlink { target: self.path(), path },
            7 => FileOp::Link { from: self.path(), to: path },
            8 => FileOp::Rename { from: self.path(), to: path },
            9 | 10 => FileOp::Unlink { path },
            11 => FileOp::Rmdir { path },
            12 => FileOp::Chmod { path, mode },
            13 => FileOp::Chown { path, uid: 1000, gid: 1000 },
            14 => FileOp::Chdir { path },
            _ => FileOp::Fchmod { fd: self.fd(), mode },
        }
    }

    fn process_call(&mut self, tasks: u32) -> ProcessOp {
        let ids = [0, 1000, u32::MAX];
        match self.0.below(9) {
            0 => ProcessOp::Fork,
            1 => ProcessOp::Thread,
            2 => ProcessOp::Exit,
            3 => ProcessOp::Become { uid: 1000, gid: self.of(&ids), groups: vec![self.of(&ids)] },
            4 => ProcessOp::SetEffective { uid: self.of(&ids), gid: self.of(&ids) },
            5 => ProcessOp::LimitDescriptors { limit: self.of(&[0, 4, 9, 14, 1024, u32::MAX]) },
            6 => ProcessOp::UnshareNet,
            7 => ProcessOp::JoinNet { of: self.0.below(tasks as usize + 1) as u32 },
            _ => ProcessOp::Getpid,
        }
    }

    fn call(&mut self, tasks: u32) -> Op {
        match self.0.below(20) {
            0 => Op::Process(self.process_call(tasks)),
            1 | 2 => Op::File(self.file_call()),
            3 => Op::Close { fd: self.fd() },
            4 => Op::Dup { fd: self.fd() },
            5 => Op::Nonblocking { fd: self.fd(), on: self.once_in(2) },
            6 => Op::Lseek { fd: self.fd() },
            _ => self.socket_call(),
        }
    }

    fn setting(&mut self, tasks: u32) -> Setting {
        let task = self.0.below(tasks as usize + 1) as u32;
        let on = self.once_in(2);
        match self.0.below(12) {
            0 => Setting::Mount { at: self.path(), how: self.mount() },
            1 => Setting::Immutable { path: self.path(), on },
            2 => Setting::ProtectedSymlinks { on },
            3 => Setting::Member { uid: 1000, gid: 1000 },
            4 => Setting::Restrict { task, how: self.restriction() },
            5 => Setting::Stop { task, on },
            6 => Setting::Busy { task, fd: self.fd(), on },
            7 => Setting::KernelMemory { allocations: self.of(&[None, None, Some(3)]) },
            8 => Setting::SystemLimit { files: self.of(&[8, 100, u32::MAX]) },
            9 => Setting::Internet(Internet::Destroy { task, fd: self.fd() }),
            10 => {
                use Manner::*;
                let manner = self.of(&[Accepts, Refuses, Resets, Silent, Unreachable]);
                Setting::Internet(Internet::Host { address: [192, 0, 2, 1], manner })
            }
            _ => {
                use Route::*;
                let leads = self.of(&[Hosts, Hosts, Broadcast, Unreachable, Prohibit, Blackhole]);
                let bits = self.of(&[0, 8, 24, 32, 255]);
                Setting::Internet(Internet::Route { to: self.host(), bits, leads })
            }
        }
    }

    fn mount(&mut self) -> Mount {
        let of = self.path();
        self.of(&[
            Mount::ReadOnly,
            Mount::Full,
            Mount::WithoutSockets,
            Mount::DeadFuse,
            Mount::View { of: of.clone() },
            Mount::Bind { of },
        ])
    }

    fn restriction(&mut self) -> Restriction {
        let path = self.path();
        self.of(&[
            Restriction::AbstractScope,
            Restriction::Denied { path: path.clone() },
            Restriction::Covered { path },
            Restriction::NoUnixSockets,
            Restriction::UserNamespace,
        ])
    }
}

/// One world of this many moves; gives the ids of the causes that were met.
fn live(profile: &Profile, seed: u64, moves: usize) -> BTreeSet<&'static str> {
    let mut any = Any(Chance(seed));
    let mut world = World::new(profile.clone());
    let mut free = vec![world.spawn(), world.spawn_as(Credentials::user(1000, 1000))];
    let mut met = BTreeSet::new();
    let mut tasks = 2;
    for _ in 0..moves {
        if any.once_in(40) {
            let _ = world.set(&any.setting(tasks));
            continue;
        }
        if any.once_in(30) {
            world.advance(Duration::from_secs(any.0.below(1000) as u64));
        }
        let waiting: Vec<_> = world.runnable().chain(world.blocked()).collect();
        if !waiting.is_empty() && (any.once_in(3) || free.is_empty()) {
            let task = any.of(&waiting);
            if any.once_in(4) {
                world.interrupt(task);
            }
            let step = world.resume(task);
            met.extend(step.cause().map(|c| c.id));
            if !matches!(step, Step::Blocked(_)) {
                free.push(task);
            }
            continue;
        }
        if free.is_empty() {
            break;
        }
        let place = any.0.below(free.len());
        let task = free[place];
        let op = any.call(tasks);
        let step = world.step(task, &op);
        met.extend(step.cause().map(|c| c.id));
        match (&op, &step) {
            (Op::Process(ProcessOp::Exit), _) => free.retain(|other| world.is_alive(*other)),
            (_, Step::Blocked(_)) => drop(free.swap_remove(place)),
            (_, Step::Done(Ret::Task(new))) => {
                free.push(TaskId(*new));
                tasks += 1;
            }
            _ => {}
        }
    }
    met
}

#[test]
fn nothing_makes_the_model_stumble() {
    let systems: Vec<_> = Profile::ALL.iter().cloned().chain([linux(5, 10), linux(6, 6)]).collect();
    for profile in &systems {
        let mut met = BTreeSet::new();
        for seed in 0..60 {
            met.extend(live(profile, seed, 600));
        }
        assert!(met.len() > 80, "{}: only {} causes were met", profile.platform, met.len());
    }
}

#[test]
fn the_same_chance_gives_the_same_world() {
    for profile in Profile::ALL {
        assert_eq!(live(profile, 7, 2000), live(profile, 7, 2000));
    }
}
