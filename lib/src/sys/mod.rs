//! System calls: the only `unsafe` code of Sunpath. No promise of stability is made for this
//! module; it is public for the command-line tool alone.
//!
//! One function per system call, on rustix where it suffices and on libc for the rest. Each
//! returns the errno as it came; none retries after `EINTR` unless its documentation says so.
//! Descriptors are owned from the moment they exist, and always close-on-exec.
//!
//! - [`name`]: socket addresses as raw bytes. [`socket`]: the socket calls. [`option`]: options,
//!   ioctls and flags.
//! - [`control`]: control messages as bytes. [`message`]: `sendmsg` and `recvmsg` with them.
//!   [`batch`]: many messages in one call.
//! - `reactor`: what the feature `tokio` needs.
//! - [`process`]: children, ids, limits, signals. [`thread`]: whether they sleep. [`namespace`]:
//!   namespaces and mounts.
//!   [`restrict`]: seccomp and Landlock.
//! - [`stopping`]: the signals that end a program.
//! - [`inherit`]: descriptors that pass from program to program when one starts another.
//! - [`file`]: looking at files. [`directory`]: names in directories. [`accounts`]: users and groups.
//! - [`netlink`]: requests to the kernel. [`errno`]: error numbers by name.
//! - [`bpf`]: programs in the kernel that tell of its objects.
//! - [`clock`]: the time. `simulated`: what the feature `sim` needs.
//! - [`probe`]: calls with arguments that no safe wrapper admits. [`bare`]: calls on descriptors that
//!   nobody owns.
#![allow(unsafe_code)]

/// In a simulation, the function returns what the model says.
#[cfg(feature = "sim")]
macro_rules! in_simulation {
    ($sim:ident => $call:expr) => {
        if let Some($sim) = crate::sim::current() {
            return $call;
        }
    };
}

/// For a simulated socket, the function returns what the model says.
#[cfg(feature = "sim")]
macro_rules! if_simulated {
    ($fd:expr, $socket:ident => $call:expr) => {
        if let Some($socket) = crate::sim::of(&$fd) {
            return $call;
        }
    };
}

/// There are no simulations.
#[cfg(not(feature = "sim"))]
macro_rules! in_simulation {
    ($sim:ident => $call:expr) => {};
}

/// There are no simulated sockets.
#[cfg(not(feature = "sim"))]
macro_rules! if_simulated {
    ($fd:expr, $socket:ident => $call:expr) => {};
}

pub mod accounts;
pub mod bare;
pub mod batch;
pub mod bpf;
pub mod clock;
pub mod control;
pub mod directory;
pub mod errno;
pub mod file;
pub mod inherit;
pub mod lsm;
pub mod message;
pub mod name;
pub mod namespace;
pub mod netlink;
pub mod option;
pub mod probe;
pub mod process;
mod raw;
#[cfg(feature = "tokio")]
pub mod reactor;
pub mod restrict;
#[cfg(feature = "sim")]
pub(crate) mod simulated;
pub mod socket;
pub mod stopping;
pub mod thread;

/// The numbers of this host, by their C names.
pub use libc;
pub use rustix::io::Errno;

/// The value of a call, or the host's errno.
pub type Result<T> = std::result::Result<T, Errno>;

/// The errno that the last libc call left behind.
fn last() -> Errno {
    Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)
}

/// What a libc call returned, or its errno if that is negative.
fn check(value: libc::c_int) -> Result<libc::c_int> {
    if value < 0 { Err(last()) } else { Ok(value) }
}

/// A count that a libc call returned, or its errno if that is negative.
fn count(value: libc::ssize_t) -> Result<usize> {
    usize::try_from(value).map_err(|_| last())
}
