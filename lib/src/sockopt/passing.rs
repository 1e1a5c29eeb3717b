//! What comes beside the bytes, where peeking starts, and urgent data.

use super::{SockOpt, table};
use crate::sys::option;
use crate::{Call, Errno, Error};
use std::os::fd::OwnedFd;

impl SockOpt<'_> {
    /// `SO_PASSRIGHTS` (Linux 6.16): whether the socket takes descriptors. Before, every socket
    /// does.
    pub fn pass_rights(&self) -> Result<bool, Error> {
        match self.switch(table::PASS_RIGHTS) {
            Err(error) if error.errno() == Some(Errno::ENOPROTOOPT) => Ok(true),
            answer => answer,
        }
    }

    /// Sets `SO_PASSRIGHTS`. Sockets that Sunpath makes do not take descriptors until this is
    /// switched on: who sends one gets `rights/refused-by-receiver` (`EPERM`). Accepted sockets
    /// have what their listener had when the client connected.
    ///
    /// # Errors
    /// Before Linux 6.16 every socket takes descriptors: switching it on does nothing, and
    /// switching it off is the error `option/unknown`.
    pub fn set_pass_rights(&self, on: bool) -> Result<(), Error> {
        match self.set_switch(table::PASS_RIGHTS, on) {
            Err(error) if on && error.errno() == Some(Errno::ENOPROTOOPT) => Ok(()),
            done => done,
        }
    }

    /// `SO_PASSCRED`: whether the sender's ids come with each message.
    pub fn pass_credentials(&self) -> Result<bool, Error> {
        self.switch(table::PASS_CREDENTIALS)
    }

    /// Sets `SO_PASSCRED`. Switch it on before messages are sent: one that was sent while neither
    /// end had it on comes with ids that are unknown. A socket without a name gets an abstract one
    /// when it connects or sends with this switched on. Accepted sockets have what their listener
    /// had when the client connected.
    pub fn set_pass_credentials(&self, on: bool) -> Result<(), Error> {
        self.set_switch(table::PASS_CREDENTIALS, on)
    }

    /// `SO_PASSPIDFD` (Linux 6.5): whether a descriptor of the sender's process comes with each
    /// message.
    pub fn pass_pidfd(&self) -> Result<bool, Error> {
        self.switch(table::PASS_PIDFD)
    }

    /// Sets `SO_PASSPIDFD`; otherwise as
    /// [`set_pass_credentials`](SockOpt::set_pass_credentials).
    pub fn set_pass_pidfd(&self, on: bool) -> Result<(), Error> {
        self.set_switch(table::PASS_PIDFD, on)
    }

    /// `SO_PASSSEC`: whether the label of the sender comes with each message.
    pub fn pass_security(&self) -> Result<bool, Error> {
        self.switch(table::PASS_SECURITY)
    }

    /// Sets `SO_PASSSEC`. Nothing comes unless a security module is active that labels processes.
    ///
    /// # Errors
    /// `option/not-for-this-socket` (`EOPNOTSUPP`) if the kernel was built without such modules.
    pub fn set_pass_security(&self, on: bool) -> Result<(), Error> {
        self.set_switch(table::PASS_SECURITY, on)
    }

    /// Sets `SO_INQ` (Linux 6.17, streams): how many bytes are left comes with each receive. The
    /// kernel does not tell whether it is on.
    ///
    /// # Errors
    /// `option/not-for-this-socket` (`EOPNOTSUPP`) for datagrams and packets, before any call.
    pub fn set_inq(&self, on: bool) -> Result<(), Error> {
        self.streams_only(Call::Setsockopt, table::INQ)?;
        self.set_switch(table::INQ, on)
    }

    /// `SO_PEEK_OFF` in bytes; `None` if it is off.
    pub fn peek_offset(&self) -> Result<Option<u32>, Error> {
        self.get(table::PEEK_OFFSET).map(|offset| u32::try_from(offset).ok())
    }

    /// Sets `SO_PEEK_OFF`: where the next receive with [`PEEK`](crate::RecvFlags::PEEK) starts,
    /// counted from the first unread byte, across messages too. A peek moves it on by what it
    /// returned, a receive back by what it took; at the end of the queue a peek waits, or fails
    /// with `EAGAIN`. `None` switches it off: every peek starts at the first byte.
    ///
    /// More than 2147483647 becomes that; no queue is as long.
    pub fn set_peek_offset(&self, offset: Option<u32>) -> Result<(), Error> {
        let value = offset.map_or(-1, |bytes| i32::try_from(bytes).unwrap_or(i32::MAX));
        self.set(table::PEEK_OFFSET, value)
    }

    /// `SO_OOBINLINE`: whether an urgent byte stays among the others.
    pub fn urgent_inline(&self) -> Result<bool, Error> {
        self.switch(table::URGENT_INLINE)
    }

    /// Sets `SO_OOBINLINE` (streams; without effect on others): the urgent byte is then received
    /// where it stands, instead of by [`OOB`](crate::RecvFlags::OOB), which fails.
    pub fn set_urgent_inline(&self, on: bool) -> Result<(), Error> {
        self.set_switch(table::URGENT_INLINE, on)
    }

    /// `SIOCATMARK` (Linux 5.15, streams): whether the next byte to receive is the urgent one.
    ///
    /// # Errors
    /// `option/not-for-this-socket` (`EOPNOTSUPP`) for datagrams and packets, before any call.
    pub fn is_at_mark(&self) -> Result<bool, Error> {
        self.streams_only(Call::Ioctl, table::MARK)?;
        self.answered(table::MARK, option::at_mark(self.fd))
    }

    /// `SIOCUNIXFILE` (Linux 4.16): a descriptor (`O_PATH`, close-on-exec) of the file that the
    /// socket was bound to, whatever has become of its path. Its `metadata` is that of the socket's
    /// own file, so it tells whether a path still leads there.
    ///
    /// # Errors
    /// `option/needs-privilege` (`EPERM`) without `CAP_NET_ADMIN` in the initial user namespace;
    /// `ENOENT` if the socket is not bound to a file.
    pub fn bound_file(&self) -> Result<OwnedFd, Error> {
        self.answered(table::FILE, option::bound_file(self.fd))
    }
}
