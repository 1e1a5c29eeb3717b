//! Who sent a message, passed on with it, which the kernel lets root do.

use crate::exit::Exit;
use crate::out::Stop;
use std::os::fd::BorrowedFd;
use sunpath::{Ancillary, Credentials, Datagram, Errno, Error};

/// Finds out whether it is allowed.
pub fn permitted() -> Result<(), Stop> {
    let other = Credentials { pid: 1, uid: 65534, gid: 65534 };
    let tried = Datagram::pair()
        .and_then(|(one, _other)| one.send_with(b"", &Ancillary::NONE.with_credentials(other)));
    tried.map(drop).map_err(|error| {
        let why = "to pass on the credentials of others takes root (CAP_SYS_ADMIN, CAP_SETUID and \
                   CAP_SETGID)";
        Stop::Failed(Exit::Fails, format!("{why}: {error}"))
    })
}

/// What is known of a sender. Who sent before anybody asked is not, nor is a process of another
/// namespace.
pub fn known(credentials: Credentials) -> Option<Credentials> {
    Some(credentials).filter(|credentials| credentials.pid > 0)
}

/// Sends with descriptors and credentials. A process that has ended cannot be named any more: then
/// its user and group are passed on alone.
pub fn with<T>(
    descriptors: &[BorrowedFd<'_>],
    credentials: Option<Credentials>,
    send: impl Fn(&Ancillary<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let beside = Ancillary::descriptors(descriptors);
    let Some(credentials) = credentials else { return send(&beside) };
    match send(&beside.with_credentials(credentials)) {
        Err(error) if error.errno() == Some(Errno::ESRCH) => {
            let pid = std::process::id().cast_signed();
            send(&beside.with_credentials(Credentials { pid, ..credentials }))
        }
        sent => sent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sunpath::AncillaryBuffer;

    #[test]
    fn of_a_process_that_has_ended_user_and_group_remain() {
        if let Err(why) = permitted() {
            eprintln!("skipped: {why:?}");
            return;
        }
        let mut ended = std::process::Command::new("true").spawn().unwrap();
        ended.wait().unwrap();
        let (one, other) = Datagram::pair().unwrap();
        other.sockopt().set_pass_credentials(true).unwrap();
        let theirs = Credentials { pid: ended.id().cast_signed(), uid: 12, gid: 34 };
        with(&[], Some(theirs), |beside| one.send_with(b"x", beside)).unwrap();
        let mut room = AncillaryBuffer::new(0);
        other.recv_with(&mut [0], &mut room).unwrap();
        let pid = std::process::id().cast_signed();
        assert_eq!(room.credentials(), Some(Credentials { pid, ..theirs }));
        assert_eq!(known(Credentials { pid: 0, ..theirs }), None);
    }
}
