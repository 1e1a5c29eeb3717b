//! `bind`: gives a socket a name.
//!
//! Linux makes the file first and looks at the socket afterwards; the BSDs do it the other way
//! round. So a bound socket's second `bind` shows an error of the path on Linux.

use super::permission::{Denied, Want};
use super::tree::{NodeId, NodeKind};
use super::walk::{Broken, Final, Found, Last, Place};
use crate::Address;
use crate::model::socket::{Bound, BoundFile, SocketId};
use crate::model::stop::{Block, Stop, Tried, fail};
use crate::model::wait::{Attempt, Line, Woken};
use crate::model::world::{Caller, World, descriptor};
use crate::op::{Fd, Name, Ret};
use crate::profile::Concurrent;
use alloc::boxed::Box;
use alloc::vec::Vec;

impl World {
    pub(crate) fn bind(&mut self, caller: Caller, fd: Fd, name: &Name, attempt: &Attempt) -> Tried {
        let (_, id) = self.socket(caller, fd, descriptor!("bind"))?;
        let address = self.check_address(name, "bind/bad-pointer")?;
        if !attempt.waited {
            self.allocate("bind/out-of-memory")?;
        }
        match address {
            Address::Unnamed => self.bind_automatically(id, attempt)?,
            Address::Abstract(name) => self.bind_abstract(id, name, attempt)?,
            Address::Path(path) => self.bind_path(caller, id, path, attempt)?,
        }
        Ok(Ret::Unit)
    }

    /// One call at a time binds a socket.
    fn wait_for_turn(&self, id: SocketId, attempt: &Attempt) -> Tried<()> {
        let waits = *self.profile.names.concurrent == Concurrent::BindWaits;
        if !(waits && self.sockets[id].busy) {
            return Ok(());
        }
        if attempt.woken == Some(Woken::Interrupted) {
            return Err(fail("bind/interrupted"));
        }
        let (places, why) = ([(id, Line::Writable)].into(), "bind/interrupted");
        Err(Stop::Block(Block { places, why, deadline: None }))
    }

    fn bind_automatically(&mut self, id: SocketId, attempt: &Attempt) -> Tried<()> {
        self.wait_for_turn(id, attempt)?;
        let bound = self.sockets[id].name.is_some();
        match (*self.profile.names.abstract_names, bound) {
            (true, true) => Ok(()),
            (true, false) => self.name_automatically(id),
            (false, true) => Err(fail("bind/already-bound-autobind")),
            (false, false) => Err(fail("connect/bad-address-length")),
        }
    }

    fn bind_abstract(&mut self, id: SocketId, name: Vec<u8>, attempt: &Attempt) -> Tried<()> {
        self.wait_for_turn(id, attempt)?;
        let socket = &mut self.sockets[id];
        if socket.name.is_some() {
            return Err(fail("bind/already-bound"));
        }
        let names = self.namespace.names.entry((socket.net, socket.kind)).or_default();
        if names.contains_key(&name) {
            return Err(fail("bind/abstract-in-use"));
        }
        names.insert(name.clone(), id);
        socket.name = Some(Box::new(Bound { address: Address::Abstract(name), file: None }));
        Ok(())
    }

    fn bind_path(
        &mut self,
        caller: Caller,
        id: SocketId,
        path: Vec<u8>,
        attempt: &Attempt,
    ) -> Tried<()> {
        let bound = self.sockets[id].name.is_some();
        if bound && *self.profile.names.bound_is_checked_first {
            let exists = self.find_file(caller.process, &path, Final::Keep).is_ok();
            let both = if exists { "bind/exists-and-already-bound" } else { "bind/already-bound" };
            return Err(fail(both));
        }
        let (directory, name) = self.check_new_name(caller, id, &path)?;
        self.wait_for_turn(id, attempt)?;
        if bound {
            return Err(fail("bind/already-bound"));
        }
        let node = self.make_socket_file(caller, id, directory, &name);
        let absolute = self.absolute(caller.process, &path);
        let file = BoundFile { node, directory, name, absolute };
        let address = Address::Path(path);
        self.sockets[id].name = Some(Box::new(Bound { address, file: Some(Box::new(file)) }));
        Ok(())
    }

    /// Where the file is to be made, once nothing speaks against it.
    fn check_new_name(
        &self,
        caller: Caller,
        id: SocketId,
        path: &[u8],
    ) -> Tried<(NodeId, Vec<u8>)> {
        let mut place = self.find_place(caller.process, path).map_err(broken)?;
        let mut found = self.named(caller, &place)?;
        if let Some(link) = found
            && *self.profile.names.bind_follows_link
            && matches!(self.namespace.node(link).kind, NodeKind::Link(_))
        {
            match self.find_file(caller.process, path, Final::Follow) {
                Ok(target) => found = Some(target.node),
                Err(Broken::Missing { directory, name, last: true, .. }) => {
                    place = Place { directory, last: Last::Name(name), slash: false };
                    found = None;
                }
                Err(other) => return Err(broken(other)),
            }
        }
        if let Some(found) = found {
            return Err(self.in_the_way(caller, id, path, found));
        }
        let Last::Name(name) = place.last else { return Err(fail("bind/not-a-socket")) };
        if place.slash {
            return Err(fail("connect/no-such-file"));
        }
        self.check_creation(caller, place.directory)?;
        Ok((place.directory, name))
    }

    /// What the place names already: a directory, if its last component is none.
    fn named(&self, caller: Caller, place: &Place) -> Tried<Option<NodeId>> {
        let process = &self.processes[caller.process];
        match &place.last {
            Last::Name(name) => self.find_entry(process, place.directory, name).map_err(broken),
            Last::Dot | Last::DotDot | Last::Root => Ok(Some(place.directory)),
        }
    }

    /// Whether a socket file can be made in a directory.
    fn check_creation(&self, caller: Caller, directory: NodeId) -> Tried<()> {
        let mount = self.namespace.mount(directory);
        if self.namespace.node(directory).links == 0 {
            return Err(fail("bind/missing-directory"));
        }
        let process = &self.processes[caller.process];
        let itself = Found { node: directory, directory };
        match self.check_write(process, directory, Want::CHANGE_ENTRIES) {
            Err(Denied::ReadOnly) => Err(fail("bind/read-only-filesystem")),
            _ if self.is_denied(process, itself) => Err(fail("connect/security-module")),
            Err(Denied::Immutable) => Err(fail("bind/immutable-directory")),
            Err(Denied::Mode) => Err(fail("bind/no-write-permission")),
            Ok(()) if mount.no_sockets => Err(fail("bind/filesystem-without-sockets")),
            Ok(()) if mount.full => Err(fail("bind/no-space")),
            Ok(()) => Ok(()),
        }
    }

    /// Why a path is taken.
    fn in_the_way(&self, caller: Caller, id: SocketId, path: &[u8], found: NodeId) -> Stop {
        if self.sockets[id].name.is_some() {
            return fail("bind/exists-and-already-bound");
        }
        let object = match self.namespace.node(found).kind {
            // What the link leads to is what the program ran into.
            NodeKind::Link(_) => match self.find_file(caller.process, path, Final::Follow) {
                Ok(object) => object.node,
                Err(Broken::NotDirectory) => return fail("bind/not-a-socket"),
                Err(_) => return fail("bind/dangling-symlink"),
            },
            _ => found,
        };
        fail(match self.namespace.node(object).kind {
            NodeKind::Socket(Some(_)) => "bind/live-socket",
            NodeKind::Socket(None) => "bind/stale-socket",
            _ => "bind/not-a-socket",
        })
    }

    fn make_socket_file(
        &mut self,
        caller: Caller,
        id: SocketId,
        directory: NodeId,
        name: &[u8],
    ) -> NodeId {
        let mode = self.sockets[id].mode;
        self.add_file(caller, directory, name, NodeKind::Socket(Some(id)), mode)
    }
}

/// The causes of a walk that breaks before the last component.
fn broken(broken: Broken) -> Stop {
    fail(match broken {
        Broken::Missing { last: true, link: false, ref name, .. } if name.is_empty() => {
            "connect/no-such-file"
        }
        Broken::Missing { .. } => "bind/missing-directory",
        Broken::NotDirectory => "bind/not-a-directory",
        Broken::NoSearch(_) => "bind/no-write-permission",
        Broken::TooManyLinks => "bind/symlink-loop",
        Broken::NameTooLong => "connect/component-too-long",
        Broken::PathTooLong => "connect/path-too-long-after-symlinks",
        Broken::ProtectedLink => "connect/protected-symlink",
        Broken::Disconnected => "connect/dead-fuse-mount",
    })
}
