//! What a failing call leaves behind: small, cheap, and able to explain itself.

use crate::fact::Descriptor;
use crate::fact::socket::OwnSocket;
use crate::reason::Reason;
use crate::sys::{self, Errno as Host};
use crate::{
    Address, AddressRef, Call, Certainty, Diagnosis, Endpoint, Errno, Facts, Ranked, SocketType,
};
use crate::{cause, route, why};
use std::fmt;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// A system call that failed: which one, with which errno, and on which address.
///
/// Making one costs at most the copy of the address: nothing is looked up, and a call without an
/// address (`EAGAIN` from a read, say) allocates nothing. `{}` prints call, address and meaning
/// in a line. `{:#}` adds the diagnosis, and [`why`](Error::why) returns it: only they look at the
/// system, as it is at that time.
///
/// It converts to [`io::Error`] and back ([`TryFrom`]) without losing anything but a transient
/// error's call: see the conversion.
///
/// ```
/// use sunpath::{Errno, Stream};
///
/// let error = Stream::connect("/nonexistent/app.sock").unwrap_err();
/// assert_eq!(error.errno(), Some(Errno::ENOENT));
/// assert_eq!(
///     error.to_string(),
///     "connect /nonexistent/app.sock: no such file or directory (ENOENT)"
/// );
/// println!("{error:#}"); // and which directory is missing
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Error {
    details: Option<Box<Details>>,
    errno: Host,
    call: Call,
    socket: SocketType,
    state: State,
}

/// What only some errors have.
#[derive(Clone, PartialEq, Eq)]
struct Details {
    address: Option<Address>,
    reason: Option<Reason>,
}

/// What is known of the socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It had just been created.
    Fresh,
    Unknown,
}

impl Error {
    /// A call without an address; allocates nothing.
    #[inline]
    pub(crate) fn bare(call: Call, socket: SocketType, errno: Host) -> Error {
        Error { details: None, errno, call, socket, state: State::Unknown }
    }

    /// A call on an address, with a socket that had just been created.
    #[cold]
    pub(crate) fn on(call: Call, socket: SocketType, errno: Host, to: AddressRef<'_>) -> Error {
        let reason = route::reason(call, to, errno);
        let details = Details { address: Some(to.into_owned()), reason };
        let state = State::Fresh;
        Error { details: Some(Box::new(details)), errno, call, socket, state }
    }

    /// A call on an address, with a socket that is in use.
    #[cold]
    pub(crate) fn to(call: Call, socket: SocketType, errno: Host, to: AddressRef<'_>) -> Error {
        Error { state: State::Unknown, ..Error::on(call, socket, errno, to) }
    }

    /// Adds the address that the program gave.
    #[cold]
    pub(crate) fn about(self, address: AddressRef<'_>) -> Error {
        Error::on(self.call, self.socket, self.errno, address)
    }

    /// Adds what the library knows of the reason.
    pub(crate) fn because(mut self, reason: Reason) -> Error {
        match &mut self.details {
            Some(details) => details.reason = Some(reason),
            None => {
                let details = Details { address: None, reason: Some(reason) };
                self.details = Some(Box::new(details));
            }
        }
        self
    }

    #[inline]
    pub(crate) fn is(&self, errno: Host) -> bool {
        self.errno == errno
    }

    /// The same with another errno.
    pub(crate) fn but(self, errno: Host) -> Error {
        Error { errno, ..self }
    }

    /// The call that failed.
    pub fn call(&self) -> Call {
        self.call
    }

    /// The type of the socket.
    pub fn socket(&self) -> SocketType {
        self.socket
    }

    /// The errno by name; `None` if it is one that no known cause has.
    pub fn errno(&self) -> Option<Errno> {
        sys::errno::name(self.errno)
    }

    /// The errno as this host's number.
    pub fn raw_os_error(&self) -> i32 {
        self.errno.raw_os_error()
    }

    /// The kind under which the standard library files the errno.
    pub fn kind(&self) -> io::ErrorKind {
        io::Error::from_raw_os_error(self.raw_os_error()).kind()
    }

    /// The address that was passed to the call, if it takes one.
    pub fn address(&self) -> Option<&Address> {
        self.details.as_ref()?.address.as_ref()
    }

    /// The id of the cause in the catalogue, if the library knows it without looking at the
    /// system: `connect/backlog-full` after a deadline, `rights/too-many`, and the like. For every
    /// other error, [`why`](Error::why) finds out.
    pub fn cause(&self) -> Option<&'static str> {
        self.reason()?.id()
    }

    fn reason(&self) -> Option<&Reason> {
        self.details.as_ref()?.reason.as_ref()
    }

    /// Why the call failed, by what the system looks like now. Reads files, socket tables and
    /// processes, but connects to nothing; takes milliseconds, more on a machine with very many
    /// processes. What has changed since the call is not seen.
    ///
    /// ```
    /// # use sunpath::Stream;
    /// let path = std::env::temp_dir().join(format!("sunpath-why-{}", std::process::id()));
    /// drop(std::os::unix::net::UnixListener::bind(&path)?); // closed, but the file stays
    /// let diagnosis = Stream::connect(&path).unwrap_err().why();
    /// assert_eq!(diagnosis.causes[0].cause.id, "connect/stale-socket");
    /// # std::fs::remove_file(&path)?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn why(&self) -> Diagnosis {
        self.evidence().0
    }

    /// As [`why`](Error::why), with the facts that the diagnosis rests on, for a program that shows
    /// them.
    pub fn evidence(&self) -> (Diagnosis, Facts) {
        let fresh = match self.state {
            State::Fresh => Some(Descriptor::Socket(OwnSocket::fresh(self.socket))),
            State::Unknown => None,
        };
        let (diagnosis, facts) = why::ask(&self.question(), None, fresh);
        (self.settled(diagnosis), facts)
    }

    /// As [`why`](Error::why), looking also at the socket on which the call was made: its state,
    /// queues, options and peer, which explain most failures of `accept`, `send` and `recv`.
    ///
    /// Nothing about the socket is changed; a pending error stays pending.
    pub fn why_on(&self, socket: impl AsFd) -> Diagnosis {
        self.evidence_on(socket).0
    }

    /// As [`why_on`](Error::why_on), with the facts that the diagnosis rests on.
    pub fn evidence_on(&self, socket: impl AsFd) -> (Diagnosis, Facts) {
        let (diagnosis, facts) = why::ask(&self.question(), Some(socket.as_fd()), None);
        (self.settled(diagnosis), facts)
    }

    /// What the library knows for certain outweighs what can be seen afterwards.
    fn settled(&self, mut diagnosis: Diagnosis) -> Diagnosis {
        let Some((reason, known)) = self.reason().and_then(|r| Some((r, cause::find(r.id()?)?)))
        else {
            return diagnosis;
        };
        let seen = diagnosis.causes.iter().position(|ranked| ranked.cause.id == known.id);
        diagnosis.causes = vec![match seen.map(|place| diagnosis.causes.swap_remove(place)) {
            Some(ranked) if ranked.certainty == Certainty::Certain => ranked,
            seen => Ranked {
                cause: known,
                certainty: Certainty::Certain,
                because: reason.to_string(),
                commands: seen.map(|ranked| ranked.commands).unwrap_or_default(),
            },
        }];
        diagnosis.unseen.clear();
        diagnosis.unexplained = None;
        diagnosis
    }

    fn has_nul(&self) -> bool {
        matches!(self.address(), Some(Address::Path(path)) if path.contains(&0))
    }

    fn question(&self) -> why::Question {
        why::Question {
            call: self.call,
            socket: self.socket,
            endpoint: self.address().cloned().map(Endpoint::Unix),
            symptom: self.errno().map(Into::into),
            any_length: true,
        }
    }
}

impl fmt::Display for Error {
    /// `connect /run/app.sock: connection refused (ECONNREFUSED)`. The alternate form (`{:#}`)
    /// adds what [`Error::why`] finds out, on lines of its own, and takes as long; nothing if the
    /// line says it all. Of errors of `accept`, `send` and `recv`, [`Error::why_on`] finds more.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.call)?;
        if let Some(address) = self.address() {
            write!(f, " {address}")?;
        }
        let errno = self.errno();
        match (self.reason(), errno) {
            (Some(reason), Some(errno)) => write!(f, ": {reason} ({errno})")?,
            (Some(reason), None) => write!(f, ": {reason} (error {})", self.raw_os_error())?,
            (None, Some(errno)) => write!(f, ": {} ({errno})", errno.meaning())?,
            (None, None) => write!(f, ": error {}", self.raw_os_error())?,
        }
        // The kernel would cut such a path; it was not asked, so no cause of its tells of it.
        if self.has_nul() {
            f.write_str(", because the path contains a NUL")?;
        }
        if !f.alternate() {
            return Ok(());
        }
        let diagnosis = self.why();
        // Where the library itself refused, or the line has said it all, what can be seen now
        // explains nothing: that nothing explains it would contradict the line.
        let told = self.reason().is_some() || self.has_nul();
        if told && diagnosis.unexplained.is_some() { Ok(()) } else { write!(f, "\n{diagnosis:#}") }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("call", &self.call)
            .field("errno", &self.errno())
            .field("raw_os_error", &self.raw_os_error())
            .field("address", &self.address())
            .field("reason", &self.reason().map(ToString::to_string))
            .finish()
    }
}

impl std::error::Error for Error {}

impl From<Error> for io::Error {
    /// The kind is that of the errno. The whole [`Error`] travels inside, and `{:#}` of the
    /// `io::Error` diagnoses too; [`raw_os_error`] gets the number out.
    ///
    /// Errors without an address that only mean "not now" (`EAGAIN`, `EINTR`) become plain
    /// errnos, without an allocation: a program that reads without blocking meets them often.
    fn from(error: Error) -> io::Error {
        let plain = io::Error::from_raw_os_error(error.raw_os_error());
        let passing = matches!(error.errno, Host::AGAIN | Host::INTR);
        if passing && error.details.is_none() { plain } else { io::Error::new(plain.kind(), error) }
    }
}

impl TryFrom<io::Error> for Error {
    type Error = io::Error;

    /// Gets the [`Error`] out of an `io::Error` that was made from one; gives any other back.
    fn try_from(error: io::Error) -> Result<Error, io::Error> {
        error.downcast()
    }
}

/// The errno of an `io::Error`, whether it is plain or was made from an [`Error`].
///
/// ```
/// let error = std::io::Error::from(sunpath::Stream::connect("/nonexistent").unwrap_err());
/// assert_eq!(error.raw_os_error(), None); // the standard library cannot know
/// assert_eq!(sunpath::raw_os_error(&error), Some(2));
/// ```
pub fn raw_os_error(error: &io::Error) -> Option<i32> {
    let inner = || error.get_ref()?.downcast_ref::<Error>().map(Error::raw_os_error);
    error.raw_os_error().or_else(inner)
}

/// The address of a socket file. Strings and bytes convert by themselves; a [`Path`] cannot, because
/// [`Address`] belongs to a crate that knows no files. [`AddressRef::as_path`] is the way back.
///
/// ```
/// let path = std::path::Path::new("/run/app.sock");
/// assert_eq!(sunpath::path_address(path), "/run/app.sock".into());
/// ```
pub fn path_address(path: impl AsRef<Path>) -> Address {
    path.as_ref().as_os_str().as_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused() -> Error {
        let address = AddressRef::Path(b"/run/app.sock");
        Error::on(Call::Connect, SocketType::Stream, Host::CONNREFUSED, address)
    }

    #[test]
    fn it_is_small() {
        assert!(size_of::<Error>() <= 16);
        assert_eq!(size_of::<Result<(), Error>>(), size_of::<Error>());
    }

    #[test]
    fn one_line_names_call_address_and_meaning() {
        let text = "connect /run/app.sock: connection refused (ECONNREFUSED)";
        assert_eq!(refused().to_string(), text);
        let bare = Error::bare(Call::Recv, SocketType::Stream, Host::CONNRESET);
        assert_eq!(bare.to_string(), "recv: connection reset by peer (ECONNRESET)");
        let odd = Error::bare(Call::Recv, SocketType::Stream, Host::XFULL);
        assert_eq!(odd.to_string(), "recv: error 54");
        let cut = Error::on(Call::Bind, SocketType::Stream, Host::INVAL, AddressRef::Path(b"a\0b"));
        let text = "bind a\\0b: invalid argument (EINVAL), because the path contains a NUL";
        assert_eq!(cut.to_string(), text);
        let hostile = AddressRef::Abstract(b"a\x1b[31m\n");
        let error = Error::on(Call::Bind, SocketType::Stream, Host::ADDRINUSE, hostile);
        assert_eq!(error.to_string(), "bind @a\\x1b[31m\\n: address already in use (EADDRINUSE)");
    }

    #[test]
    fn what_the_library_refused_is_not_contradicted() {
        let name = AddressRef::Abstract(b"a");
        let error = Error::on(Call::Bind, SocketType::Stream, Host::INVAL, name);
        let error = error.because(Reason::NoFile);
        assert_eq!(format!("{error:#}"), error.to_string());
        let cut = Error::on(Call::Bind, SocketType::Stream, Host::INVAL, AddressRef::Path(b"a\0b"));
        assert_eq!(format!("{cut:#}"), cut.to_string());
        let text = format!("{error:?}");
        assert!(text.contains("only a file has a mode"), "{text}");
    }

    #[test]
    fn debug_shows_names_as_text() {
        let text = format!("{:?}", refused());
        assert!(text.contains(r#"address: Some(Path("/run/app.sock"))"#), "{text}");
        let hostile = Address::Abstract(b"a\x1b[31m\"".to_vec());
        let text = format!("{hostile:?} {:?}", Address::Unnamed);
        assert_eq!(text, "Abstract(\"a\\x1b[31m\"\") Unnamed");
    }

    #[test]
    fn an_io_error_keeps_kind_number_and_address() {
        let error = refused();
        let io: io::Error = error.clone().into();
        assert_eq!(io.kind(), io::ErrorKind::ConnectionRefused);
        assert_eq!(raw_os_error(&io), Some(libc::ECONNREFUSED));
        assert_eq!(io.to_string(), error.to_string());
        assert_eq!(Error::try_from(io).unwrap(), error);
    }

    #[test]
    fn a_passing_error_becomes_a_plain_one() {
        let io: io::Error = Error::bare(Call::Recv, SocketType::Stream, Host::AGAIN).into();
        assert_eq!(io.kind(), io::ErrorKind::WouldBlock);
        assert_eq!(io.raw_os_error(), Some(libc::EAGAIN));
        assert!(io.get_ref().is_none());
        assert!(Error::try_from(io).is_err());
    }

    #[test]
    fn every_form_of_address_comes_back() {
        let forms = [
            AddressRef::Unnamed,
            AddressRef::Path(b""),
            AddressRef::Path(b"/a"),
            AddressRef::Abstract(b""),
            AddressRef::Abstract(b"a\0"),
        ];
        for address in forms {
            let error = Error::on(Call::Bind, SocketType::Stream, Host::INVAL, address);
            assert_eq!(error.address(), Some(&address.into_owned()));
        }
        assert_eq!(Error::bare(Call::Accept, SocketType::Stream, Host::MFILE).address(), None);
    }
}
