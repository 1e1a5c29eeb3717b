//! Calls that make files, or further names for them.

use super::argument;
use crate::Errno;
use crate::model::namespace::permission::Want;
use crate::model::namespace::tree::{Directory, Node, NodeId, NodeKind};
use crate::model::namespace::walk::{Final, Last};
use crate::model::process::{Caps, Process};
use crate::model::stop::{Stop, Tried};
use crate::model::world::{Caller, World};
use crate::op::Ret;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// The permission bits, with those for changing user and group and the sticky bit.
const MODE_BITS: u32 = 0o7777;
/// Those that a new directory can have.
const DIRECTORY_BITS: u32 = 0o1777;
const SET_GROUP: u32 = 0o2000;

impl World {
    pub(super) fn create_file(&mut self, caller: Caller, path: &[u8], mode: u32) -> Tried {
        argument(path)?;
        self.check_vacancy(caller)?;
        let place = self.place(caller, path)?;
        if place.slash && matches!(place.last, Last::Name(_)) {
            return Err(Stop::Errno(Errno::EISDIR));
        }
        let (directory, name) = self.free_place(caller, path, false)?;
        self.make(caller, directory, &name, NodeKind::Regular, mode & MODE_BITS)
    }

    pub(super) fn mkdir(&mut self, caller: Caller, path: &[u8], mode: u32) -> Tried {
        let (directory, name) = self.free_place(caller, path, true)?;
        let inside = Directory { parent: directory, entries: BTreeMap::new() };
        let mode = mode & DIRECTORY_BITS;
        self.make(caller, directory, &name, NodeKind::Directory(inside), mode)
    }

    pub(super) fn mkfifo(&mut self, caller: Caller, path: &[u8], mode: u32) -> Tried {
        let (directory, name) = self.free_place(caller, path, false)?;
        self.make(caller, directory, &name, NodeKind::Fifo, mode & MODE_BITS)
    }

    pub(super) fn symlink(&mut self, caller: Caller, target: &[u8], path: &[u8]) -> Tried {
        let target = argument(target)?.to_vec();
        let (directory, name) = self.free_place(caller, path, false)?;
        self.make(caller, directory, &name, NodeKind::Link(target), 0o777)
    }

    pub(super) fn link(&mut self, caller: Caller, from: &[u8], to: &[u8]) -> Tried {
        let node = self.arrive(caller, from, Final::Keep)?;
        let (directory, name) = self.free_place(caller, to, false)?;
        let process = &self.processes[caller.process];
        let file = self.namespace.node(node);
        if file.mount != self.namespace.node(directory).mount {
            return Err(Stop::Errno(Errno::EXDEV));
        }
        if self.machine.protected_hardlinks && !self.may_link(process, node) {
            return Err(Stop::Errno(Errno::EPERM));
        }
        self.check_entries(process, directory)?;
        let special = matches!(file.kind, NodeKind::Directory(_));
        if file.immutable || special || self.namespace.mount(directory).no_sockets {
            return Err(Stop::Errno(Errno::EPERM));
        }
        if self.namespace.mount(directory).full {
            return Err(Stop::Errno(Errno::ENOSPC));
        }
        self.namespace.enter(directory, &name, node);
        Ok(Ret::Unit)
    }

    /// Whether `fs.protected_hardlinks` lets a process give a file a further name.
    fn may_link(&self, process: &Process, node: NodeId) -> bool {
        let file = self.namespace.node(node);
        let harmless = matches!(file.kind, NodeKind::Regular)
            && file.mode & 0o4000 == 0
            && file.mode & 0o2010 != 0o2010
            && self.may(process, node, Want::READ_AND_WRITE);
        harmless || self.owns(process, file)
    }

    /// Whether a process is the owner of a file, or may act as if.
    pub(super) fn owns(&self, process: &Process, file: &Node) -> bool {
        process.credentials.users[1] == file.uid || process.caps_over(file).contains(Caps::FOWNER)
    }

    /// The place for a new name: the directory exists, and the name does not.
    fn free_place(
        &self,
        caller: Caller,
        path: &[u8],
        for_directory: bool,
    ) -> Tried<(NodeId, Vec<u8>)> {
        let place = self.place(caller, path)?;
        let Last::Name(name) = place.last else { return Err(Stop::Errno(Errno::EEXIST)) };
        let process = &self.processes[caller.process];
        let found = self.find_entry(process, place.directory, &name).map_err(super::broken)?;
        if found.is_some() {
            return Err(Stop::Errno(Errno::EEXIST));
        }
        let removed = self.namespace.node(place.directory).links == 0;
        if removed || place.slash && !for_directory {
            return Err(Stop::Errno(Errno::ENOENT));
        }
        self.check_writable_mount(place.directory)?;
        Ok((place.directory, name))
    }

    fn make(
        &mut self,
        caller: Caller,
        directory: NodeId,
        name: &[u8],
        kind: NodeKind,
        mode: u32,
    ) -> Tried {
        self.check_entries(&self.processes[caller.process], directory)?;
        let mount = self.namespace.mount(directory);
        let plain = matches!(kind, NodeKind::Regular | NodeKind::Directory(_));
        if mount.no_sockets && !plain {
            return Err(Stop::Errno(Errno::EPERM));
        }
        if mount.full {
            return Err(Stop::Errno(Errno::ENOSPC));
        }
        self.add_file(caller, directory, name, kind, mode);
        Ok(Ret::Unit)
    }

    /// Makes a file in a directory that may be changed.
    pub(in crate::model::namespace) fn add_file(
        &mut self,
        caller: Caller,
        directory: NodeId,
        name: &[u8],
        kind: NodeKind,
        mode: u32,
    ) -> NodeId {
        let process = &self.processes[caller.process];
        let above = self.namespace.node(directory);
        let inherits = *self.profile.names.group_of_directory || above.mode & SET_GROUP != 0;
        let inherited = match kind {
            NodeKind::Directory(_) => above.mode & SET_GROUP,
            _ => 0,
        };
        let masked = if matches!(kind, NodeKind::Link(_)) { 0 } else { process.umask };
        let node = Node {
            kind,
            mode: mode & !masked | inherited,
            uid: process.credentials.users[1],
            gid: if inherits { above.gid } else { process.credentials.groups[1] },
            immutable: false,
            mount: above.mount,
            links: 0,
            covered_by: None,
            over: None,
            covers: 0,
            image_of: None,
        };
        let node = self.namespace.add(node);
        self.namespace.enter(directory, name, node);
        node
    }
}
