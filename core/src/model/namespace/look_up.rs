//! Finds the socket that an address names, for `connect` and for `sendto`.

use super::permission::{Denied, Want};
use super::tree::NodeKind;
use super::walk::{Broken, Final, Found};
use crate::Address;
use crate::model::file::What;
use crate::model::socket::SocketId;
use crate::model::stop::{Stop, Tried, fail};
use crate::model::world::{Caller, World};
use crate::op::Name;

impl World {
    /// The live socket bound to this address, of the same type as `socket`, or the cause why the
    /// caller cannot reach one. It first gives `socket` an automatic name if it needs one
    /// (`SO_PASSCRED`), so it may change the world even if it fails.
    pub(crate) fn look_up(
        &mut self,
        caller: Caller,
        socket: SocketId,
        name: &Name,
    ) -> Tried<SocketId> {
        let address = self.check_target(name, "connect/bad-pointer")?;
        self.name_implicitly(socket)?;
        self.find_socket(caller, socket, &address)
    }

    /// The address of somebody to reach: unlike in `bind`, there must be a name in it.
    pub(crate) fn check_target(&self, name: &Name, unmapped: &'static str) -> Tried<Address> {
        match self.check_address(name, unmapped)? {
            Address::Unnamed => Err(fail("connect/bad-address-length")),
            address => Ok(address),
        }
    }

    /// The live socket bound to this address, of the same type as `socket`.
    pub(crate) fn find_socket(
        &self,
        caller: Caller,
        socket: SocketId,
        address: &Address,
    ) -> Tried<SocketId> {
        match address {
            Address::Abstract(name) => self.find_abstract(socket, name),
            Address::Path(path) => self.find_path(caller, socket, path),
            Address::Unnamed => Err(fail("connect/bad-address-length")),
        }
    }

    fn find_abstract(&self, socket: SocketId, name: &[u8]) -> Tried<SocketId> {
        let asking = &self.sockets[socket];
        let key = (asking.net, asking.kind);
        let names = self.namespace.names.get(&key);
        match names.and_then(|names| names.get(name)) {
            Some(found) => Ok(*found),
            None => Err(self.no_abstract(key, name)),
        }
    }

    fn find_path(&self, caller: Caller, socket: SocketId, path: &[u8]) -> Tried<SocketId> {
        if self.is_open_socket(caller, path) {
            return Err(fail("connect/link-to-open-socket"));
        }
        let found = self.find_file(caller.process, path, Final::Follow);
        let found = found.map_err(|broken| self.lost(caller, socket, path, broken))?;
        let kind = &self.namespace.node(found.node).kind;
        let bound = match kind {
            NodeKind::Socket(bound) => Some(*bound),
            _ => None,
        };
        if bound.is_none() && *self.profile.names.kind_is_checked_first {
            return Err(fail("connect/not-a-socket"));
        }
        self.check_writable(caller, found)?;
        let bound = bound.ok_or(fail("connect/not-a-socket"))?;
        let found = bound.ok_or_else(|| self.nobody(caller, path, found.node))?;
        match self.sockets[found].kind == self.sockets[socket].kind {
            true => Ok(found),
            false => Err(fail("connect/wrong-type")),
        }
    }

    /// Whether the path is that of the link that `/proc` keeps for a socket of the caller.
    fn is_open_socket(&self, caller: Caller, path: &[u8]) -> bool {
        let Some(number) = path.strip_prefix(b"/proc/self/fd/") else { return false };
        let number = core::str::from_utf8(number).ok().and_then(|number| number.parse().ok());
        let descriptor =
            number.and_then(|number| self.processes[caller.process].descriptor(number));
        *self.profile.names.links_to_open_files
            && descriptor
                .is_some_and(|d| matches!(self.files[d.file].what, What::Socket(_) | What::Inet(_)))
    }

    /// To connect is to write to the file.
    fn check_writable(&self, caller: Caller, found: Found) -> Tried<()> {
        let process = &self.processes[caller.process];
        let node = found.node;
        if self.namespace.mount(node).dead {
            return Err(fail("connect/dead-fuse-mount"));
        }
        match self.check_write(process, node, Want::WRITE) {
            Err(Denied::ReadOnly) => Err(fail("bind/read-only-filesystem")),
            Err(Denied::Immutable) => Err(fail("connect/immutable")),
            Err(Denied::Mode) => {
                Err(fail(self.denial(process, node, Want::WRITE, "connect/no-write-permission")))
            }
            Ok(()) if self.is_denied(process, found) => Err(fail("connect/security-module")),
            Ok(()) => Ok(()),
        }
    }

    /// The cause of a walk that does not arrive.
    #[cold]
    fn lost(&self, caller: Caller, socket: SocketId, path: &[u8], broken: Broken) -> Stop {
        let process = &self.processes[caller.process];
        fail(match broken {
            Broken::Missing { directory, name, last, link } => {
                let place = last.then_some((directory, &*name));
                match self.something_near(caller, socket, path, place) {
                    Some(near) => near,
                    None if link => "connect/dangling-symlink",
                    None if last => "connect/no-such-file",
                    None => "connect/missing-directory",
                }
            }
            Broken::NotDirectory => "connect/not-a-directory",
            Broken::NoSearch(node) => {
                self.denial(process, node, Want::SEARCH, "connect/no-search-permission")
            }
            Broken::TooManyLinks => "connect/symlink-loop",
            Broken::NameTooLong => "connect/component-too-long",
            Broken::PathTooLong => "connect/path-too-long-after-symlinks",
            Broken::ProtectedLink => "connect/protected-symlink",
            Broken::Disconnected => "connect/dead-fuse-mount",
        })
    }
}
