//! Gathers the facts of a live system.
//!
//! [`observe`] takes a question (which call, to which address, by whom) and answers with
//! [`Facts`]: who the caller is (`caller`), what its address leads to, and the switches of the
//! machine (`system`). For an internet address (`inet`) that is its route
//! and the sockets at its port. For UNIX domain addresses (`unix`) that is the path as the caller walks it
//! (`path`), the sockets bound to it in the kernel's `tables` (`diag`, over `netlink`; the text of
//! `/proc/net/unix` where that is missing; `netns` for other network namespaces), and the processes
//! that hold them (`owners`, `process`). Nothing that is observed is disturbed: no connection is
//! made, no device or FIFO is opened, no process is stopped. See `rehearse` for how the kernel's
//! own lookup is asked without connecting.

mod accounts;
mod backlog;
mod bound;
mod caller;
mod descriptor;
pub(crate) mod descriptors;
pub(crate) mod diag;
mod inet;
pub(crate) mod look;
mod mounts;
mod netlink;
pub(crate) mod netns;
pub mod option;
mod owners;
mod path;
mod proc_net_unix;
pub(crate) mod process;
mod procfs;
mod queue;
pub(crate) mod rehearse;
mod system;
pub(crate) mod tables;
mod unix;

pub(crate) use backlog::{backlog, file_id};
pub(crate) use bound::file_number;
pub use caller::{As, ObserveError, UserSpec};
pub use descriptor::{of_number as descriptor_of_number, of_process as descriptor_of};
#[doc(hidden)]
pub use rehearse::{Bound, file as bound_to};

use crate::fact::{Arguments, Facts, Seen, Target, Unseen};
use crate::{Address, Call, Endpoint, SocketType};
use std::os::fd::BorrowedFd;
use std::time::{SystemTime, UNIX_EPOCH};
use tables::Tables;

/// What is to be observed.
#[derive(Debug, Clone)]
pub struct Query<'a> {
    /// The call in question.
    pub call: Call,
    /// The type of the caller's socket.
    pub socket: SocketType,
    /// The address of the call, if it has one.
    pub endpoint: Option<Endpoint>,
    /// Who calls.
    pub caller: As,
    /// The caller's own descriptor, if the caller is this process and there is one.
    pub descriptor: Option<BorrowedFd<'a>>,
    /// What else was passed.
    pub arguments: Arguments,
}

impl Query<'_> {
    /// A call to an address by this process, with a fresh socket and valid arguments.
    pub fn new(call: Call, socket: SocketType, endpoint: Endpoint) -> Self {
        Query {
            call,
            socket,
            endpoint: Some(endpoint),
            caller: As::Myself,
            descriptor: None,
            arguments: Arguments::default(),
        }
    }
}

/// Observes the system: everything that the causes of the call in question depend on.
///
/// Takes milliseconds; up to half a second more if connections wait at the listener, whose queue is
/// then watched until it moves. What cannot be seen is a value in the facts and no error.
///
/// # Errors
/// There is no such user or no such process.
///
/// ```no_run
/// use sunpath::observe::{Query, observe};
/// use sunpath::{Call, Endpoint, SocketType, diagnose};
///
/// let address = Endpoint::Unix("/run/app.sock".into());
/// let facts = observe(&Query::new(Call::Connect, SocketType::Stream, address))?;
/// let diagnosis = diagnose(Call::Connect, SocketType::Stream, None, &facts);
/// for cause in &diagnosis.causes {
///     println!("{}: {}", cause.cause.id, cause.because);
/// }
/// # Ok::<(), sunpath::observe::ObserveError>(())
/// ```
pub fn observe(query: &Query<'_>) -> Result<Facts, ObserveError> {
    let view = caller::view(&query.caller)?;
    let pid = match query.caller {
        As::Process(pid) => Some(pid),
        As::Myself | As::User(_) => None,
    };
    let target = match &query.endpoint {
        None | Some(Endpoint::Unix(Address::Unnamed)) => Target::None,
        Some(Endpoint::Unix(Address::Path(path))) => {
            let mut target = unix::path::target(path, &view, &mut Tables::of(pid));
            if query.call == Call::Bind {
                target.space = unix::space::left(&target, &view);
            }
            Target::Path(target)
        }
        Some(Endpoint::Unix(Address::Abstract(name))) => {
            Target::Abstract(unix::abstract_name::target(name, &view, &mut Tables::of(pid)))
        }
        Some(Endpoint::Inet { transport, host, port }) => {
            Target::Inet(inet::target(*transport, host, *port, pid))
        }
    };
    Ok(Facts {
        caller: view.caller,
        target,
        descriptor: query.descriptor.map_or_else(Seen::default, descriptor::descriptor),
        arguments: query.arguments.clone(),
        system: system::system(),
        taken_ms: SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .ok()
            .and_then(|since| u64::try_from(since.as_millis()).ok()),
    })
}

/// Why something could not be read; `needs` is what it takes if permission was missing.
pub(crate) fn unseen(error: &std::io::Error, needs: &'static str) -> Unseen {
    match error.raw_os_error() {
        Some(libc::EACCES | libc::EPERM) => Unseen::Denied { needs },
        Some(libc::ENOENT | libc::ESRCH) => Unseen::Changed,
        _ => Unseen::Failed { error: crate::sys::errno::io_told(error) },
    }
}

#[cfg(test)]
pub(crate) mod test;
