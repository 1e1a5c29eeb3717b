//! What may be replaced: a dead socket, or a server that is to be succeeded.
//!
//! A socket is dead if the kernel itself finds nobody at its file, whatever the type and the
//! network namespace (see [`rehearse`]). A file is never bound a second time, so what is dead
//! stays dead. The one exception is a `bind` under way: its file exists an instant before its
//! socket does. But it keeps the directory locked for that long, so whoever changed the directory
//! since he opened the file is past it.

use super::TRIES;
use super::aside::Aside;
use super::file::is_socket;
use super::lock::Lock;
use super::options::Policy;
use super::private;
use crate::SocketType;
use crate::fact::socket::State;
use crate::observe::rehearse::{self, Bound};
use crate::reason::{InTheWay, Reason};
use crate::route::{self, Place};
use crate::sys::{self, Errno as Host, file};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

/// Why a place was not taken.
pub(super) type Refusal = (Host, Option<Reason>);

/// Moves a socket to its place, in place of what the policy allows to be replaced.
pub(super) fn put(
    aside: &Aside<'_>,
    place: &Place,
    (policy, kind): (Policy, SocketType),
    patience: Duration,
) -> Result<(), Refusal> {
    let bare = |errno| (errno, None);
    if policy == Policy::Fail {
        return aside.put().map_err(bare);
    }
    let lock = Lock::acquire(place, patience);
    let _lock = lock.map_err(|failure| {
        let (errno, reason) = failure.explain();
        (errno, Some(reason))
    })?;
    private::clear(place);
    for _ in 0..TRIES {
        let there = place.open();
        // Also changes the directory, or tries to: see above.
        match aside.put() {
            Err(Host::ADDRINUSE) => {}
            done => return done.map_err(bare),
        }
        let there = match there {
            Err(Host::NOENT) => continue,
            there => there.map_err(bare)?,
        };
        if let Some(obstacle) = obstacle(there.as_fd(), policy, kind).map_err(bare)? {
            return Err((Host::ADDRINUSE, Some(Reason::InTheWay(obstacle))));
        }
        let expected = route::identity(there.as_fd()).map_err(bare)?;
        if replace(aside, expected)? {
            return Ok(());
        }
    }
    Err(bare(Host::ADDRINUSE))
}

fn replace(aside: &Aside<'_>, expected: route::Identity) -> Result<bool, Refusal> {
    aside.replace(expected).map_err(|errno| {
        let forbidden = [Host::PERM, Host::ACCESS].contains(&errno);
        (errno, forbidden.then_some(Reason::InTheWay(InTheWay::Forbidden)))
    })
}

/// What speaks against replacing a file.
fn obstacle(
    there: BorrowedFd<'_>,
    policy: Policy,
    kind: SocketType,
) -> sys::Result<Option<InTheWay>> {
    let status = file::status(there)?;
    if !is_socket(status.stx_mode.into()) {
        return Ok(Some(InTheWay::NoSocket));
    }
    if file::is_shared(there)? {
        return Ok(Some(InTheWay::Shared));
    }
    Ok(match rehearse::file(there) {
        Some(Bound::Nobody) => None,
        None => Some(InTheWay::Unknown),
        Some(Bound::Socket { .. }) if policy != Policy::TakeOver => Some(InTheWay::Alive),
        Some(Bound::Socket { kind: found, .. }) if found != kind => {
            Some(InTheWay::OtherType(found))
        }
        Some(Bound::Socket { kind: SocketType::Datagram, .. }) => None,
        Some(Bound::Socket { state: State::Listening, .. }) => None,
        Some(Bound::Socket { .. }) => Some(InTheWay::NotListening),
    })
}
