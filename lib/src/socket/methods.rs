//! The methods that socket types share, as macros: each type documents them as its own.

/// What every socket type has: its own name, options, and conversions.
macro_rules! socket_methods {
    ($name:ident, $kind:expr, $adopt:ident) => {
        impl $name {
            /// This socket's own name; `Unnamed` unless it was bound, or accepted from a listener.
            /// A path is given back as it was bound, however long.
            ///
            /// [getsockname(2)](https://man7.org/linux/man-pages/man2/getsockname.2.html)
            pub fn local_addr(&self) -> Result<$crate::Address, $crate::Error> {
                self.socket.local_addr()
            }

            /// Makes calls fail with `EAGAIN` (`WouldBlock`) instead of waiting, or wait again.
            /// The setting belongs to the socket: whoever shares it is affected.
            pub fn set_nonblocking(&self, on: bool) -> Result<(), $crate::Error> {
                self.socket.set_nonblocking(on)
            }

            /// Another descriptor of the same socket: options, queues and whether it blocks are
            /// shared. A file that it is bound to is removed with the original only.
            ///
            /// # Errors
            /// `socket/descriptor-limit` (`EMFILE`).
            ///
            /// [dup(2)](https://man7.org/linux/man-pages/man2/dup.2.html)
            pub fn try_clone(&self) -> Result<$name, $crate::Error> {
                self.socket.try_clone().map($name::from_socket)
            }

            /// Its options and queues.
            pub fn sockopt(&self) -> $crate::SockOpt<'_> {
                self.socket.sockopt()
            }
        }

        #[cfg(feature = "tokio")]
        impl $name {
            pub(crate) fn into_socket(self) -> $crate::socket::Socket {
                self.socket
            }
        }

        impl ::std::os::fd::AsFd for $name {
            fn as_fd(&self) -> ::std::os::fd::BorrowedFd<'_> {
                ::std::os::fd::AsFd::as_fd(&self.socket)
            }
        }

        impl ::std::os::fd::AsRawFd for $name {
            fn as_raw_fd(&self) -> ::std::os::fd::RawFd {
                ::std::os::fd::AsRawFd::as_raw_fd(&::std::os::fd::AsFd::as_fd(self))
            }
        }

        impl ::std::os::fd::IntoRawFd for $name {
            /// Gives the descriptor away. A file that it is bound to stays.
            fn into_raw_fd(self) -> ::std::os::fd::RawFd {
                ::std::os::fd::IntoRawFd::into_raw_fd(self.socket.into_fd())
            }
        }

        impl From<$name> for ::std::os::fd::OwnedFd {
            /// Gives the descriptor away. A file that it is bound to stays.
            fn from(socket: $name) -> ::std::os::fd::OwnedFd {
                socket.socket.into_fd()
            }
        }

        impl TryFrom<::std::os::fd::OwnedFd> for $name {
            type Error = $crate::Rejected;

            /// Takes a descriptor over. Its family and type are checked, and of a
            /// listener that it listens; nothing is changed.
            fn try_from(fd: ::std::os::fd::OwnedFd) -> Result<$name, $crate::Rejected> {
                $crate::socket::Socket::$adopt(fd, $kind).map($name::from_socket)
            }
        }
    };
}

/// What every socket type has that can have a peer.
macro_rules! peer_methods {
    ($name:ident, $kind:expr) => {
        impl $name {
            pub(crate) fn socket(&self) -> &$crate::socket::Socket {
                &self.socket
            }

            /// Two sockets that are connected to each other.
            ///
            /// # Errors
            /// `socket/descriptor-limit` and its kin.
            ///
            /// [socketpair(2)](https://man7.org/linux/man-pages/man2/socketpair.2.html)
            pub fn pair() -> Result<($name, $name), $crate::Error> {
                let (a, b) = $crate::socket::Socket::pair($kind)?;
                Ok(($name::from_socket(a), $name::from_socket(b)))
            }

            /// The peer's name, also after it has closed.
            ///
            /// # Errors
            /// `name/no-peer` (`ENOTCONN`) if it has none.
            ///
            /// [getpeername(2)](https://man7.org/linux/man-pages/man2/getpeername.2.html)
            pub fn peer_addr(&self) -> Result<$crate::Address, $crate::Error> {
                self.socket.peer_addr()
            }

            /// Who is at the other end.
            pub fn peer(&self) -> $crate::Peer<'_> {
                $crate::Peer::new(::std::os::fd::AsFd::as_fd(&self.socket), $kind)
            }

            /// Closes one or both directions for everyone who holds this socket. Never fails
            /// because of the socket's state.
            ///
            /// [shutdown(2)](https://man7.org/linux/man-pages/man2/shutdown.2.html)
            pub fn shutdown(&self, how: ::std::net::Shutdown) -> Result<(), $crate::Error> {
                self.socket.shutdown(how)
            }
        }
    };
}

pub(crate) use {peer_methods, socket_methods};
