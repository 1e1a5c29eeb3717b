//! Socket activation: sockets that a service manager made, taken over by name; and the manager's
//! side, for tests and small supervisors.
//!
//! The manager (systemd with a `.socket` unit, `systemd-socket-activate`, [`Launcher`]) starts the
//! program with the sockets open under the numbers from 3 on, and says so in the environment:
//! `LISTEN_FDS` how many, `LISTEN_FDNAMES` their names, `LISTEN_PID` for whom.
//!
//! ```no_run
//! use sunpath::Listener;
//! use sunpath::activation::Activation;
//!
//! // First thing in `main`, before there are threads.
//! let listener = match Activation::take()? {
//!     Some(mut activation) => activation.listener("api")?,
//!     None => Listener::bind("/run/app/api.sock")?,
//! };
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [sd_listen_fds(3)](https://man7.org/linux/man-pages/man3/sd_listen_fds.3.html),
//! [systemd.socket(5)](https://man7.org/linux/man-pages/man5/systemd.socket.5.html)

mod error;
mod launcher;
mod variables;

pub use error::Error;
pub use launcher::Launcher;

use crate::reason::Reason;
use crate::sys::inherit::{self, FIRST, NotTaken};
use crate::sys::{Errno as Host, option};
use crate::{Call, Datagram, Listener, Rejected, SeqPacket, SeqPacketListener, SocketType, Stream};
use std::os::fd::OwnedFd;
use variables::Variables;

/// The descriptors that a service manager passed to this program. Those that are not taken out are
/// closed when this is dropped.
///
/// They are close-on-exec. Nothing else about the sockets is changed: whether they block, and every
/// option, is as the manager set it; the manager usually keeps the sockets open as well, so
/// `shutdown` on them would reach further than this program.
#[derive(Debug)]
pub struct Activation {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    name: String,
    /// `None` once it was taken out.
    fd: Option<OwnedFd>,
}

/// Which descriptor: a name (`"api"`), or a place in the order in which they were passed (`0`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which<'a> {
    /// The first one of this name that was not taken and is what is asked for. A manager may give
    /// several the same name: ask again for the next.
    Name(&'a str),
    /// Counted from 0, whatever was taken before.
    Index(usize),
}

impl<'a> From<&'a str> for Which<'a> {
    fn from(name: &'a str) -> Which<'a> {
        Which::Name(name)
    }
}

impl From<usize> for Which<'_> {
    fn from(index: usize) -> Self {
        Which::Index(index)
    }
}

impl Activation {
    /// Takes over what was passed to this program; `None` if nothing was, if it was meant for
    /// another process (a child inherits the variables), and at every call after the first that
    /// found something.
    ///
    /// Call it first thing in `main`: the variables are removed from the environment if the process
    /// has one thread only, and left alone otherwise, because other threads may read them. Children
    /// are not misled either way: the variables name this process.
    ///
    /// # Errors
    /// Variables that make no sense, and numbers under which nothing is open, or something that
    /// this program opened itself (it is close-on-exec). Nothing is taken or closed then.
    pub fn take() -> Result<Option<Activation>, Error> {
        let variables = Variables::of_environment();
        let Some(passed) = variables.read(std::process::id(), inherit::own_pidfd_id)? else {
            return Ok(None);
        };
        let descriptors = match inherit::take(passed.count) {
            Ok(descriptors) => descriptors,
            Err(NotTaken::Again) => return Ok(None),
            Err(NotTaken::Closed(number)) => return Err(Error::NotOpen { number }),
            Err(NotTaken::Opened(number)) => return Err(Error::NotInherited { number }),
        };
        inherit::clear_environment(&variables::NAMES);
        let mut names = passed.names.into_iter();
        let entry = |fd| {
            let name = names.next().unwrap_or_else(|| variables::UNNAMED.into());
            Entry { name, fd: Some(fd) }
        };
        Ok(Some(Activation { entries: descriptors.into_iter().map(entry).collect() }))
    }

    /// The names, in the order in which the descriptors were passed, also of those that were taken
    /// out. Without names from the manager each is `unknown`; systemd names a socket after its unit
    /// unless `FileDescriptorName=` says otherwise, and a connection `connection`.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.name.as_str())
    }

    /// A stream that listens (`ListenStream=`).
    ///
    /// # Errors
    /// Of this and the following methods: [`Error::Missing`] if there is none of this name or
    /// place, or it was taken; [`Error::Wrong`], which says what it is, if it is something else: it
    /// then stays to be taken.
    pub fn listener<'a>(&mut self, which: impl Into<Which<'a>>) -> Result<Listener, Error> {
        self.take_out(which.into(), Listener::try_from)
    }

    /// A seqpacket socket that listens (`ListenSequentialPacket=`).
    pub fn seqpacket_listener<'a>(
        &mut self,
        which: impl Into<Which<'a>>,
    ) -> Result<SeqPacketListener, Error> {
        self.take_out(which.into(), SeqPacketListener::try_from)
    }

    /// A datagram socket (`ListenDatagram=`).
    pub fn datagram<'a>(&mut self, which: impl Into<Which<'a>>) -> Result<Datagram, Error> {
        self.take_out(which.into(), Datagram::try_from)
    }

    /// A connection (`ListenStream=` with `Accept=yes`).
    pub fn stream<'a>(&mut self, which: impl Into<Which<'a>>) -> Result<Stream, Error> {
        self.take_out(which.into(), |fd| connection(fd, SocketType::Stream)?.try_into())
    }

    /// A connection (`ListenSequentialPacket=` with `Accept=yes`).
    pub fn seqpacket<'a>(&mut self, which: impl Into<Which<'a>>) -> Result<SeqPacket, Error> {
        self.take_out(which.into(), |fd| connection(fd, SocketType::SeqPacket)?.try_into())
    }

    /// The descriptor itself, whatever it is: a file, a pipe, an internet socket.
    pub fn descriptor<'a>(&mut self, which: impl Into<Which<'a>>) -> Result<OwnedFd, Error> {
        self.take_out(which.into(), Ok)
    }

    fn take_out<T>(
        &mut self,
        which: Which<'_>,
        adopt: impl Fn(OwnedFd) -> Result<T, Rejected>,
    ) -> Result<T, Error> {
        let mut wrong = None;
        for (index, entry) in self.entries.iter_mut().enumerate() {
            let wanted = match which {
                Which::Name(name) => entry.name == name,
                Which::Index(wanted) => index == wanted,
            };
            let Some(fd) = entry.fd.take_if(|_| wanted) else { continue };
            match adopt(fd) {
                Ok(socket) => return Ok(socket),
                Err(Rejected { error, fd }) => {
                    entry.fd = Some(fd);
                    let (name, number) = (entry.name.clone(), FIRST + index as i32);
                    wrong.get_or_insert(Error::Wrong { name, number, error });
                }
            }
        }
        Err(wrong.unwrap_or_else(|| self.missing(which)))
    }

    fn missing(&self, which: Which<'_>) -> Error {
        let wanted = match which {
            Which::Name(name) => format!("with the name {name:?}"),
            Which::Index(index) => format!("at place {index}"),
        };
        let left = self.entries.iter().filter(|entry| entry.fd.is_some());
        Error::Missing { wanted, there: left.map(|entry| entry.name.clone()).collect() }
    }
}

/// Hands the socket on unless it listens: what is taken for a connection then would fail later.
fn connection(fd: OwnedFd, kind: SocketType) -> Result<OwnedFd, Rejected> {
    if option::switch(&fd, libc::SO_ACCEPTCONN) != Ok(true) {
        return Ok(fd);
    }
    let found = match option::kind(&fd) {
        Ok(Some(found)) => format!("a {found} socket that listens"),
        _ => "a socket that listens".into(),
    };
    let reason = Reason::WrongSocket { wanted: "a connection", found };
    let error = crate::Error::bare(Call::Getsockopt, kind, Host::PROTOTYPE).because(reason);
    Err(Rejected { error, fd })
}
