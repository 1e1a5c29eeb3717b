//! Facts by chance: every value that an observer could report, and many that none would.

#[macro_use]
mod roll;

pub use roll::{Dice, Roll};
use std::net::{IpAddr, SocketAddr};
use sunpath_core::fact::arguments::*;
use sunpath_core::fact::caller::*;
use sunpath_core::fact::inet::*;
use sunpath_core::fact::path::*;
use sunpath_core::fact::process::*;
use sunpath_core::fact::socket::*;
use sunpath_core::fact::*;
use sunpath_core::{Errno, SocketType};

macro_rules! numbers {
    ($($type:ty),*) => {$(
        impl Roll for $type {
            fn roll(dice: &mut Dice<'_>) -> Self {
                let odd = [0, 1, 2, 5, 16, 80, 107, 111, <$type>::MAX, <$type>::MIN];
                dice.of(&odd)
            }
        }
    )*};
}
numbers!(u8, u16, u32, u64, usize, i32, i64);

choices! {
    bool: false, true;
    (): ();
    State: State::Unconnected, State::Listening, State::Connected;
    SocketType: SocketType::Stream, SocketType::Datagram, SocketType::SeqPacket, SocketType::Tcp,
        SocketType::Udp;
    FileKind: FileKind::Socket, FileKind::Directory, FileKind::Regular, FileKind::Symlink,
        FileKind::Fifo, FileKind::CharDevice, FileKind::Other;
    ProcessState: ProcessState::Sleeping, ProcessState::Running, ProcessState::Stopped,
        ProcessState::Traced, ProcessState::Dead, ProcessState::DiskSleep;
    Errno: Errno::ECONNRESET, Errno::ECONNREFUSED, Errno::EPIPE, Errno::ETIMEDOUT, Errno::EACCES;
    Family: Family::Unix, Family::Unspec, Family::Inet, Family::Inet6, Family::Other(99);
    OptionNature: OptionNature::Valid, OptionNature::Unknown, OptionNature::ReadOnly,
        OptionNature::OtherSockets, OptionNature::Privileged, OptionNature::PeerCredentials, OptionNature::PeerName,
        OptionNature::ReadableBytes;
    Neighbour: Neighbour::None, Neighbour::Reachable, Neighbour::Failed, Neighbour::Incomplete;
    Seccomp: Seccomp::Off, Seccomp::Strict, Seccomp::Filter;
    IpAddr: IpAddr::from([127, 0, 0, 1]), IpAddr::from([192, 0, 2, 1]), IpAddr::from([0u16; 8]),
        IpAddr::from([0, 0, 0, 0]), IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1u16]);
    String: String::new(), "tmpfs".into(), "1.2".into(), "evil\x1b[31m'name".into();
    Vec<u8>: b"/run/x".to_vec(), b"".to_vec(), b"-rf".to_vec(), b"@x\0".to_vec(), b" /a\n".to_vec(),
        vec![b'a'; 120], b"\xff\xfe/../'\x07".to_vec();
    Unseen: Unseen::NotLooked, Unseen::Changed, Unseen::Denied { needs: "more" },
        Unseen::Absent { what: "/proc" }, Unseen::Failed { error: "no".into() };
    Route: Route::Local, Route::None, Route::Broadcast, Route::Multicast, Route::Unreachable,
        Route::Prohibited, Route::Blackhole,
        Route::Unicast { device: "eth0".into(), gateway: None };
}

macro_rules! structs {
    ($($type:ident: $($field:ident),+;)*) => {$(
        impl Roll for $type {
            #[allow(clippy::needless_update)]
            fn roll(dice: &mut Dice<'_>) -> Self {
                $type { $($field: dice.roll(),)+ ..Default::default() }
            }
        }
    )*};
}

structs! {
    Arguments: nonblocking, address, bad_pointer, length, buffers, urgent, control,
        control_length, creation, option, direction, received;
    AddressArgument: length, family;
    OptionArgument: level, name, level_known, nature, microseconds, filter_bytes;
    Received: message_length, descriptors;
    Caller: pid, user_name, ids, capabilities, user_namespace, account_groups, root, cwd,
        mount_namespace, net_namespace, seccomp, landlock, security_label, descriptors;
    Ids: uid, gid, groups;
    UserNamespace: initial, uid_map, gid_map;
    IdRange: inside, outside, count;
    Group: gid, name;
    DescriptorUse: used, limit;
    InetTarget: host, port, addresses, route, listeners, neighbour, port_range, ports_used,
        is_local, in_use_by, nonlocal_bind, unprivileged_from;
    PathTarget: given, walk, attached, namesakes, lookalikes, everywhere, variants, space;
    Variants: trimmed, slashed, abstract_name;
    Walk: steps, end, named;
    Step: path, kind, mode, uid, gid, owner_name, group_name, file, immutable, acl, link, mount,
        kernel_allows;
    FileId: device, inode;
    Acl: users, groups, owning_group, mask;
    Mount: point, root, fs_type, source, read_only, fs_read_only;
    Space: inodes, free_inodes, free_bytes;
    Process: pid, name, fd, uid, state, waits_in, frozen, descriptors, mount_namespace,
        net_namespace, root;
    Backlog: pending, limit;
    Directions: read, write;
    AbstractTarget: name, bound, elsewhere, padded, everywhere, as_path;
    History: connect_failed, answered, blocked, sent_nothing, shut_down_sending;
    Peer: inode, name, closed, shutdown, mutual, elsewhere, queue, refuses_rights, process;
    SocketOptions: pass_credentials, pass_pidfd, pass_rights, broadcast, urgent_inline,
        reuse_address;
    System: release, version, security_modules, protected_symlinks, somaxconn, max_dgram_qlen,
        optmem_max, wmem_max, file_max, files_open, unix_sockets;
    Facts: caller, target, descriptor, arguments, system;
}

impl Roll for Capabilities {
    fn roll(dice: &mut Dice<'_>) -> Self {
        Capabilities(dice.of(&[0, u64::MAX, 2]))
    }
}

impl Roll for Creation {
    fn roll(dice: &mut Dice<'_>) -> Self {
        let (family, family_known) = dice.roll();
        let (kind, protocol) = dice.roll();
        Creation { family, family_known, kind, protocol }
    }
}

impl Roll for Control {
    fn roll(dice: &mut Dice<'_>) -> Self {
        match dice.below(5) {
            0 => {
                let (count, (not_open, not_passable)) = dice.roll();
                Control::Rights { count, not_open, not_passable }
            }
            1 => {
                let ((pid, uid), (gid, (exists, permitted))) = dice.roll();
                Control::Credentials { pid, uid, gid, exists, permitted }
            }
            2 => Control::MalformedCredentials,
            3 => Control::UnknownType(dice.roll()),
            _ => Control::Malformed,
        }
    }
}

impl Roll for End {
    fn roll(dice: &mut Dice<'_>) -> Self {
        match dice.below(10) {
            0 | 1 => End::Found,
            2 => {
                let (name, (last, link)) = dice.roll();
                End::Missing { name, last, link }
            }
            3 => End::NotDirectory,
            4 => End::NoSearch,
            5 => End::TooManyLinks,
            6 => End::ComponentTooLong { link: dice.roll() },
            7 => dice.of(&[End::ProtectedLink, End::Disconnected, End::Changed]),
            8 => End::Hidden { errno: dice.roll() },
            _ => End::Failed { errno: dice.roll() },
        }
    }
}

impl Roll for WaitsIn {
    fn roll(dice: &mut Dice<'_>) -> Self {
        if dice.roll() { WaitsIn::Elsewhere { call: dice.roll() } } else { WaitsIn::Events }
    }
}

impl Roll for InetSocket {
    fn roll(dice: &mut Dice<'_>) -> Self {
        let local = SocketAddr::new(dice.roll(), dice.roll());
        let (listening, (v6_only, (backlog, owners))) = dice.roll();
        let inode = dice.roll();
        InetSocket { inode, local, remote: None, listening, v6_only, backlog, owners }
    }
}

impl Roll for SocketFact {
    fn roll(dice: &mut Dice<'_>) -> Self {
        let mut fact = SocketFact::new(dice.roll(), dice.roll());
        (fact.state, (fact.name, (fact.file, fact.net_namespace))) = dice.roll();
        (fact.backlog, (fact.peer, (fact.queued_bytes, fact.shutdown))) = dice.roll();
        (fact.stuck_ms, (fact.owners, fact.all_owners)) = dice.roll();
        fact
    }
}

impl Roll for OwnSocket {
    fn roll(dice: &mut Dice<'_>) -> Self {
        let mut own = OwnSocket::fresh(dice.roll());
        (own.state, (own.connecting, (own.name, own.peer))) = dice.roll();
        (own.shutdown, (own.pending_error, own.nonblocking)) = dice.roll();
        (own.send_timeout_us, (own.receive_timeout_us, own.send_buffer)) = dice.roll();
        (own.unread_by_peer, (own.readable, own.backlog)) = dice.roll();
        (own.options, (own.urgent, own.history)) = dice.roll();
        own
    }
}

impl Roll for Descriptor {
    fn roll(dice: &mut Dice<'_>) -> Self {
        match dice.below(6) {
            0 => Descriptor::NotOpen,
            1 => Descriptor::PathOnly,
            2 => Descriptor::NotSocket(dice.roll()),
            _ => Descriptor::Socket(dice.roll()),
        }
    }
}

impl Roll for Target {
    fn roll(dice: &mut Dice<'_>) -> Self {
        match dice.below(6) {
            0 => Target::None,
            1 => Target::Abstract(dice.roll()),
            2 => Target::Inet(dice.roll()),
            _ => Target::Path(dice.roll()),
        }
    }
}

impl<A: Roll, B: Roll> Roll for (A, B) {
    fn roll(dice: &mut Dice<'_>) -> Self {
        (dice.roll(), dice.roll())
    }
}

impl<A: Roll> Roll for (A, A, A) {
    fn roll(dice: &mut Dice<'_>) -> Self {
        (dice.roll(), dice.roll(), dice.roll())
    }
}

impl<T: Roll> Roll for Option<T> {
    fn roll(dice: &mut Dice<'_>) -> Self {
        if dice.below(3) == 0 { None } else { Some(dice.roll()) }
    }
}

impl<T: Roll> Roll for Seen<T> {
    fn roll(dice: &mut Dice<'_>) -> Self {
        if dice.below(4) == 0 { Seen::Unseen(dice.roll()) } else { Seen::Known(dice.roll()) }
    }
}

/// Lists of up to three. (Not for `u8`: those are names.)
macro_rules! lists {
    ($($type:ty),*) => {$(
        impl Roll for Vec<$type> {
            fn roll(dice: &mut Dice<'_>) -> Self {
                (0..dice.below(4)).map(|_| dice.roll()).collect()
            }
        }
    )*};
}
lists!(
    u32,
    i32,
    String,
    (u32, u8),
    IdRange,
    Group,
    Control,
    Step,
    SocketFact,
    Process,
    InetSocket,
    IpAddr
);
