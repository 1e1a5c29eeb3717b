//! How a socket is bound, beyond its address.

use super::aside::{self, Aside};
use super::{BoundFile, place, replace};
use crate::reason::Reason;
use crate::route::{Identity, Place};
use crate::socket::Socket;
use crate::sys::{self, Errno as Host, directory};
use crate::{
    AddressRef, Call, Datagram, Error, Listener, SeqPacketListener, SocketType, ToAddress,
};
use std::marker::PhantomData;
use std::os::fd::AsFd;
use std::time::Duration;

/// The longest queue that the system allows (`net.core.somaxconn`): `listen` compares unsigned.
const LONGEST_BACKLOG: i32 = -1;

/// How long another server may keep the lock.
const PATIENCE: Duration = Duration::from_secs(5);

/// A socket type that has a name: [`Listener`], [`SeqPacketListener`], [`Datagram`].
pub trait Bound: sealed::Bound {}

/// A socket type that listens: [`Listener`], [`SeqPacketListener`].
pub trait Listens: Bound {}

mod sealed {
    use crate::SocketType;
    use crate::socket::Socket;

    pub trait Bound {
        #[doc(hidden)]
        const KIND: SocketType;
        #[doc(hidden)]
        #[allow(private_interfaces)]
        fn from_socket(socket: Socket) -> Self;
    }
}

macro_rules! bound {
    ($($name:ident $kind:ident)*) => {$(
        impl Bound for $name {}
        impl sealed::Bound for $name {
            const KIND: SocketType = SocketType::$kind;
            #[allow(private_interfaces)]
            fn from_socket(socket: Socket) -> $name {
                $name::from_socket(socket)
            }
        }
    )*};
}

bound! { Listener Stream SeqPacketListener SeqPacket Datagram Datagram }
impl Listens for Listener {}
impl Listens for SeqPacketListener {}

/// What to do about a file that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Policy {
    Fail,
    ReplaceDead,
    TakeOver,
}

/// Owner, group and mode of the file.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Attributes {
    pub(super) owner: Option<u32>,
    pub(super) group: Option<u32>,
    pub(super) mode: Option<u32>,
}

impl Attributes {
    fn are_given(&self) -> bool {
        self.owner.is_some() || self.group.is_some() || self.mode.is_some()
    }
}

/// How a [`Listener`], [`SeqPacketListener`] or [`Datagram`] is bound: see their `options`.
///
/// With a mode, an owner, a group, or a policy other than to fail, the socket is bound in a private
/// directory beside its place and renamed when it is complete: clients find nothing, or a
/// server that listens and whose file has its mode. Programs that ask the kernel for its name (`ss`,
/// `getpeername` of a client) are shown the place where it was bound; [`Listener::local_addr`] and
/// its kin tell the given one. A datagram socket with the default policy is bound in its place, so
/// that receivers can answer to its name; until it has its mode, nobody may send to it.
///
/// ```
/// use sunpath::{Listener, Stream};
///
/// let path = std::env::temp_dir().join(format!("sunpath-doc-options-{}", std::process::id()));
/// let listener = Listener::options().mode(0o660).backlog(64).replace_dead().bind(&path)?;
/// let client = Stream::connect(&path)?;
/// # Ok::<(), sunpath::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct BindOptions<T> {
    backlog: i32,
    attributes: Attributes,
    nonblocking: bool,
    pass_rights: bool,
    pass_credentials: bool,
    keep_file: bool,
    policy: Policy,
    patience: Duration,
    makes: PhantomData<fn() -> T>,
}

impl<T: Listens> BindOptions<T> {
    /// How many connections may wait to be accepted: one more than this. The default, and the
    /// most, is `net.core.somaxconn` (4096).
    ///
    /// [listen(2)](https://man7.org/linux/man-pages/man2/listen.2.html)
    pub fn backlog(mut self, connections: u32) -> Self {
        self.backlog = i32::try_from(connections).unwrap_or(LONGEST_BACKLOG);
        self
    }
}

impl<T: Bound> BindOptions<T> {
    pub(crate) fn new() -> BindOptions<T> {
        BindOptions {
            backlog: LONGEST_BACKLOG,
            attributes: Attributes::default(),
            nonblocking: false,
            pass_rights: false,
            pass_credentials: false,
            keep_file: false,
            policy: Policy::Fail,
            patience: PATIENCE,
            makes: PhantomData,
        }
    }

    /// The mode of the file, whatever the umask: who may write to it may connect or send. The
    /// default is `0777` without the bits of the umask. An abstract name has no mode, and is
    /// refused with `EINVAL`.
    pub fn mode(mut self, mode: u32) -> Self {
        self.attributes.mode = Some(mode & 0o7777);
        self
    }

    /// The user to whom the file is to belong. Another than this process's own takes privilege.
    pub fn owner(mut self, uid: u32) -> Self {
        self.attributes.owner = Some(uid);
        self
    }

    /// The group to which the file is to belong: without privilege, one of this process's.
    pub fn group(mut self, gid: u32) -> Self {
        self.attributes.group = Some(gid);
        self
    }

    /// Whether calls on the socket fail with `EAGAIN` instead of waiting. Accepted sockets do
    /// not inherit it.
    pub fn nonblocking(mut self, on: bool) -> Self {
        self.nonblocking = on;
        self
    }

    /// Whether descriptors can be passed to the socket and, from the first connection on, to
    /// accepted ones: see [`SockOpt::set_pass_rights`](crate::SockOpt::set_pass_rights).
    pub fn pass_rights(mut self, on: bool) -> Self {
        self.pass_rights = on;
        self
    }

    /// Whether the sender's ids come with each message (`SO_PASSCRED`), also of accepted sockets,
    /// from the first connection on.
    pub fn pass_credentials(mut self, on: bool) -> Self {
        self.pass_credentials = on;
        self
    }

    /// Whether the file stays when the socket is dropped. The default is to remove it.
    pub fn keep_file(mut self, keep: bool) -> Self {
        self.keep_file = keep;
        self
    }

    /// Replaces a socket that nobody is bound to any more: the file of a server that was killed.
    ///
    /// It must be a socket, not a link to one, and the kernel must find nobody at it, in whatever
    /// network namespace; this needs write permission for the file, and `/proc`. On file systems that
    /// other machines share it cannot be known. Whatever cannot be proven dead stays, and bind
    /// fails. Of several servers that try at once, one wins: they take turns by a lock on the file
    /// `NAME.lock`, which is removed again. For clients there is always a socket at the place.
    pub fn replace_dead(mut self) -> Self {
        self.policy = Policy::ReplaceDead;
        self
    }

    /// How long to wait for another server that is about to replace the same file; 5 seconds
    /// unless told.
    pub fn lock_timeout(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Binds a socket to an address, and listens if it is a listener.
    ///
    /// # Errors
    /// The `bind/*` causes. `EADDRINUSE` for whatever is there and may not be replaced; the
    /// message says what it is. `EPERM` for an owner or group that this process may not give.
    /// Nothing is left behind.
    ///
    /// [bind(2)](https://man7.org/linux/man-pages/man2/bind.2.html)
    pub fn bind(&self, address: impl ToAddress) -> Result<T, Error> {
        self.make(address.to_address(), self.policy)
    }

    /// Takes an address over from a running server of the same type, or binds it if nobody has
    /// it: see [`Listener::take_over`]. An abstract name cannot be taken over.
    ///
    /// # Errors
    /// As [`bind`](BindOptions::bind): `EADDRINUSE` if what is there is no socket, or one of
    /// another type, or does not listen, or does not tell for lack of write permission.
    pub fn take_over(&self, address: impl ToAddress) -> Result<T, Error> {
        self.make(address.to_address(), Policy::TakeOver)
    }

    fn make(&self, address: AddressRef<'_>, policy: Policy) -> Result<T, Error> {
        let mut socket = self.socket()?;
        let refused = |errno| failed(T::KIND, address)((errno, None));
        match place(address).map_err(refused)? {
            Some(place) if self.goes_aside(policy) => {
                let identity = self.bind_aside(&socket, &place, address, policy)?;
                let names = socket.names_mut();
                names.local = Some(address.into_owned());
                names.file = Some(BoundFile::new(place, identity));
            }
            Some(_) => self.bind_in_place(&mut socket, address)?,
            None if self.attributes.are_given() => {
                let no_file = (Host::INVAL, Some(Reason::NoFile));
                return Err(failed(T::KIND, address)(no_file));
            }
            None => {
                super::take(&mut socket, address).map_err(refused)?;
                self.listen(&socket)?;
            }
        }
        if let Some(file) = socket.names_mut().file.as_mut().filter(|_| self.keep_file) {
            file.keep();
        }
        Ok(T::from_socket(socket))
    }

    /// A socket that has all its options before anybody can reach it.
    fn socket(&self) -> Result<Socket, Error> {
        let socket = Socket::new(T::KIND)?;
        if self.pass_rights {
            socket.sockopt().set_pass_rights(true)?;
        }
        if self.pass_credentials {
            socket.sockopt().set_pass_credentials(true)?;
        }
        if self.nonblocking {
            socket.set_nonblocking(true)?;
        }
        Ok(socket)
    }

    fn goes_aside(&self, policy: Policy) -> bool {
        policy != Policy::Fail || (self.attributes.are_given() && self.listens())
    }

    fn listens(&self) -> bool {
        T::KIND != SocketType::Datagram
    }

    fn listen(&self, socket: &Socket) -> Result<(), Error> {
        if !self.listens() {
            return Ok(());
        }
        let listening = sys::socket::listen(socket, self.backlog);
        listening.map_err(|errno| socket.error(Call::Listen, errno))
    }

    fn bind_aside(
        &self,
        socket: &Socket,
        place: &Place,
        address: AddressRef<'_>,
        policy: Policy,
    ) -> Result<Identity, Error> {
        let failed = failed(T::KIND, address);
        let aside = Aside::bind(place, socket).map_err(|errno| failed((errno, None)))?;
        aside.set(&self.attributes).map_err(|errno| failed(self.not_set(errno)))?;
        self.listen(socket)?;
        replace::put(&aside, place, (policy, T::KIND), self.patience).map_err(failed)?;
        Ok(aside.identity())
    }

    /// Binds where the file is to be. One that is given a mode has none until then.
    fn bind_in_place(&self, socket: &mut Socket, address: AddressRef<'_>) -> Result<(), Error> {
        let failed = failed(T::KIND, address);
        let bare = |errno| failed((errno, None));
        let given = self.attributes.are_given();
        if given {
            directory::limit_mode(socket.as_fd(), 0).map_err(bare)?;
        }
        super::take(socket, address).map_err(bare)?;
        if given && let Some(file) = &socket.names_mut().file {
            aside::set_in_place(file.place(), &self.attributes)
                .map_err(|errno| failed(self.not_set(errno)))?;
        }
        self.listen(socket)
    }

    fn not_set(&self, errno: Host) -> replace::Refusal {
        let Attributes { owner, group, .. } = self.attributes;
        let refused = errno == Host::PERM && (owner.is_some() || group.is_some());
        (errno, refused.then_some(Reason::MayNotGive { owner, group }))
    }
}

/// What to say of a `bind` that was refused.
fn failed(kind: SocketType, address: AddressRef<'_>) -> impl Fn(replace::Refusal) -> Error {
    move |(errno, reason)| {
        let error = Error::on(Call::Bind, kind, errno, address);
        match reason {
            Some(reason) => error.because(reason),
            None => error,
        }
    }
}
