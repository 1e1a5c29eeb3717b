//! Names, numbers and ages: one table of the options and requests that Sunpath uses.

use crate::sys::libc;
use crate::sys::option::{
    SIOCATMARK, SIOCINQ, SIOCOUTQ, SIOCUNIXFILE, SO_INQ, SO_PASSPIDFD, SO_PASSRIGHTS,
    SO_PEERGROUPS, SO_PEERPIDFD,
};

/// An option at `SOL_SOCKET`, or a request of `ioctl(2)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Named {
    /// As in C.
    pub(crate) name: &'static str,
    /// The number on this architecture.
    pub(crate) number: i32,
    /// The first Linux that has it for UNIX domain sockets; `None` if all have it that the
    /// standard library runs on.
    pub(crate) since: Option<(u16, u16)>,
}

macro_rules! table {
    ($($constant:ident $name:literal $number:expr, $since:expr;)*) => {
        $(pub(crate) const $constant: Named =
            Named { name: $name, number: $number, since: $since };)*

        #[cfg(test)]
        const ALL: &[Named] = &[$($constant),*];
    };
}

table! {
    SEND_BUFFER "SO_SNDBUF" libc::SO_SNDBUF, None;
    SEND_BUFFER_FORCE "SO_SNDBUFFORCE" libc::SO_SNDBUFFORCE, None;
    RECEIVE_BUFFER "SO_RCVBUF" libc::SO_RCVBUF, None;
    RECEIVE_LOW_WATER "SO_RCVLOWAT" libc::SO_RCVLOWAT, None;
    SEND_TIMEOUT "SO_SNDTIMEO" libc::SO_SNDTIMEO, None;
    RECEIVE_TIMEOUT "SO_RCVTIMEO" libc::SO_RCVTIMEO, None;
    PASS_CREDENTIALS "SO_PASSCRED" libc::SO_PASSCRED, None;
    PASS_SECURITY "SO_PASSSEC" libc::SO_PASSSEC, None;
    PASS_PIDFD "SO_PASSPIDFD" SO_PASSPIDFD, Some((6, 5));
    PASS_RIGHTS "SO_PASSRIGHTS" SO_PASSRIGHTS, Some((6, 16));
    INQ "SO_INQ" SO_INQ, Some((6, 17));
    PEEK_OFFSET "SO_PEEK_OFF" libc::SO_PEEK_OFF, Some((3, 4));
    URGENT_INLINE "SO_OOBINLINE" libc::SO_OOBINLINE, None;
    LISTENING "SO_ACCEPTCONN" libc::SO_ACCEPTCONN, None;
    DOMAIN "SO_DOMAIN" libc::SO_DOMAIN, None;
    TYPE "SO_TYPE" libc::SO_TYPE, None;
    PROTOCOL "SO_PROTOCOL" libc::SO_PROTOCOL, None;
    PENDING_ERROR "SO_ERROR" libc::SO_ERROR, None;
    COOKIE "SO_COOKIE" libc::SO_COOKIE, Some((4, 12));
    MEMORY "SO_MEMINFO" libc::SO_MEMINFO, Some((4, 12));
    PEER_CREDENTIALS "SO_PEERCRED" libc::SO_PEERCRED, None;
    PEER_SECURITY "SO_PEERSEC" libc::SO_PEERSEC, None;
    PEER_GROUPS "SO_PEERGROUPS" SO_PEERGROUPS, Some((4, 13));
    PEER_PIDFD "SO_PEERPIDFD" SO_PEERPIDFD, Some((6, 5));
    READABLE "SIOCINQ" SIOCINQ as i32, None;
    UNREAD "SIOCOUTQ" SIOCOUTQ as i32, None;
    MARK "SIOCATMARK" SIOCATMARK as i32, Some((5, 15));
    FILE "SIOCUNIXFILE" SIOCUNIXFILE as i32, Some((4, 16));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_and_no_number_is_there_twice() {
        for (index, one) in ALL.iter().enumerate() {
            for other in &ALL[..index] {
                assert!(one.name != other.name && one.number != other.number, "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn the_running_kernel_has_what_is_as_old_as_it_is() {
        let release = rustix::system::uname();
        let release = release.release().to_string_lossy().into_owned();
        let mut numbers = release.split(['.', '-']).map_while(|part| part.parse::<u16>().ok());
        let running = (numbers.next().unwrap(), numbers.next().unwrap());
        let (a, _b) = crate::Stream::pair().unwrap();
        // Those of security modules answer as if they did not exist where there is none.
        let asked = ALL.iter().filter(|entry| entry.name.starts_with("SO_"));
        for entry in asked.filter(|entry| ![PEER_SECURITY, INQ, SEND_BUFFER_FORCE].contains(entry))
        {
            let known = crate::sys::option::get(&a, libc::SOL_SOCKET, entry.number)
                != Err(crate::sys::Errno::NOPROTOOPT);
            match entry.since {
                Some(since) if running < since => {
                    eprintln!("skipped: {} came with Linux {since:?}", entry.name);
                }
                _ => assert!(known, "{} on Linux {release}", entry.name),
            }
        }
    }
}
