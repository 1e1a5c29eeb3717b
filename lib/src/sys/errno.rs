//! The host's error numbers and their names.

use super::Errno as Host;
use std::io;
use sunpath_core::Errno;

macro_rules! numbers {
    ($($name:ident)*) => {
        /// The number that this host gives to an error.
        pub const fn number(errno: Errno) -> i32 {
            match errno { $(Errno::$name => libc::$name,)* }
        }

        /// The name of one of this host's error numbers; `None` if no cause knows it.
        pub const fn named(number: i32) -> Option<Errno> {
            match number { $(libc::$name => Some(Errno::$name),)* _ => None }
        }
    };
}

numbers! {
    E2BIG EACCES EADDRINUSE EADDRNOTAVAIL EAFNOSUPPORT EAGAIN EALREADY EBADF EBUSY
    ECONNABORTED
    ECONNREFUSED ECONNRESET EDESTADDRREQ EDOM EEXIST EFAULT EHOSTDOWN EHOSTUNREACH EINPROGRESS
    EINTR EINVAL EIO EISCONN EISDIR ELOOP EMFILE EMSGSIZE ENAMETOOLONG ENETDOWN ENETUNREACH ENFILE
    ENOBUFS ENODATA ENODEV ENOENT ENOMEM ENOPROTOOPT ENOSPC ENOSYS ENOTCONN ENOTDIR ENOTEMPTY
    ENOTSOCK ENOTTY
    ENXIO EOPNOTSUPP EOVERFLOW EPERM EPFNOSUPPORT EPIPE EPROTO EPROTONOSUPPORT EPROTOTYPE ERANGE
    EROFS ESHUTDOWN ESOCKTNOSUPPORT ESPIPE ESRCH ESTALE ETIMEDOUT ETOOMANYREFS EXDEV
}

/// The host's error for a name.
pub fn host(errno: Errno) -> Host {
    Host::from_raw_os_error(number(errno))
}

/// The name of a host's error; `None` if no cause knows it.
pub fn name(errno: Host) -> Option<Errno> {
    named(errno.raw_os_error())
}

/// Errors of files and processes that no call on sockets gives.
const OTHERS: [(i32, &str); 9] = [
    (libc::ECHILD, "ECHILD"),
    (libc::EDQUOT, "EDQUOT"),
    (libc::EFBIG, "EFBIG"),
    (libc::EMLINK, "EMLINK"),
    (libc::ENOEXEC, "ENOEXEC"),
    (libc::ENOLCK, "ENOLCK"),
    (libc::ETXTBSY, "ETXTBSY"),
    (libc::EUCLEAN, "EUCLEAN"),
    (libc::EUSERS, "EUSERS"),
];

/// What an error means, and its name: `permission denied (EACCES)`.
pub fn told(errno: Host) -> String {
    let number = errno.raw_os_error();
    if let Some(errno) = named(number) {
        return format!("{} ({errno})", errno.meaning());
    }
    let meaning = io::Error::from(errno).to_string();
    let meaning = meaning.split(" (os error").next().unwrap_or_default().to_lowercase();
    match OTHERS.iter().find(|(other, _)| *other == number) {
        Some((_, name)) => format!("{meaning} ({name})"),
        None => format!("{meaning} (error {number})"),
    }
}

/// The same of an error of the standard library; one that is none of the system's says itself what
/// it is.
pub fn io_told(error: &io::Error) -> String {
    Host::from_io_error(error).map_or_else(|| error.to_string(), told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_told_by_meaning_and_name() {
        assert_eq!(told(Host::ACCESS), "permission denied (EACCES)");
        assert_eq!(told(Host::TXTBSY), "text file busy (ETXTBSY)");
        assert_eq!(told(Host::XFULL), "exchange full (error 54)");
        assert_eq!(io_told(&Host::XDEV.into()), "not on the same file system (EXDEV)");
        assert_eq!(io_told(&io::Error::other("no more")), "no more");
    }

    #[test]
    fn every_name_comes_back_from_its_number() {
        for errno in Errno::ALL {
            assert_eq!(name(host(*errno)), Some(*errno));
        }
        assert_eq!(named(0), None);
        assert_eq!(named(libc::EXFULL), None);
    }
}
