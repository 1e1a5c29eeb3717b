//! Error numbers by name. A host's numbers never appear here: they differ between systems.

use core::fmt;
use core::str::FromStr;

macro_rules! errnos {
    ($($name:ident $meaning:literal,)*) => {
        /// An error by its POSIX name, independent of any host's numbering.
        #[allow(clippy::upper_case_acronyms)]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Errno {
            $(#[doc = $meaning] $name,)*
        }

        impl Errno {
            /// Every error this crate knows, in alphabetical order.
            pub const ALL: &'static [Errno] = &[$(Errno::$name,)*];

            /// The name, for example `ECONNREFUSED`.
            pub const fn name(self) -> &'static str {
                match self { $(Errno::$name => stringify!($name),)* }
            }

            /// What the error means, in a few words and lower case.
            pub const fn meaning(self) -> &'static str {
                match self { $(Errno::$name => $meaning,)* }
            }
        }
    };
}

errnos! {
    E2BIG "argument list too long",
    EACCES "permission denied",
    EADDRINUSE "address already in use",
    EADDRNOTAVAIL "address not available",
    EAFNOSUPPORT "address family not supported",
    EAGAIN "would block, or a limit was reached for now",
    EALREADY "operation already in progress",
    EBADF "bad file descriptor",
    EBUSY "device or resource busy",
    ECONNABORTED "connection aborted",
    ECONNREFUSED "connection refused",
    ECONNRESET "connection reset by peer",
    EDESTADDRREQ "destination address required",
    EDOM "argument out of domain",
    EEXIST "file exists",
    EFAULT "bad address in memory",
    EHOSTDOWN "host is down",
    EHOSTUNREACH "no route to host",
    EINPROGRESS "operation in progress",
    EINTR "interrupted by a signal",
    EINVAL "invalid argument",
    EIO "input/output error",
    EISCONN "socket is already connected",
    EISDIR "is a directory",
    ELOOP "too many symbolic links",
    EMFILE "too many open files in the process",
    EMSGSIZE "message too long",
    ENAMETOOLONG "file name too long",
    ENETDOWN "network is down",
    ENETUNREACH "network is unreachable",
    ENFILE "too many open files in the system",
    ENOBUFS "no buffer space available",
    ENODATA "no data available",
    ENODEV "no such device",
    ENOENT "no such file or directory",
    ENOMEM "out of memory",
    ENOPROTOOPT "protocol option not available",
    ENOSPC "no space left on device",
    ENOSYS "function not implemented",
    ENOTCONN "socket is not connected",
    ENOTDIR "not a directory",
    ENOTEMPTY "directory not empty",
    ENOTSOCK "not a socket",
    ENOTTY "inappropriate request for this descriptor",
    ENXIO "no such device or address",
    EOPNOTSUPP "operation not supported",
    EOVERFLOW "value too large",
    EPERM "operation not permitted",
    EPFNOSUPPORT "protocol family not supported",
    EPIPE "broken pipe",
    EPROTO "protocol error",
    EPROTONOSUPPORT "protocol not supported",
    EPROTOTYPE "wrong protocol type for socket",
    ERANGE "result too large",
    EROFS "read-only file system",
    ESHUTDOWN "cannot send after socket shutdown",
    ESOCKTNOSUPPORT "socket type not supported",
    ESPIPE "illegal seek",
    ESRCH "no such process",
    ESTALE "stale file handle",
    ETIMEDOUT "connection timed out",
    ETOOMANYREFS "too many references",
    EXDEV "not on the same file system",
}

/// What systems print for an error where it differs from [`Errno::meaning`], in lower case.
const MESSAGES: &[(Errno, &str)] = &[
    (Errno::EXDEV, "invalid cross-device link"),
    (Errno::EADDRNOTAVAIL, "cannot assign requested address"),
    (Errno::EADDRNOTAVAIL, "can't assign requested address"),
    (Errno::EAFNOSUPPORT, "address family not supported by protocol"),
    (Errno::EAGAIN, "resource temporarily unavailable"),
    (Errno::EAGAIN, "operation would block"),
    (Errno::ECONNABORTED, "software caused connection abort"),
    (Errno::EDOM, "numerical argument out of domain"),
    (Errno::EFAULT, "bad address"),
    (Errno::EINPROGRESS, "operation now in progress"),
    (Errno::EINTR, "interrupted system call"),
    (Errno::EISCONN, "transport endpoint is already connected"),
    (Errno::ELOOP, "too many levels of symbolic links"),
    (Errno::EMFILE, "too many open files"),
    (Errno::ENFILE, "too many open files in system"),
    (Errno::ENOMEM, "cannot allocate memory"),
    (Errno::ENOPROTOOPT, "protocol not available"),
    (Errno::ENOTCONN, "transport endpoint is not connected"),
    (Errno::ENOTSOCK, "socket operation on non-socket"),
    (Errno::ENOTTY, "inappropriate ioctl for device"),
    (Errno::EOVERFLOW, "value too large for defined data type"),
    (Errno::EPROTOTYPE, "protocol wrong type for socket"),
    (Errno::ERANGE, "numerical result out of range"),
    (Errno::ESHUTDOWN, "cannot send after transport endpoint shutdown"),
    (Errno::ETIMEDOUT, "operation timed out"),
    (Errno::ETOOMANYREFS, "too many references: cannot splice"),
];

impl Errno {
    /// The texts by which systems and Sunpath speak of this error, in lower case.
    pub fn messages(self) -> impl Iterator<Item = &'static str> {
        let others = MESSAGES.iter().filter(move |(errno, _)| *errno == self);
        core::iter::once(self.meaning()).chain(others.map(|(_, text)| *text))
    }

    /// The error that a message speaks of, by its name or its usual text, in any case. Whatever
    /// else the message says is passed over; of several texts the longest is meant.
    ///
    /// ```
    /// use sunpath_core::Errno;
    ///
    /// let pasted = "connect() to unix:/run/app.sock failed (13: Permission denied)";
    /// assert_eq!(Errno::in_message(pasted), Some(Errno::EACCES));
    /// assert_eq!(Errno::in_message("Error: connect ENOENT /run/app.sock"), Some(Errno::ENOENT));
    /// assert_eq!(Errno::in_message("it does not work"), None);
    /// ```
    pub fn in_message(message: &str) -> Option<Errno> {
        let name = |word: &str| word.parse().ok();
        let words = || message.split(|c: char| !c.is_ascii_alphanumeric());
        if let Some(errno) = words().find_map(name) {
            return Some(errno);
        }
        let message = message.to_ascii_lowercase();
        let texts = Self::ALL.iter().flat_map(|e| e.messages().map(|text| (*e, text)));
        let told = texts.filter(|(_, text)| has_words(&message, text));
        told.max_by_key(|(_, text)| text.len()).map(|(errno, _)| errno)
    }
}

/// Whether the words stand in the text, and not as parts of others.
fn has_words(text: &str, words: &str) -> bool {
    let inside = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    text.match_indices(words).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + words.len()..]);
        !inside(before.chars().next_back()) && !inside(after.chars().next())
    })
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text is not the name of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownErrno;

impl FromStr for Errno {
    type Err = UnknownErrno;

    /// Parses a name, in any case. The second names `EWOULDBLOCK` and `ENOTSUP` are accepted: on
    /// every platform described here they are the numbers of `EAGAIN` and `EOPNOTSUPP`.
    fn from_str(text: &str) -> Result<Self, UnknownErrno> {
        let name = match text {
            t if t.eq_ignore_ascii_case("EWOULDBLOCK") => "EAGAIN",
            t if t.eq_ignore_ascii_case("ENOTSUP") => "EOPNOTSUPP",
            t => t,
        };
        let found = Self::ALL.iter().find(|e| e.name().eq_ignore_ascii_case(name));
        found.copied().ok_or(UnknownErrno)
    }
}

/// What a program sees: an error, or one of the ways in which a call misleads without an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Symptom {
    /// The call failed with this error.
    Errno(Errno),
    /// The call, or the read that follows it, does not return.
    Hangs,
    /// `recv` returned 0 with nothing wrong.
    EndOfFile,
    /// `recvmsg` set `MSG_CTRUNC`: ancillary data was dropped.
    ControlTruncated,
    /// `recvmsg` set `MSG_TRUNC`: the rest of a message was dropped.
    MessageTruncated,
    /// The call succeeded, but the descriptors that were sent never arrive.
    DescriptorsLost,
}

impl Symptom {
    /// The error, if the symptom is one.
    pub const fn errno(self) -> Option<Errno> {
        match self {
            Symptom::Errno(e) => Some(e),
            _ => None,
        }
    }

    /// A short name: the errno's, or `hang`, `end-of-file`, `MSG_CTRUNC`, `MSG_TRUNC`,
    /// `descriptors-lost`.
    pub const fn name(self) -> &'static str {
        match self {
            Symptom::Errno(e) => e.name(),
            Symptom::Hangs => "hang",
            Symptom::EndOfFile => "end-of-file",
            Symptom::ControlTruncated => "MSG_CTRUNC",
            Symptom::MessageTruncated => "MSG_TRUNC",
            Symptom::DescriptorsLost => "descriptors-lost",
        }
    }
}

impl From<Errno> for Symptom {
    fn from(errno: Errno) -> Self {
        Symptom::Errno(errno)
    }
}

impl FromStr for Symptom {
    type Err = UnknownErrno;

    /// Parses what [`Symptom::name`] prints, in any case.
    fn from_str(text: &str) -> Result<Self, UnknownErrno> {
        let silent = [
            Symptom::Hangs,
            Symptom::EndOfFile,
            Symptom::ControlTruncated,
            Symptom::MessageTruncated,
            Symptom::DescriptorsLost,
        ];
        match silent.into_iter().find(|s| s.name().eq_ignore_ascii_case(text)) {
            Some(symptom) => Ok(symptom),
            None => text.parse::<Errno>().map(Symptom::Errno),
        }
    }
}

/// The three reference lists of UNIX domain socket errors, as the names they print.
pub mod lists {
    /// OpenServer's list of UNIX domain error codes.
    pub const OPENSERVER: &[&str] = &[
        "EALREADY",
        "EINPROGRESS",
        "EWOULDBLOCK",
        "EADDRINUSE",
        "EAFNOSUPPORT",
        "EDESTADDRREQ",
        "EMSGSIZE",
        "ENOTSOCK",
        "EOPNOTSUPP",
        "EPFNOSUPPORT",
        "EPROTONOSUPPORT",
        "EPROTOTYPE",
        "ESOCKTNOSUPPORT",
        "ECONNABORTED",
        "ECONNREFUSED",
        "ECONNRESET",
        "EISCONN",
        "ENOBUFS",
        "ENOENT",
        "ENOTCONN",
        "ESHUTDOWN",
        "ENOPROTOOPT",
    ];
    /// The ERRORS section of Linux `unix(7)`.
    pub const UNIX_7: &[&str] = &[
        "EADDRINUSE",
        "EBADF",
        "ECONNREFUSED",
        "ECONNRESET",
        "EFAULT",
        "EINVAL",
        "EISCONN",
        "ENOENT",
        "ENOMEM",
        "ENOTCONN",
        "EOPNOTSUPP",
        "EPERM",
        "EPIPE",
        "EPROTONOSUPPORT",
        "EPROTOTYPE",
        "ESOCKTNOSUPPORT",
        "ESRCH",
        "ETOOMANYREFS",
    ];
    /// The ERRORS section of BSD `connect(2)`.
    pub const BSD_CONNECT_2: &[&str] = &[
        "EBADF",
        "EINVAL",
        "ENOTSOCK",
        "EADDRNOTAVAIL",
        "EAFNOSUPPORT",
        "EISCONN",
        "ETIMEDOUT",
        "ECONNREFUSED",
        "ECONNRESET",
        "ENETUNREACH",
        "EHOSTUNREACH",
        "EADDRINUSE",
        "EFAULT",
        "EINPROGRESS",
        "EINTR",
        "EALREADY",
        "EACCES",
        "EAGAIN",
        "ENOTDIR",
        "ENAMETOOLONG",
        "ENOENT",
        "ELOOP",
        "EPERM",
    ];
}
