//! What an option or a request is to a socket, by its numbers.

use crate::sys::option::{
    SIOCATMARK, SIOCINQ, SIOCOUTQ, SIOCUNIXFILE, SO_PASSPIDFD, SO_PASSRIGHTS, SO_PEERPIDFD,
};
use sunpath_core::SocketType;
use sunpath_core::fact::Seen;
use sunpath_core::fact::arguments::{OptionArgument, OptionNature};

/// The last option at `SOL_SOCKET` that Sunpath knows (`SO_INQ`, Linux 6.17).
const LAST_OPTION: i32 = 84;
const SO_PEERGROUPS: i32 = 59;
/// The requests that every file answers: `FIOCLEX`, `FIONCLEX`, `FIONBIO`, `FIOASYNC`, `FIOQSIZE`.
const FILE_REQUESTS: [u64; 5] = [0x5451, 0x5450, 0x5421, 0x5452, 0x5460];
/// Requests of every socket, about who gets its signals: `FIOSETOWN` to `SIOCGPGRP`.
const OWNER_REQUESTS: std::ops::RangeInclusive<u64> = 0x8901..=0x8904;
/// Requests about network devices, which any socket takes.
const DEVICE_REQUESTS: std::ops::RangeInclusive<u64> = 0x8910..=0x89df;

/// Classifies an option of `setsockopt(2)` and `getsockopt(2)` for a socket of this type.
pub fn option(socket: SocketType, level: i32, name: i32) -> OptionArgument {
    OptionArgument {
        level: Some(level),
        name: name.into(),
        level_known: Seen::Known(level_known(socket, level)),
        nature: if level == libc::SOL_SOCKET { nature(socket, name) } else { OptionNature::Valid },
        ..OptionArgument::default()
    }
}

/// Classifies a request of `ioctl(2)` for a socket of this type.
pub fn request(socket: SocketType, request: u64) -> OptionArgument {
    let urgent_data = matches!(socket, SocketType::Stream | SocketType::Tcp);
    let nature = match request {
        SIOCINQ => OptionNature::ReadableBytes,
        SIOCUNIXFILE if socket.is_unix() => OptionNature::Privileged,
        SIOCATMARK if !urgent_data => OptionNature::OtherSockets,
        SIOCATMARK | SIOCOUTQ => OptionNature::Valid,
        r if FILE_REQUESTS.contains(&r) => OptionNature::Valid,
        r if OWNER_REQUESTS.contains(&r) || DEVICE_REQUESTS.contains(&r) => OptionNature::Valid,
        _ => OptionNature::Unknown,
    };
    OptionArgument {
        name: request.cast_signed(),
        level_known: Seen::Known(true),
        nature,
        ..OptionArgument::default()
    }
}

fn level_known(socket: SocketType, level: i32) -> bool {
    match level {
        libc::SOL_SOCKET => true,
        libc::IPPROTO_IP | libc::IPPROTO_IPV6 => !socket.is_unix(),
        libc::IPPROTO_TCP => socket == SocketType::Tcp,
        libc::IPPROTO_UDP => socket == SocketType::Udp,
        _ => false,
    }
}

fn nature(socket: SocketType, name: i32) -> OptionNature {
    match name {
        libc::SO_TYPE
        | libc::SO_ERROR
        | libc::SO_ACCEPTCONN
        | libc::SO_DOMAIN
        | libc::SO_PROTOCOL
        | libc::SO_PEERCRED
        | libc::SO_PEERSEC
        | libc::SO_SNDLOWAT
        | libc::SO_MEMINFO
        | libc::SO_COOKIE => OptionNature::ReadOnly,
        SO_PEERPIDFD | SO_PEERGROUPS => OptionNature::PeerCredentials,
        libc::SO_PEERNAME => OptionNature::PeerName,
        libc::SO_SNDBUFFORCE | libc::SO_RCVBUFFORCE => OptionNature::Privileged,
        libc::SO_REUSEPORT | libc::SO_ZEROCOPY if socket.is_unix() => OptionNature::OtherSockets,
        libc::SO_PASSCRED | libc::SO_PASSSEC | SO_PASSPIDFD | SO_PASSRIGHTS
            if !socket.is_unix() =>
        {
            OptionNature::OtherSockets
        }
        // Never implemented: SO_SECURITY_*.
        22..=24 => OptionNature::Unknown,
        1..=LAST_OPTION => OptionNature::Valid,
        _ => OptionNature::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told_apart() {
        let of = |socket, name| option(socket, libc::SOL_SOCKET, name).nature;
        assert_eq!(of(SocketType::Stream, 9999), OptionNature::Unknown);
        assert_eq!(of(SocketType::Stream, libc::SO_TYPE), OptionNature::ReadOnly);
        assert_eq!(of(SocketType::Stream, libc::SO_REUSEPORT), OptionNature::OtherSockets);
        assert_eq!(of(SocketType::Tcp, libc::SO_REUSEPORT), OptionNature::Valid);
        assert_eq!(of(SocketType::Udp, libc::SO_PASSCRED), OptionNature::OtherSockets);
        assert_eq!(option(SocketType::Stream, 6, 1).level_known, Seen::Known(false));
        assert_eq!(option(SocketType::Tcp, 6, 1).level_known, Seen::Known(true));
        assert_eq!(request(SocketType::Datagram, SIOCATMARK).nature, OptionNature::OtherSockets);
        assert_eq!(request(SocketType::Stream, 0x1234).nature, OptionNature::Unknown);
    }
}
