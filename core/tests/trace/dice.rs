//! Calls, results and settings by chance: everything that can be written.

#[path = "../dice/roll.rs"]
#[macro_use]
mod roll;

pub use roll::{Dice, Roll};
use std::time::Duration;
use sunpath_core::model::{Caps, Credentials};
use sunpath_core::op::*;
use sunpath_core::{Address, Errno, SocketType};

impl Dice<'_> {
    fn some<T: Roll>(&mut self) -> Vec<T> {
        (0..self.below(4)).map(|_| self.roll()).collect()
    }
}

macro_rules! numbers {
    ($($type:ty),*) => {$(
        impl Roll for $type {
            fn roll(dice: &mut Dice<'_>) -> Self {
                dice.of(&[0, 1, 2, 3, 7, 64, 100, <$type>::MAX, <$type>::MIN])
            }
        }
    )*};
}
numbers!(u8, u16, u32, usize, i32, i64);

choices! {
    bool: false, true;
    Level: Level::Socket, Level::Local, Level::Other;
    Request: Request::Inq, Request::Outq, Request::AtMark, Request::File, Request::Arp,
        Request::Unknown;
    Out: Out::Room, Out::Null, Out::Unmapped, Out::NegativeLength;
    SocketType: SocketType::Stream, SocketType::Datagram, SocketType::SeqPacket, SocketType::Tcp,
        SocketType::Udp;
    Route: Route::Hosts, Route::Broadcast, Route::Unreachable, Route::Prohibit, Route::Blackhole;
    Manner: Manner::Accepts, Manner::Refuses, Manner::Resets, Manner::Silent, Manner::Unreachable;
    Duration: Duration::ZERO, Duration::from_millis(200), Duration::from_secs(3),
        Duration::from_micros(1), Duration::from_nanos(1), Duration::MAX;
    Vec<u8>: b"app.sock".to_vec(), b"".to_vec(), b"a\"b\\c\n\t\r\0\x01\xff# = ".to_vec(),
        vec![b'x'; 120], [b"head".as_slice(), &[0; 4096], b"aaaaaaaaaaaaab"].concat(),
        "\u{e4}\u{202e}".as_bytes().to_vec(), b"unnamed".to_vec(), b"a-".to_vec();
}

impl Roll for Opt {
    fn roll(dice: &mut Dice<'_>) -> Self {
        let all = [Opt::ALL, &[Opt::Unknown]].concat();
        dice.of(&all)
    }
}

impl Roll for Errno {
    fn roll(dice: &mut Dice<'_>) -> Self {
        dice.of(Errno::ALL)
    }
}

impl Roll for Bytes {
    fn roll(dice: &mut Dice<'_>) -> Self {
        dice.roll::<Vec<u8>>().into()
    }
}

impl<T: Roll> Roll for Option<T> {
    fn roll(dice: &mut Dice<'_>) -> Self {
        if dice.roll() { Some(dice.roll()) } else { None }
    }
}

impl Roll for Address {
    fn roll(dice: &mut Dice<'_>) -> Self {
        match dice.below(3) {
            0 => Address::Path(dice.roll()),
            1 => Address::Abstract(dice.roll()),
            _ => Address::Unnamed,
        }
    }
}

impl Roll for Family {
    fn roll(dice: &mut Dice<'_>) -> Self {
        let number = dice.roll();
        dice.of(&[
            Family::Unix,
            Family::Unspecified,
            Family::Inet,
            Family::Inet6,
            Family::Other(number),
        ])
    }
}

impl Roll for Name {
    fn roll(dice: &mut Dice<'_>) -> Self {
        match dice.below(6) {
            0 | 1 => Name::Unix(dice.roll()),
            2 => Name::Foreign(dice.roll()),
            3 => Name::Sized(dice.roll()),
            4 => Name::Inet { host: [127, 0, dice.roll(), dice.roll()], port: dice.roll() },
            _ => Name::Unmapped,
        }
    }
}

impl Roll for Ids {
    fn roll(dice: &mut Dice<'_>) -> Self {
        Ids { pid: dice.roll(), uid: dice.roll(), gid: dice.roll() }
    }
}

impl Roll for Kind {
    fn roll(dice: &mut Dice<'_>) -> Self {
        let number = dice.roll();
        dice.of(&[Kind::Stream, Kind::Datagram, Kind::SeqPacket, Kind::Raw, Kind::Other(number)])
    }
}

impl Roll for NewFlags {
    fn roll(dice: &mut Dice<'_>) -> Self {
        NewFlags { nonblocking: dice.roll(), close_on_exec: dice.roll(), unknown: dice.roll() }
    }
}

impl Roll for New {
    fn roll(dice: &mut Dice<'_>) -> Self {
        New {
            family: dice.roll(),
            kind: dice.roll(),
            protocol: dice.roll(),
            flags: dice.roll(),
            unmapped: dice.roll(),
        }
    }
}

impl Roll for Control {
    fn roll(dice: &mut Dice<'_>) -> Self {
        match dice.below(7) {
            0 => Control::Rights(dice.some()),
            1 => Control::Credentials(dice.roll()),
            2 => Control::MalformedCredentials,
            3 => Control::Malformed,
            4 => Control::UnknownType,
            5 => Control::ForeignLevel,
            _ => Control::Filler(dice.roll()),
        }
    }
}

impl Roll for Message {
    fn roll(dice: &mut Dice<'_>) -> Self {
        Message {
            fd: dice.roll(),
            data: dice.roll(),
            buffers: dice.roll(),
            unmapped: dice.roll(),
            to: dice.roll(),
            control: dice.some(),
            flags: SendFlags {
                dont_wait: dice.roll(),
                no_signal: dice.roll(),
                urgent: dice.roll(),
                end_of_record: dice.roll(),
            },
        }
    }
}

impl Roll for Want {
    fn roll(dice: &mut Dice<'_>) -> Self {
        Want {
            fd: dice.roll(),
            length: dice.roll(),
            buffers: dice.roll(),
            unmapped: dice.roll(),
            control: dice.roll(),
            flags: RecvFlags {
                dont_wait: dice.roll(),
                peek: dice.roll(),
                truncate: dice.roll(),
                wait_all: dice.roll(),
                urgent: dice.roll(),
                close_on_exec: dice.roll(),
            },
        }
    }
}

impl Roll for Value {
    fn roll(dice: &mut Dice<'_>) -> Self {
        match dice.below(13) {
            0 => Value::Int(dice.roll()),
            1 => Value::Time(dice.roll()),
            2 => Value::RawTime(dice.roll(), dice.roll()),
            3 => Value::Error(dice.roll()),
            4 => Value::Type(dice.roll()),
            5 => Value::Peer(dice.roll()),
            6 => Value::Groups(dice.some()),
            7 => Value::Fd(dice.roll()),
            8 => Value::Name(dice.roll()),
            9 => Value::Linger(dice.roll()),
            10 => Value::Filter { length: dice.roll(), drops: dice.roll() },
            11 => Value::Short,
            _ => Value::Unmapped,
        }
    }
}

impl Roll for Events {
    fn roll(dice: &mut Dice<'_>) -> Self {
        let mut events = Events::NONE;
        for name in ["in", "pri", "out", "rdhup", "err", "hup", "nval"] {
            events |= Events::named(name).unwrap().when(dice.roll());
        }
        events
    }
}

impl Roll for (Fd, Events) {
    fn roll(dice: &mut Dice<'_>) -> Self {
        (dice.roll(), dice.roll())
    }
}

impl Roll for FileOp {
    fn roll(dice: &mut Dice<'_>) -> Self {
        match dice.below(17) {
            0 => FileOp::Open { path: dice.roll() },
            1 => FileOp::OpenPath { path: dice.roll() },
            2 => FileOp::Create { path: dice.roll(), mode: dice.roll() },
            3 => FileOp::Mkdir { path: dice.roll(), mode: dice.roll() },
            4 => FileOp::Mkfifo { path: dice.roll(), mode: dice.roll() },
            5 => FileOp::Symlink { target: dice.roll(), path: dice.roll() },
            6 => FileOp::Link { from: dice.roll(), to: dice.roll() },
            7 => FileOp::Rename { from: dice.roll(), to: dice.roll() },
            8 => FileOp::Unlink { path: dice.roll() },
            9 => FileOp::Rmdir { path: dice.roll() },
            10 => FileOp::Chmod { path: dice.roll(), mode: dice.roll() },
            11 => FileOp::Fchmod { fd: dice.roll(), mode: dice.roll() },
            12 => FileOp::Chown { path: dice.roll(), uid: dice.roll(), gid: dice.roll() },
            13 => FileOp::Lstat { path: dice.roll() },
            14 => FileOp::Chdir { path: dice.roll() },
            15 => FileOp::Ring,
            _ => FileOp::Umask { mask: dice.roll() },
        }
    }
}

impl Roll for ProcessOp {
    fn roll(dice: &mut Dice<'_>) -> Self {
        match dice.below(9) {
            0 => ProcessOp::Fork,
            1 => ProcessOp::Thread,
            2 => ProcessOp::Exit,
            3 => ProcessOp::Become { uid: dice.roll(), gid: dice.roll(), groups: dice.some() },
            4 => ProcessOp::SetEffective { uid: dice.roll(), gid: dice.roll() },
            5 => ProcessOp::LimitDescriptors { limit: dice.roll() },
            6 => ProcessOp::UnshareNet,
            7 => ProcessOp::JoinNet { of: dice.roll() },
            _ => ProcessOp::Getpid,
        }
    }
}

impl Roll for Op {
    fn roll(dice: &mut Dice<'_>) -> Self {
        let fd = dice.roll();
        match dice.below(21) {
            0 => Op::Send(dice.roll()),
            1 => Op::Recv(dice.roll()),
            2 => Op::Socket(dice.roll()),
            3 => Op::Socketpair(dice.roll()),
            4 => Op::Bind { fd, name: dice.roll() },
            5 => Op::Listen { fd, backlog: dice.roll() },
            6 => Op::Accept { fd, flags: dice.roll(), name: dice.roll() },
            7 => Op::Connect { fd, name: dice.roll() },
            8 => Op::Shutdown { fd, how: dice.roll() },
            9 => Op::Getsockname { fd, name: dice.roll() },
            10 => Op::Getpeername { fd, name: dice.roll() },
            11 => Op::Getsockopt { fd, level: dice.roll(), option: dice.roll() },
            12 => {
                let (level, option, value) = (dice.roll(), dice.roll(), dice.roll());
                Op::Setsockopt { fd, level, option, value }
            }
            13 => Op::Ioctl { fd, request: dice.roll() },
            14 => Op::Poll { fds: dice.some(), timeout: dice.roll() },
            15 => Op::Close { fd },
            16 => Op::Dup { fd },
            17 => Op::Nonblocking { fd, on: dice.roll() },
            18 => Op::Lseek { fd },
            19 => Op::File(dice.roll()),
            _ => Op::Process(dice.roll()),
        }
    }
}

impl Roll for ControlOut {
    fn roll(dice: &mut Dice<'_>) -> Self {
        match dice.below(7) {
            0 => ControlOut::Rights(dice.some()),
            1 => ControlOut::Credentials(dice.roll()),
            2 => ControlOut::Pidfd(dice.roll()),
            3 => ControlOut::Inq(dice.roll()),
            4 => ControlOut::NoPidfd(dice.roll()),
            5 => ControlOut::Cut(dice.roll()),
            _ => ControlOut::Timestamp,
        }
    }
}

impl Roll for Ret {
    fn roll(dice: &mut Dice<'_>) -> Self {
        match dice.below(9) {
            0 => Ret::Unit,
            1 => Ret::Fd(dice.roll()),
            2 => Ret::Pair(dice.roll(), dice.roll()),
            3 => Ret::Count(dice.roll()),
            4 => Ret::Accepted { fd: dice.roll(), name: dice.roll() },
            5 => Ret::Name(dice.roll()),
            6 => Ret::Value(dice.roll()),
            7 => Ret::Received(Received {
                data: dice.roll(),
                returned: dice.roll(),
                truncated: dice.roll(),
                control_truncated: dice.roll(),
                urgent: dice.roll(),
                end_of_record: dice.roll(),
                from: dice.roll(),
                control: dice.some(),
            }),
            _ => Ret::Polled(
                dice.some::<(Fd, Events)>()
                    .into_iter()
                    .map(|(fd, events)| Polled { fd, events })
                    .collect(),
            ),
        }
    }
}

impl Roll for Credentials {
    fn roll(dice: &mut Dice<'_>) -> Self {
        let caps = [Caps::ALL, Caps::NONE, Caps::CHOWN | Caps::SETUID];
        Credentials {
            users: [dice.roll(), dice.roll(), dice.roll()],
            groups: [dice.roll(), dice.roll(), dice.roll()],
            supplementary: dice.some(),
            caps: dice.of(&caps),
            permitted: dice.of(&caps),
        }
    }
}

impl Roll for Setting {
    fn roll(dice: &mut Dice<'_>) -> Self {
        match dice.below(10) {
            0 => Setting::Mount { at: dice.roll(), how: dice.roll() },
            1 => Setting::Immutable { path: dice.roll(), on: dice.roll() },
            2 => Setting::ProtectedSymlinks { on: dice.roll() },
            3 => Setting::Member { uid: dice.roll(), gid: dice.roll() },
            4 => Setting::Restrict { task: dice.roll(), how: dice.roll() },
            5 => Setting::Stop { task: dice.roll(), on: dice.roll() },
            6 => Setting::Busy { task: dice.roll(), fd: dice.roll(), on: dice.roll() },
            7 => Setting::KernelMemory { allocations: dice.roll() },
            8 => Setting::SystemLimit { files: dice.roll() },
            _ => Setting::Internet(dice.roll()),
        }
    }
}

impl Roll for Mount {
    fn roll(dice: &mut Dice<'_>) -> Self {
        let of = dice.roll();
        match dice.below(6) {
            0 => Mount::ReadOnly,
            1 => Mount::Full,
            2 => Mount::WithoutSockets,
            3 => Mount::DeadFuse,
            4 => Mount::View { of },
            _ => Mount::Bind { of },
        }
    }
}

impl Roll for Restriction {
    fn roll(dice: &mut Dice<'_>) -> Self {
        let path = dice.roll();
        match dice.below(5) {
            0 => Restriction::AbstractScope,
            1 => Restriction::Denied { path },
            2 => Restriction::NoUnixSockets,
            3 => Restriction::Covered { path },
            _ => Restriction::UserNamespace,
        }
    }
}

impl Roll for Internet {
    fn roll(dice: &mut Dice<'_>) -> Self {
        match dice.below(4) {
            0 => Internet::Route {
                to: [10, 0, 0, dice.roll()],
                bits: dice.roll(),
                leads: dice.roll(),
            },
            1 => Internet::Host { address: [10, 0, 0, dice.roll()], manner: dice.roll() },
            2 => Internet::Ports { first: dice.roll(), last: dice.roll() },
            _ => Internet::Destroy { task: dice.roll(), fd: dice.roll() },
        }
    }
}
