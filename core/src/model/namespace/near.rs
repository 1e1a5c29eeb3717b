//! The address leads to no socket: which of the reasons that look alike is it?
//!
//! The kernel gives one error for all of them. The model sees every socket and every file, so it
//! can tell whether the one that was meant is somewhere near.

use super::tree::{Node, NodeId, NodeKind};
use super::walk::Final;
use crate::SocketType;
use crate::model::process::ProcessId;
use crate::model::socket::{BoundFile, NetId, SocketId, State};
use crate::model::stop::{Stop, fail};
use crate::model::world::{Caller, World};
use alloc::vec::Vec;

impl World {
    /// Why nobody has this abstract name.
    #[cold]
    pub(super) fn no_abstract(&self, (net, kind): (NetId, SocketType), name: &[u8]) -> Stop {
        let bare = trim_nuls(name);
        let names = &self.namespace.names;
        let here = names.get(&(net, kind));
        if here.is_some_and(|names| names.keys().any(|other| trim_nuls(other) == bare)) {
            return fail("connect/abstract-padded");
        }
        let mut elsewhere = names.iter().filter(|((_, other), _)| *other == kind);
        fail(match elsewhere.any(|(_, names)| names.contains_key(name)) {
            true => "connect/abstract-other-namespace",
            false => "connect/abstract-nobody",
        })
    }

    /// What explains a missing file better than that it is missing. `missing` is where it would
    /// be, if its directory exists.
    pub(super) fn something_near(
        &self,
        caller: Caller,
        socket: SocketId,
        path: &[u8],
        missing: Option<(NodeId, &[u8])>,
    ) -> Option<&'static str> {
        let exists = |path: &[u8]| {
            !path.is_empty() && self.find_file(caller.process, path, Final::Follow).is_ok()
        };
        let trimmed = path.trim_ascii();
        if trimmed.len() < path.len() && exists(trimmed) {
            return Some("connect/stray-whitespace");
        }
        if !path.is_empty() && !path.starts_with(b"/") && exists(&[b"/", path].concat()) {
            return Some("connect/lost-leading-slash");
        }
        if self.is_abstract_name(socket, path) {
            return Some("connect/abstract-written-as-path");
        }
        let found = self.namesake(caller.process, path, missing, None)?;
        // Where all processes have the same mounts, one of those hides it from everybody.
        let elsewhere = *self.profile.names.private_mounts && self.is_where_it_was(found);
        Some(match elsewhere {
            true => "connect/other-mount-namespace",
            false => "connect/unlinked-live",
        })
    }

    /// Whether the path is what tools print for an abstract name that somebody has.
    fn is_abstract_name(&self, socket: SocketId, path: &[u8]) -> bool {
        let last = path.rsplit(|b| *b == b'/').next().unwrap_or(path);
        let Some(name) = last.strip_prefix(b"@") else { return false };
        let net = self.sockets[socket].net;
        let here = self.namespace.names.iter().filter(|((other, _), _)| *other == net);
        here.into_iter().any(|(_, names)| names.contains_key(name))
    }

    /// Whether the file of a socket still has the name with which it was bound.
    fn is_where_it_was(&self, bound: &BoundFile) -> bool {
        self.namespace.entry(bound.directory, &bound.name) == Some(bound.node)
    }

    /// Why nobody is bound to a socket file.
    #[cold]
    pub(super) fn nobody(&self, caller: Caller, path: &[u8], node: NodeId) -> Stop {
        let file = self.namespace.node(node);
        let original = file.image_of.and_then(|original| self.namespace.get(original));
        let is_live = |node: &Node| matches!(node.kind, NodeKind::Socket(Some(_)));
        fail(if file.links == 0 {
            // Only a mount of this single file still leads to it.
            "connect/stale-bind-mount"
        } else if original.is_some_and(is_live) {
            "connect/other-filesystem-view"
        } else if self.namesake(caller.process, path, None, Some(node)).is_some() {
            "connect/path-rebound"
        } else {
            "connect/stale-socket"
        })
    }

    /// A live socket that could serve, and that was bound to this path or to a name in this place,
    /// but not to this file.
    fn namesake(
        &self,
        process: ProcessId,
        path: &[u8],
        place: Option<(NodeId, &[u8])>,
        file: Option<NodeId>,
    ) -> Option<&BoundFile> {
        let absolute = self.absolute(process, path);
        let is_meant = |bound: &BoundFile| {
            Some(bound.node) != file
                && (bound.absolute == absolute || place == Some((bound.directory, &*bound.name)))
        };
        let serving = self.sockets.iter().filter(|(_, socket)| match socket.state {
            State::Listening(_) => !socket.dead,
            _ => socket.kind == SocketType::Datagram && !socket.dead,
        });
        let mut bound = serving.filter_map(|(_, socket)| socket.name.as_ref()?.file.as_deref());
        bound.find(|bound| is_meant(bound))
    }

    /// The path from the root of everything, with single slashes and without dots.
    pub(crate) fn absolute(&self, process: ProcessId, path: &[u8]) -> Vec<u8> {
        let process = &self.processes[process];
        let start = if path.starts_with(b"/") { process.root } else { process.directory };
        let mut absolute = self.namespace.path_of(start);
        for component in path.split(|b| *b == b'/') {
            if !component.is_empty() && component != b"." {
                absolute.push(b'/');
                absolute.extend_from_slice(component);
            }
        }
        absolute
    }
}

fn trim_nuls(name: &[u8]) -> &[u8] {
    let end = name.iter().rposition(|b| *b != 0).map_or(0, |at| at + 1);
    &name[..end]
}
