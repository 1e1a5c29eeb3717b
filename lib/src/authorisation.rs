//! What may be trusted when deciding what a peer may do, and when it was captured.
//!
//! This page has no code of its own. What it says was measured on Linux 6.18, and the tests
//! repeat the measurements.
//!
//! # In short
//!
//! Compare the **user id that the kernel recorded with the connection**
//! ([`Peer::credentials`](crate::Peer::credentials), [`Credentials::user`](crate::Credentials::user)),
//! or let the **permissions of the socket file** decide who can connect at all. Everything that
//! is looked up by process id, name or program is for logs, not for decisions.
//!
//! ```
//! use sunpath::{Error, Listener, Stream};
//!
//! /// Whether the peer runs as root or as the same user as this server.
//! fn may_administer(client: &Stream, own: u32) -> Result<bool, Error> {
//!     // `user` is `None` for an id that could be anybody's.
//!     let user = client.peer().credentials()?.user();
//!     Ok(user.is_some_and(|user| user == 0 || user == own))
//! }
//!
//! let path = std::env::temp_dir().join(format!("sunpath-doc-auth-{}", std::process::id()));
//! let listener = Listener::bind(&path)?;
//! let _client = Stream::connect(&path)?;
//! let server = listener.accept()?;
//! let own = sunpath::Credentials::current().uid;
//! assert!(may_administer(&server, own)?);
//! # Ok::<(), Error>(())
//! ```
//!
//! # What is what
//!
//! | what | captured | set by | good for |
//! |---|---|---|---|
//! | [`credentials`](crate::Peer::credentials) (`SO_PEERCRED`) | at `connect`, `listen` or `socketpair` | the kernel | decisions |
//! | [`groups`](crate::Peer::groups) (`SO_PEERGROUPS`) | at the same time | the kernel | decisions |
//! | [`security_label`](crate::Peer::security_label) (`SO_PEERSEC`) | when the connection is made | the security module | decisions, by the module's rules |
//! | [`pidfd`](crate::Peer::pidfd) (`SO_PEERPIDFD`) | at the same time as the credentials | the kernel | watching and signalling |
//! | credentials in a message (`SCM_CREDENTIALS`) | at each send | the sender; the kernel checks | decisions about that message |
//! | [`process`](crate::Peer::process) (`/proc`) | when asked | the process itself, in part | logs and messages |
//! | mode and owner of the socket file | at each `connect` or `sendto` | the file's owner | decisions |
//! | an abstract name | never | whoever comes first | nothing |
//!
//! # Credentials of a connection
//!
//! - A server sees the client's process id and its *effective* user and group as they were when it
//!   called `connect`, even if the server accepts much later and the client has other ids by then.
//! - A client sees who called `listen` **last** before it connected, not who accepts. A service
//!   manager that listens for its services is what their clients see; a service that inherited the
//!   listener may call `listen` again to be seen itself. Connections from before keep what they had.
//! - Both ends of a `socketpair` see who made it, also after one end went to another process.
//! - All that is frozen. A later change of ids, `exec`, the end of the process, a child that
//!   inherits the socket, and a process that received it in a message change nothing. So the ids
//!   answer *who made this connection*, and not *who is writing now*: whoever connects and hands
//!   the socket on has lent its identity. Give a socket away only to those who may act in your name.
//! - A set-user-ID program that connects does so as the user that it runs as; what it then
//!   sends for its caller is its own responsibility.
//! - Where nobody was recorded (datagrams other than those of a pair, sockets without connection)
//!   the kernel answers user 4294967295. Sunpath makes that the error `option/no-peer-credentials`.
//!
//! # Credentials of a message
//!
//! With `SO_PASSCRED` on ([`set_pass_credentials`](crate::SockOpt::set_pass_credentials)), each
//! message carries ids; that is the way to know the sender of a datagram. Without a claim the
//! kernel fills them in: the sender's process id and its *real* user and group. A sender may claim
//! others: its own process id, and of the user and group any of its real, effective and saved ones;
//! with `CAP_SYS_ADMIN`, `CAP_SETUID` and `CAP_SETGID`, whatever it likes. So a message may come as
//! somebody else only from who could become that user anyway. A message that was sent while neither
//! end had the option on comes without ids (pid 0, user 65534): switch it on before anybody can
//! send. Bytes of different senders on one stream are not received together while it is on.
//!
//! # Process ids
//!
//! A number says nothing by itself: the process may have ended, and another may have the number.
//! [`Peer::process`](crate::Peer::process) takes the kernel's own descriptor of the process first,
//! and throws away what it read if the process has ended by then. Even so, what `/proc` tells is of
//! *now*: the peer may have called `exec` since it connected, and the name is whatever the process
//! says it is. Any process of the same user can make itself look like a trusted program, by
//! running that program under a debugger, for example. Between processes of one user there is no
//! wall.
//!
//! # Namespaces
//!
//! Ids are translated into the reader's namespaces. A process that is not in the reader's PID
//! namespace has the id 0. A user without a number in the reader's user namespace has 65534
//! (`kernel.overflowuid`), like every other such user and like `nobody`:
//! [`Credentials::user`](crate::Credentials::user) is `None` where the two cannot be told apart.
//! Root of a container's own user namespace is *not* user 0 outside of it.
//!
//! # Paths and names
//!
//! To connect to a path takes write permission on the socket file, and search permission on every
//! directory that leads there; root passes everywhere. The permission is checked when a client
//! connects, and of datagrams each time that one is sent to the path; not for a connection that
//! exists, nor for one that was inherited. A mode that is set after `bind` leaves a moment in
//! which others can connect: put the file into a directory that only the right users can search, or
//! set the mode with the binding.
//!
//! From the side of the client, the directory is what vouches for the server: who may write to it
//! may put another socket there.
//!
//! Abstract names have no permissions: every process in the network namespace can connect, and
//! whoever binds the name first is the server. Both sides have to check credentials.
