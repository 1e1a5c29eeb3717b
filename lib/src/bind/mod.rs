//! Taking a name: plainly, in place of a dead socket, or from a running server.
//!
//! A plain `bind` is one call at the place itself. All else is made [`aside`], in a private
//! directory beside the place, where nobody can reach it before its mode, owner and backlog are
//! set; then it is renamed to its place, at once for clients. What may be replaced, and how, is in
//! [`replace`]; [`lock`] keeps competing servers apart.

mod aside;
mod file;
mod lock;
mod options;
mod private;
mod replace;

pub use options::{BindOptions, Bound, Listens};

pub(crate) use file::BoundFile;

use crate::route::{self, Place};
use crate::socket::Socket;
use crate::{AddressRef, Call, Error, SocketType, sys};
use aside::Aside;
use std::os::fd::AsFd;
use std::time::Duration;
use sys::Errno as Host;

/// A name of up to this many bytes is bound where it stands, through a descriptor of its directory;
/// a longer one does not fit behind the descriptor's name.
const FITS: usize = 64;

/// How often a file that was not found where the path leads is looked for there again, a millisecond
/// apart: a link on the way that somebody is changing leads to the right place before long.
const LOOKS: usize = 24;

/// How often a name that is taken, or a place that others change, is tried again.
const TRIES: usize = 16;

/// A new socket that is bound to the address, and nothing more.
pub(crate) fn bind(kind: SocketType, address: AddressRef<'_>) -> Result<Socket, Error> {
    let mut socket = Socket::new(kind)?;
    take(&mut socket, address).map_err(|errno| Error::on(Call::Bind, kind, errno, address))?;
    Ok(socket)
}

/// Binds a socket to an address that nobody has.
fn take(socket: &mut Socket, address: AddressRef<'_>) -> sys::Result<()> {
    let Some(place) = place(address)? else {
        return sys::socket::bind(&*socket, &route::encode(address)?);
    };
    let mut name = place.name.clone();
    name.extend(place.slash.then_some(b'/'));
    let file = if !matches!(address, AddressRef::Path(path) if route::is_far(path)) {
        sys::socket::bind(&*socket, &route::encode(address)?)?;
        // A link on the way may have led elsewhere when the kernel went there.
        let again = || {
            sys::clock::sleep(Duration::from_millis(1));
            BoundFile::found(self::place(address).ok()??, &*socket)
        };
        BoundFile::found(place, &*socket).or_else(|| (0..LOOKS).find_map(|_| again()))
    } else if name.len() <= FITS {
        let directory = place.directory.as_fd();
        route::through(directory, &name, &mut |name| sys::socket::bind(&*socket, name))?;
        BoundFile::found(place, &*socket)
    } else {
        let aside = Aside::bind(&place, &*socket)?;
        aside.put()?;
        let identity = aside.identity();
        drop(aside);
        Some(BoundFile::new(place, identity))
    };
    let names = socket.names_mut();
    (names.local, names.file) = (route::respelled(address), file);
    Ok(())
}

/// Where the file is to be; `None` for an address without one.
fn place(address: AddressRef<'_>) -> sys::Result<Option<Place>> {
    match address {
        AddressRef::Path(path) if path.is_empty() || path.contains(&0) => Err(Host::INVAL),
        AddressRef::Path(path) => Place::of(path).map(Some),
        AddressRef::Unnamed | AddressRef::Abstract(_) => Ok(None),
    }
}
