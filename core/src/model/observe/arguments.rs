//! What was passed to the call, as a program that records its arguments would tell.

use crate::fact::arguments::{
    AddressArgument, Control, Creation, Family, OptionArgument, OptionNature,
};
use crate::fact::{Arguments, Seen};
use crate::model::file::What;
use crate::model::process::Caps;
use crate::model::world::{Caller, World};
use crate::op::{self, Kind, Level, Message, Name, Op, Opt, Out, Request, Value, Want};
use crate::{Address, SocketType};

impl World {
    pub(super) fn argument_facts(&self, caller: Caller, op: &Op) -> Arguments {
        let plain = Arguments::default();
        let socket = op.fd().map(|fd| self.socket(caller, fd, ["", ""]));
        let kind = match socket {
            Some(Ok((_, socket))) => Some(self.sockets[socket].kind),
            _ => None,
        };
        match op {
            Op::Socket(new) | Op::Socketpair(new) => {
                Arguments { creation: Some(creation(new)), bad_pointer: new.unmapped, ..plain }
            }
            Op::Bind { name, .. } | Op::Connect { name, .. } => with_name(plain, name),
            Op::Accept { flags, name, .. } => {
                Arguments { unknown_flag: flags.unknown, ..with_out(plain, *name) }
            }
            Op::Getsockname { name, .. } | Op::Getpeername { name, .. } => with_out(plain, *name),
            Op::Shutdown { how, .. } => Arguments { direction: Some(*how), ..plain },
            Op::Send(message) => self.sending(caller, message),
            Op::Recv(want) => receiving(want),
            Op::Getsockopt { level, option, .. } => {
                let option = option_argument(kind, (*level, *option), None);
                Arguments { option: Some(option), ..plain }
            }
            Op::Setsockopt { level, option, value, .. } => Arguments {
                bad_pointer: *value == Value::Unmapped,
                option: Some(option_argument(kind, (*level, *option), Some(value))),
                ..plain
            },
            Op::Ioctl { request, .. } => {
                let nature = request_nature(kind, *request);
                Arguments { option: Some(OptionArgument { nature, ..Default::default() }), ..plain }
            }
            _ => plain,
        }
    }

    fn sending(&self, caller: Caller, message: &Message) -> Arguments {
        let arguments = Arguments {
            nonblocking: message.flags.dont_wait.then_some(true),
            length: Some(if message.buffers == 0 { 0 } else { message.data.len() as u64 }),
            buffers: Some(message.buffers.into()),
            urgent: message.flags.urgent,
            control: message.control.iter().filter_map(|c| self.control(caller, c)).collect(),
            control_length: Some(message.control.iter().map(space).sum()),
            ..Arguments::default()
        };
        let mut arguments = match &message.to {
            Some(name) => with_name(arguments, name),
            None => arguments,
        };
        arguments.bad_pointer |= message.unmapped;
        arguments
    }

    fn control(&self, caller: Caller, item: &op::Control) -> Option<Control> {
        let process = &self.processes[caller.process];
        Some(match item {
            op::Control::Rights(fds) => {
                let open = |fd: &&i32| process.descriptor(**fd).is_some();
                let is_ring = |fd: &&i32| {
                    let file = process.descriptor(**fd).map(|d| self.files[d.file].what);
                    file == Some(What::Ring)
                };
                let not_open = fds.iter().filter(|fd| !open(fd)).copied().collect();
                let not_passable = fds.iter().filter(is_ring).copied().collect();
                Control::Rights { count: fds.len() as u64, not_open, not_passable }
            }
            op::Control::Credentials(ids) => {
                let held = &process.credentials;
                let may = |cap| held.caps.contains(cap);
                let permitted = (ids.pid == process.pid || may(Caps::SYS_ADMIN))
                    && (held.users.contains(&ids.uid) || may(Caps::SETUID))
                    && (held.groups.contains(&ids.gid) || may(Caps::SETGID));
                let exists = self.processes.iter().any(|(_, p)| p.pid == ids.pid);
                Control::Credentials {
                    pid: ids.pid,
                    uid: ids.uid,
                    gid: ids.gid,
                    exists: Seen::Known(exists),
                    permitted: Seen::Known(permitted),
                }
            }
            op::Control::MalformedCredentials => Control::MalformedCredentials,
            op::Control::Malformed => Control::Malformed,
            op::Control::UnknownType => Control::UnknownType(77),
            _ => return None,
        })
    }
}

/// The bytes that an item of ancillary data fills.
fn space(item: &op::Control) -> u64 {
    let payload = match item {
        op::Control::Rights(fds) => 4 * fds.len() as u64,
        op::Control::Filler(bytes) => *bytes as u64,
        _ => 12,
    };
    16 + payload.div_ceil(8) * 8
}

fn receiving(want: &Want) -> Arguments {
    Arguments {
        nonblocking: want.flags.dont_wait.then_some(true),
        bad_pointer: want.unmapped,
        length: Some(want.length as u64),
        buffers: Some(want.buffers.into()),
        urgent: want.flags.urgent,
        control_length: Some(want.control as u64),
        ..Arguments::default()
    }
}

fn with_name(arguments: Arguments, name: &Name) -> Arguments {
    let address = |length, family| Some(AddressArgument { length, family: Some(family) });
    match name {
        Name::Unix(Address::Unnamed) => {
            Arguments { address: address(2, Family::Unix), ..arguments }
        }
        // That is the target.
        Name::Unix(_) => arguments,
        Name::Foreign(foreign) => Arguments { address: address(16, family(*foreign)), ..arguments },
        Name::Sized(length) => {
            Arguments { address: address((*length).into(), Family::Unix), ..arguments }
        }
        Name::Inet { .. } => Arguments { address: address(16, Family::Inet), ..arguments },
        Name::Unmapped => Arguments { bad_pointer: true, ..arguments },
    }
}

fn with_out(arguments: Arguments, out: Out) -> Arguments {
    let negative = AddressArgument { length: -1, family: None };
    Arguments {
        bad_pointer: out == Out::Unmapped,
        address: (out == Out::NegativeLength).then_some(negative),
        ..arguments
    }
}

fn family(family: op::Family) -> Family {
    match family {
        op::Family::Unspecified => Family::Unspec,
        op::Family::Unix => Family::Unix,
        op::Family::Inet => Family::Inet,
        op::Family::Inet6 => Family::Inet6,
        op::Family::Other(number) => Family::Other(number),
    }
}

fn creation(new: &op::New) -> Creation {
    let kind = match new.kind {
        Kind::Stream => 1,
        Kind::Datagram => 2,
        Kind::Raw => 3,
        Kind::SeqPacket => 5,
        Kind::Other(number) => number,
    };
    // Flags are added to the type; this bit is none.
    let kind = if new.flags.unknown { kind | 1 << 20 } else { kind };
    let family_known = Some(!matches!(new.family, op::Family::Other(_) | op::Family::Unspecified));
    Creation { family: family(new.family), family_known, kind, protocol: new.protocol }
}

/// What a request is to a descriptor; `None` for one of no UNIX domain socket.
fn request_nature(kind: Option<SocketType>, request: Request) -> OptionNature {
    match (request, kind) {
        (_, None) | (Request::Arp | Request::Unknown, _) => OptionNature::Unknown,
        (Request::Inq, _) => OptionNature::ReadableBytes,
        (Request::File, _) => OptionNature::Privileged,
        (Request::AtMark, Some(SocketType::Datagram | SocketType::SeqPacket)) => {
            OptionNature::OtherSockets
        }
        (Request::Outq | Request::AtMark, _) => OptionNature::Valid,
    }
}

fn option_argument(
    kind: Option<SocketType>,
    (level, option): (Level, Opt),
    value: Option<&Value>,
) -> OptionArgument {
    let setting = value.is_some();
    let nature = match option {
        Opt::Unknown => OptionNature::Unknown,
        Opt::SndBufForce | Opt::RcvBufForce if !setting => OptionNature::Unknown,
        Opt::Inq if kind != Some(SocketType::Stream) || !setting => OptionNature::Unknown,
        Opt::Type
        | Opt::Domain
        | Opt::Protocol
        | Opt::Error
        | Opt::AcceptConn
        | Opt::PeerCred
        | Opt::PeerPidfd
        | Opt::PeerGroups
        | Opt::PeerName
        | Opt::PeerSec
        | Opt::SndLowat
            if setting =>
        {
            OptionNature::ReadOnly
        }
        Opt::SndBufForce | Opt::RcvBufForce if setting => OptionNature::Privileged,
        Opt::PeerPidfd | Opt::PeerGroups => OptionNature::PeerCredentials,
        Opt::PeerName => OptionNature::PeerName,
        Opt::PeerSec => OptionNature::Unknown,
        Opt::ReusePort | Opt::ZeroCopy if setting => OptionNature::OtherSockets,
        _ => OptionNature::Valid,
    };
    OptionArgument {
        level: Some(if level == Level::Socket { 1 } else { 6 }),
        level_known: Seen::Known(level == Level::Socket),
        nature,
        length: value.map(|v| if *v == Value::Short { 1 } else { 16 }),
        microseconds: match value {
            Some(Value::RawTime(_, micros)) => Some(*micros),
            _ => None,
        },
        filter_bytes: match value {
            Some(Value::Filter { length, .. }) => Some(*length as u64 * 8),
            _ => None,
        },
        ..OptionArgument::default()
    }
}
