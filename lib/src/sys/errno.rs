//! The host's error numbers and their names.

use super::Errno as Host;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_comes_back_from_its_number() {
        for errno in Errno::ALL {
            assert_eq!(name(host(*errno)), Some(*errno));
        }
        assert_eq!(named(0), None);
        assert_eq!(named(libc::EXFULL), None);
    }
}
