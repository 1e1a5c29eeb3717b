//! Flags of sending and receiving.

use std::ops::BitOr;

macro_rules! flags {
    ($(#[$doc:meta])* $name:ident $raw:ident: $($(#[$flag_doc:meta])* $flag:ident)*) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct $name(crate::sys::socket::$raw);

        impl $name {
            /// No flag.
            pub const NONE: $name = $name(crate::sys::socket::$raw::empty());
            $($(#[$flag_doc])* pub const $flag: $name = $name(crate::sys::socket::$raw::$flag);)*

            /// Whether all of these flags are set.
            pub const fn contains(self, flags: $name) -> bool {
                self.0.contains(flags.0)
            }

            pub(crate) const fn raw(self) -> crate::sys::socket::$raw {
                self.0
            }
        }

        impl Default for $name {
            fn default() -> $name {
                $name::NONE
            }
        }

        impl BitOr for $name {
            type Output = $name;
            fn bitor(self, other: $name) -> $name {
                $name(self.0 | other.0)
            }
        }
    };
}

flags! {
    /// Flags of a send. `MSG_NOSIGNAL` is always set: a peer that is gone is an error, never a
    /// `SIGPIPE`.
    ///
    /// [send(2)](https://man7.org/linux/man-pages/man2/send.2.html)
    SendFlags SendFlags:
    /// `MSG_OOB`: the last byte is urgent (streams).
    OOB
    /// `MSG_DONTWAIT`: `EAGAIN` instead of waiting, for this call.
    DONTWAIT
}

flags! {
    /// Flags of a receive. `MSG_CMSG_CLOEXEC` is always set.
    ///
    /// [recv(2)](https://man7.org/linux/man-pages/man2/recv.2.html)
    RecvFlags RecvFlags:
    /// `MSG_OOB`: the urgent byte (streams).
    OOB
    /// `MSG_PEEK`: leave what is received in the queue. Descriptors are duplicated at each peek.
    PEEK
    /// `MSG_TRUNC`: tell the length of the whole message (datagrams and packets).
    TRUNC
    /// `MSG_WAITALL`: wait until the buffers are full (streams).
    WAITALL
    /// `MSG_DONTWAIT`: `EAGAIN` instead of waiting, for this call.
    DONTWAIT
}
