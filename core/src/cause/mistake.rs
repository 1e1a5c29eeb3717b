//! Causes that only the program itself can bring about.

use super::Cause;

/// Reasons that every call has: the part of an id after the slash.
const EVERYWHERE: &[&str] = &["bad-descriptor", "not-a-socket-descriptor", "bad-pointer"];

/// Arguments that are wrong whatever the system is like, and calls on a socket of the wrong type or
/// in the wrong state by the program's own doing.
const MISTAKES: &[&str] = &[
    "accept/datagram",
    "accept/not-listening",
    "accept/unknown-flag",
    "ancillary/malformed",
    "ancillary/unknown-type",
    "bind/already-bound",
    "bind/already-bound-autobind",
    "bind/exists-and-already-bound",
    "connect/already-connected",
    "connect/already-connected-datagram",
    "connect/bad-address-length",
    "connect/concurrent-connect",
    "connect/from-listener",
    "connect/wrong-family",
    "credentials/malformed",
    "listen/connected",
    "listen/datagram",
    "listen/unbound",
    "name/bad-address-length",
    "option/bad-length",
    "option/bad-time",
    "option/not-for-this-socket",
    "option/queue-of-listener",
    "option/read-only",
    "option/unknown-request",
    "option/wrong-level",
    "recv/no-urgent-data",
    "recv/not-connected",
    "rights/not-passable",
    "rights/too-many",
    "send/address-on-connected-datagram",
    "send/address-on-connected-seqpacket",
    "send/address-on-connected-stream",
    "send/address-on-unconnected-stream",
    "send/control-too-large",
    "send/empty-urgent-data",
    "send/no-urgent-data",
    "send/not-connected",
    "send/too-many-buffers",
    "shutdown/bad-direction",
    "socket/bad-type",
    "socket/no-pairs-in-family",
    "socket/not-seekable",
    "socket/opened-as-file",
    "socket/protocol-family-unsupported",
    "socket/protocol-unsupported",
    "socket/type-without-protocol",
];

impl Cause {
    /// Whether only a mistake in the program leads to it: a descriptor that is none, a pointer to
    /// nowhere, an argument that no system takes, a call that its socket is not made for. What peers,
    /// files, limits or signals can do to a program without mistakes is none.
    ///
    /// ```
    /// use sunpath_core::cause;
    ///
    /// assert!(cause::find("recv/bad-descriptor").unwrap().is_mistake());
    /// assert!(!cause::find("recv/interrupted").unwrap().is_mistake());
    /// ```
    pub fn is_mistake(&self) -> bool {
        let reason = self.id.rsplit('/').next().unwrap_or(self.id);
        EVERYWHERE.contains(&reason) || MISTAKES.contains(&self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cause;

    #[test]
    fn every_mistake_is_an_entry() {
        for id in MISTAKES {
            assert!(cause::find(id).is_some(), "{id}");
        }
        for reason in EVERYWHERE {
            assert!(cause::all().any(|cause| cause.id.ends_with(&alloc::format!("/{reason}"))));
        }
    }
}
