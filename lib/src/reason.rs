//! Reasons that the library knows by itself, without looking at the system.

use crate::SocketType;
use crate::sys::{self, Errno as Host};
use crate::text::connections_wait;
use std::fmt;
use std::time::Duration;

/// Why a call failed, or was not made, as far as the library knows for certain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reason {
    /// The running kernel lacks an option; it came with this version of Linux.
    NeedsLinux {
        /// The option's name.
        option: &'static str,
        /// Major and minor version.
        since: (u16, u16),
    },
    /// The kernel refused an option or request: which one, because the call alone does not tell.
    Option {
        /// Its name.
        option: &'static str,
        /// The errno, whose meaning is all that is known.
        errno: Host,
    },
    /// An option or request of streams, asked of another socket.
    ForStreamsOnly {
        /// Its name.
        option: &'static str,
    },
    /// The kernel recorded nobody at the other end.
    NoPeerCredentials,
    /// More descriptors than one message carries.
    TooManyDescriptors {
        /// How many there were.
        count: usize,
    },
    /// Descriptors with a stream write of no bytes, which the kernel would drop in silence.
    DescriptorsWithoutData,
    /// A descriptor that no message may carry: an io_uring instance.
    NotPassable {
        /// Its number.
        number: i32,
    },
    /// The receiver has `SO_PASSRIGHTS` off.
    DescriptorsRefused,
    /// A message of one buffer that is longer than the socket's send buffer takes.
    MessageTooLong {
        /// Its bytes.
        length: usize,
    },
    /// The server's backlog stayed full until the deadline.
    BacklogFull {
        /// For how long it was tried.
        waited: Duration,
        /// Connections that waited, and the listener's limit, if the kernel told.
        queue: Option<(u32, u32)>,
    },
    /// The descriptor is no socket of the type that it was taken for.
    WrongSocket {
        /// What it should be.
        wanted: &'static str,
        /// What it is.
        found: String,
    },
    /// The listener was shut down, and nothing is left in its queue.
    #[cfg(feature = "tokio")]
    ListenerShutDown,
    /// The asynchronous runtime did not take the socket, or has shut down; what it said.
    #[cfg(feature = "tokio")]
    Runtime(String),
    /// The path is longer than `sun_path`, and there is no `/proc` to shorten it.
    NoProc,
    /// The path has to be opened, and the process has no descriptor left for that.
    NoDescriptor,
    /// A mode, owner or group for a name that is no file.
    NoFile,
    /// The file may not be given to this user or group.
    MayNotGive {
        /// The user, if one was given.
        owner: Option<u32>,
        /// The group, if one was given.
        group: Option<u32>,
    },
    /// What is at the place may not be replaced.
    InTheWay(InTheWay),
    /// Another process is about to replace what is at the place.
    Locked {
        /// For how long it was waited.
        waited: Duration,
        /// The process, if the kernel told.
        holder: Option<i32>,
    },
    /// The lock file beside the socket cannot be made or opened.
    LockUnusable,
}

/// Why a file may not be replaced by a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InTheWay {
    /// It is no socket.
    NoSocket,
    /// A socket is bound to it.
    Alive,
    /// A socket of another type is bound to it.
    OtherType(SocketType),
    /// A socket is bound to it that does not listen.
    NotListening,
    /// Other machines may have it open.
    Shared,
    /// The kernel does not tell.
    Unknown,
    /// It is dead, or to be taken over, but belongs to somebody else.
    Forbidden,
}

impl Reason {
    /// The cause's id in the catalogue; `None` if the reason is the library's own rule.
    pub(crate) fn id(&self) -> Option<&'static str> {
        Some(match self {
            Reason::NeedsLinux { option, .. } if option.starts_with("SIOC") => {
                "option/unknown-request"
            }
            Reason::NeedsLinux { .. } => "option/unknown",
            Reason::ForStreamsOnly { .. } => "option/not-for-this-socket",
            Reason::NoPeerCredentials => "option/no-peer-credentials",
            Reason::TooManyDescriptors { .. } => "rights/too-many",
            Reason::DescriptorsWithoutData => "rights/dropped-with-empty-send",
            Reason::NotPassable { .. } => "rights/not-passable",
            Reason::DescriptorsRefused => "rights/refused-by-receiver",
            Reason::MessageTooLong { .. } => "send/message-too-long",
            Reason::BacklogFull { .. } => "connect/backlog-full",
            Reason::InTheWay(InTheWay::NoSocket) => "bind/not-a-socket",
            Reason::InTheWay(InTheWay::Alive | InTheWay::NotListening) => "bind/live-socket",
            Reason::InTheWay(InTheWay::OtherType(_)) => "bind/live-socket",
            Reason::InTheWay(InTheWay::Forbidden) => "bind/stale-socket",
            Reason::InTheWay(InTheWay::Shared | InTheWay::Unknown) => return None,
            Reason::NoDescriptor => "socket/descriptor-limit",
            Reason::NoProc | Reason::NoFile | Reason::MayNotGive { .. } => return None,
            Reason::Locked { .. } | Reason::LockUnusable => return None,
            Reason::Option { .. } | Reason::WrongSocket { .. } => return None,
            #[cfg(feature = "tokio")]
            Reason::ListenerShutDown => "accept/shut-down",
            #[cfg(feature = "tokio")]
            Reason::Runtime(_) => return None,
        })
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::NeedsLinux { option, since: (major, minor) } => {
                write!(f, "{option} needs Linux {major}.{minor}, and the running kernel lacks it")
            }
            Reason::Option { option, errno } => match sys::errno::name(*errno) {
                Some(errno) => write!(f, "{option}: {}", errno.meaning()),
                None => f.write_str(option),
            },
            Reason::ForStreamsOnly { option } => write!(f, "{option} is for streams only"),
            Reason::NoPeerCredentials => f.write_str("no peer's credentials were recorded"),
            Reason::TooManyDescriptors { count } => {
                write!(f, "{count} descriptors are more than the 253 that one message carries")
            }
            Reason::DescriptorsWithoutData => {
                f.write_str("descriptors need at least one byte beside them on a stream")
            }
            Reason::NotPassable { number } => {
                write!(f, "descriptor {number} is an io_uring instance")
            }
            Reason::DescriptorsRefused => f.write_str("the receiver takes no descriptors"),
            Reason::MessageTooLong { length } => {
                write!(f, "a message of {length} bytes is longer than the send buffer takes")
            }
            Reason::BacklogFull { waited, queue } => {
                write!(f, "the server's backlog stayed full for {waited:.1?}")?;
                match queue {
                    Some((pending, limit)) => {
                        let wait = connections_wait(*pending);
                        write!(f, ": {wait} to be accepted, limit {limit}")
                    }
                    None => Ok(()),
                }
            }
            Reason::WrongSocket { wanted, found } => {
                write!(f, "the descriptor is {found}, not {wanted}")
            }
            #[cfg(feature = "tokio")]
            Reason::ListenerShutDown => f.write_str("the listener was shut down"),
            #[cfg(feature = "tokio")]
            Reason::Runtime(said) => write!(f, "the runtime cannot serve the socket: {said}"),
            Reason::NoProc => {
                f.write_str("a path of more than 107 bytes needs /proc, which is not mounted")
            }
            Reason::NoDescriptor => {
                f.write_str("the process has no descriptor left to find the path with")
            }
            Reason::NoFile => {
                f.write_str("only a file has a mode, an owner and a group, and this is none")
            }
            Reason::MayNotGive { owner, group } => {
                f.write_str("its file may not be given to")?;
                owner.map_or(Ok(()), |uid| write!(f, " user {uid}"))?;
                f.write_str(if owner.is_some() && group.is_some() { " and" } else { "" })?;
                group.map_or(Ok(()), |gid| write!(f, " group {gid}"))
            }
            Reason::InTheWay(what) => write!(f, "{what}"),
            Reason::Locked { waited, holder } => {
                write!(f, "another server has held the lock beside it for {waited:.1?}")?;
                holder.map_or(Ok(()), |pid| write!(f, ": process {pid}"))
            }
            Reason::LockUnusable => f.write_str("the lock file beside it cannot be used"),
        }
    }
}

impl fmt::Display for InTheWay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InTheWay::NoSocket => f.write_str("what is there is no socket, and stays"),
            InTheWay::Alive => f.write_str("a socket that is alive has it"),
            InTheWay::OtherType(kind) => write!(f, "a {kind} socket has it"),
            InTheWay::NotListening => f.write_str("a socket has it that does not listen"),
            InTheWay::Shared => f.write_str(
                "whether the socket there is dead cannot be known: other machines may use it",
            ),
            InTheWay::Unknown => f.write_str(
                "whether the socket there is dead cannot be known without write permission and /proc",
            ),
            InTheWay::Forbidden => {
                f.write_str("the socket there belongs to somebody else, and may not be replaced")
            }
        }
    }
}
