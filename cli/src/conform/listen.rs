//! Recipes for `listen`.

use super::pair::{bound, client, each, fresh, listener, name};
use super::{Look, Make, Observed, Recipe, failed};
use crate::stage::{Stage, Step, Trouble};
use std::os::fd::OwnedFd;
use sunpath::sys::socket::{self, SocketFlags};
use sunpath::{Call, SocketType};

/// The recipes of this file.
pub const RECIPES: &[Recipe] = &[
    Recipe { id: "listen/datagram", needs: &[], make: Make::Direct(datagram) },
    Recipe { id: "listen/unbound", needs: &[], make: Make::Direct(unbound) },
    Recipe { id: "listen/connected", needs: &[], make: Make::Direct(connected) },
];

const CONNECTED: &[SocketType] = &[SocketType::Stream, SocketType::SeqPacket];

fn listen(kind: SocketType, fd: &OwnedFd) -> Result<Observed, Trouble> {
    let symptom = failed(socket::listen(fd, 8));
    Observed::of(Look::new(Call::Listen, kind).descriptor(fd), symptom)
}

/// The type is looked at before the name: an unbound one fails the same way.
fn datagram(stage: &mut Stage) -> Result<Observed, Trouble> {
    let (_, name) = name(stage, "datagram")?;
    let bound = bound(SocketType::Datagram, &name)?;
    let sockets = [&bound, &fresh(SocketType::Datagram)?];
    each("listen/datagram", &sockets, |fd| listen(SocketType::Datagram, fd))
}

fn unbound(_: &mut Stage) -> Result<Observed, Trouble> {
    each("listen/unbound", CONNECTED, |kind| listen(kind, &fresh(kind)?))
}

/// A client that was bound before it connected, and an accepted socket, which has the name of its
/// listener.
fn connected(stage: &mut Stage) -> Result<Observed, Trouble> {
    let (_, own) = name(stage, "own")?;
    let (_, there) = name(stage, "server")?;
    each("listen/connected", CONNECTED, |kind| {
        let server = listener(kind, &there)?;
        let bound = bound(kind, &own)?;
        socket::connect(&bound, &there).step("connect")?;
        let other = client(kind, &there)?;
        let accepted = socket::accept(&server, SocketFlags::empty()).step("accept")?;
        let observed = each("listen/connected", &[&bound, &accepted], |fd| listen(kind, fd));
        drop(other);
        observed
    })
}
