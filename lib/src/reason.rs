//! Reasons that the library knows by itself, without looking at the system.

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
            Reason::BacklogFull { .. } => "connect/backlog-full",
            Reason::WrongSocket { .. } => return None,
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
            Reason::ForStreamsOnly { option } => write!(f, "{option} is for streams only"),
            Reason::NoPeerCredentials => f.write_str("no peer's credentials were recorded"),
            Reason::TooManyDescriptors { count } => {
                write!(f, "{count} descriptors are more than the 253 that one message carries")
            }
            Reason::DescriptorsWithoutData => {
                f.write_str("descriptors need at least one byte beside them on a stream")
            }
            Reason::BacklogFull { waited, queue } => {
                write!(f, "the server's backlog stayed full for {waited:.1?}")?;
                match queue {
                    Some((pending, limit)) => {
                        write!(f, ": {pending} connections wait to be accepted, limit {limit}")
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
        }
    }
}
