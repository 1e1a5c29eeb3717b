//! The tree of files.

use crate::SocketType;
use crate::model::socket::{NetId, SocketId};
use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;
use core::iter::successors;

/// The number of a file; it is never given to another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct NodeId(u64);

/// The number of a mount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct MountId(u32);

impl NodeId {
    /// That of this number.
    pub(crate) const fn of(number: u64) -> NodeId {
        NodeId(number)
    }

    /// The bare number.
    pub(crate) fn number(self) -> u64 {
        self.0
    }
}

impl MountId {
    /// The bare number.
    pub(crate) fn number(self) -> u32 {
        self.0
    }
}

/// A file of some kind (an "inode").
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) kind: NodeKind,
    /// Permission bits.
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// Nobody may write to it.
    pub(crate) immutable: bool,
    pub(crate) mount: MountId,
    /// How many names it has; a directory has one until it is removed.
    pub(crate) links: u32,
    /// What is mounted over it.
    pub(crate) covered_by: Option<NodeId>,
    /// What it is mounted over, as the root of its mount.
    pub(crate) over: Option<NodeId>,
    /// Over how many files it is mounted; it can be reached as long as there are any.
    pub(crate) covers: u32,
    /// The file of another file system that it is an image of.
    pub(crate) image_of: Option<NodeId>,
}

/// What a file is.
#[derive(Debug, Clone)]
pub(crate) enum NodeKind {
    Directory(Directory),
    /// A symbolic link, and where it leads.
    Link(Vec<u8>),
    /// A socket's name, and the socket that is bound to it.
    Socket(Option<SocketId>),
    Regular,
    Fifo,
    /// A character device.
    Device,
}

/// What is in a directory.
#[derive(Debug, Clone)]
pub(crate) struct Directory {
    pub(crate) parent: NodeId,
    pub(crate) entries: BTreeMap<Vec<u8>, NodeId>,
}

/// A file system, mounted somewhere.
#[derive(Debug, Clone, Default)]
pub(crate) struct Mount {
    /// No name can be made or removed, no file written to.
    pub(crate) read_only: bool,
    /// No further file can be made.
    pub(crate) full: bool,
    /// It cannot hold sockets, FIFOs and devices.
    pub(crate) no_sockets: bool,
    /// It is served by a program that died.
    pub(crate) dead: bool,
}

/// Everything that has a name.
#[derive(Debug, Clone)]
pub(crate) struct Namespace {
    nodes: BTreeMap<NodeId, Node>,
    next: u64,
    mounts: Vec<Mount>,
    /// Abstract names, kept apart by network namespace and type.
    pub(super) names: BTreeMap<(NetId, SocketType), BTreeMap<Vec<u8>, SocketId>>,
    /// How many automatic names were searched so far.
    pub(super) searched: u32,
}

/// The file type of a directory in `st_mode`.
const DIRECTORY: u32 = 0o040_000;

impl Namespace {
    /// The directory that everything is in.
    pub(crate) const ROOT: NodeId = NodeId(0);

    /// A tree as a usual system has it: `/dev/null`, `/run` for root, `/tmp` for everybody.
    pub(crate) fn new() -> Namespace {
        let mut tree = Namespace {
            nodes: BTreeMap::new(),
            next: 0,
            mounts: vec![Mount::default()],
            names: BTreeMap::new(),
            searched: 0,
        };
        let root = tree.add(tree.directory(Self::ROOT, 0o755));
        for (name, mode) in [("dev", 0o755), ("run", 0o755), ("tmp", 0o1777)] {
            let made = tree.add(tree.directory(root, mode));
            tree.enter(root, name.as_bytes(), made);
            if name == "dev" {
                let null = tree.add(Node { kind: NodeKind::Device, mode: 0o666, ..tree.plain() });
                tree.enter(made, b"null", null);
            }
        }
        tree.node_mut(root).links = 1;
        tree
    }

    /// A file of root on the first mount.
    fn plain(&self) -> Node {
        Node {
            kind: NodeKind::Regular,
            mode: 0o644,
            uid: 0,
            gid: 0,
            immutable: false,
            mount: MountId(0),
            links: 0,
            covered_by: None,
            over: None,
            covers: 0,
            image_of: None,
        }
    }

    fn directory(&self, parent: NodeId, mode: u32) -> Node {
        let kind = NodeKind::Directory(Directory { parent, entries: BTreeMap::new() });
        Node { kind, mode, ..self.plain() }
    }

    /// A new file, without a name yet.
    pub(crate) fn add(&mut self, node: Node) -> NodeId {
        let id = NodeId(self.next);
        self.next += 1;
        self.nodes.insert(id, node);
        id
    }

    /// The file, if it still exists.
    pub(crate) fn get(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(&id)
    }

    /// The file.
    pub(crate) fn node(&self, id: NodeId) -> &Node {
        self.nodes.get(&id).expect("a file with a name exists")
    }

    pub(crate) fn node_mut(&mut self, id: NodeId) -> &mut Node {
        self.nodes.get_mut(&id).expect("a file with a name exists")
    }

    /// The mount that a file is on.
    pub(crate) fn mount(&self, id: NodeId) -> &Mount {
        &self.mounts[self.node(id).mount.0 as usize]
    }

    /// What is in a directory.
    pub(crate) fn entries(&self, id: NodeId) -> Option<&Directory> {
        match &self.get(id)?.kind {
            NodeKind::Directory(directory) => Some(directory),
            _ => None,
        }
    }

    pub(crate) fn is_directory(&self, id: NodeId) -> bool {
        self.entries(id).is_some()
    }

    /// What a name in a directory leads to, mounts not considered.
    pub(crate) fn entry(&self, directory: NodeId, name: &[u8]) -> Option<NodeId> {
        self.entries(directory)?.entries.get(name).copied()
    }

    /// Gives a file a name.
    pub(crate) fn enter(&mut self, directory: NodeId, name: &[u8], id: NodeId) {
        self.node_mut(id).links += 1;
        if let NodeKind::Directory(moved) = &mut self.node_mut(id).kind {
            moved.parent = directory;
        }
        let NodeKind::Directory(into) = &mut self.node_mut(directory).kind else { return };
        into.entries.insert(name.to_vec(), id);
    }

    /// Takes a name away; the file stays as long as it has others, or somebody uses it.
    pub(crate) fn leave(&mut self, directory: NodeId, name: &[u8]) -> Option<NodeId> {
        let NodeKind::Directory(from) = &mut self.node_mut(directory).kind else { return None };
        let id = from.entries.remove(name)?;
        self.node_mut(id).links -= 1;
        Some(id)
    }

    /// Frees a file that has no name and that nobody uses.
    pub(super) fn forget(&mut self, id: NodeId) {
        self.nodes.remove(&id);
    }

    /// Makes a directory the root of a mount of its own: what is in it stays.
    pub(crate) fn mount_at(&mut self, directory: NodeId) -> &mut Mount {
        let old = self.node(directory).mount;
        let new = MountId(self.mounts.len() as u32);
        self.mounts.push(self.mounts[old.0 as usize].clone());
        let mut moving = vec![directory];
        while let Some(id) = moving.pop() {
            let node = self.node_mut(id);
            node.mount = new;
            if let NodeKind::Directory(directory) = &node.kind {
                let inside: Vec<_> = directory.entries.values().copied().collect();
                moving.extend(inside.into_iter().filter(|id| self.node(*id).mount == old));
            }
        }
        &mut self.mounts[new.0 as usize]
    }

    /// Mounts a file or directory over another one.
    pub(crate) fn cover(&mut self, file: NodeId, by: NodeId) {
        self.node_mut(file).covered_by = Some(by);
        self.node_mut(by).covers += 1;
    }

    /// A new, empty directory of the same owner and mode, on a mount of its own, to lie over a
    /// directory.
    pub(crate) fn empty_over(&mut self, directory: NodeId) -> NodeId {
        let parent = self.entries(directory).map_or(directory, |d| d.parent);
        let below = self.node(directory).clone();
        let kind = NodeKind::Directory(Directory { parent, entries: BTreeMap::new() });
        let over = Some(directory);
        let root = self.add(Node { kind, links: 1, over, covered_by: None, covers: 0, ..below });
        *self.mount_at(root) = Mount::default();
        root
    }

    /// Puts images of everything that is in a directory now into another one: the same names and
    /// modes, but files of their own, to which no socket is bound.
    pub(crate) fn show_images(&mut self, of: NodeId, at: NodeId) {
        let mount = self.node(at).mount;
        let mut showing = vec![(of, at)];
        while let Some((from, to)) = showing.pop() {
            let Some(from) = self.entries(from) else { continue };
            let entries: Vec<_> = from.entries.iter().map(|(n, id)| (n.clone(), *id)).collect();
            for (name, id) in entries {
                let original = self.node(id);
                let kind = match &original.kind {
                    NodeKind::Directory(_) => {
                        NodeKind::Directory(Directory { parent: to, entries: BTreeMap::new() })
                    }
                    NodeKind::Socket(_) => NodeKind::Socket(None),
                    other => other.clone(),
                };
                let (covered_by, over, covers) = (None, None, 0);
                let node = Node { kind, mount, links: 0, ..original.clone() };
                let image = Node { image_of: Some(id), covered_by, over, covers, ..node };
                let image = self.add(image);
                self.enter(to, &name, image);
                if image != at && self.is_directory(image) {
                    showing.push((id, image));
                }
            }
        }
    }

    /// A directory and those above it.
    pub(crate) fn upwards(&self, directory: NodeId) -> impl Iterator<Item = NodeId> {
        successors(Some(directory), |at| {
            let parent = self.entries(*at)?.parent;
            (parent != *at).then_some(parent)
        })
    }

    /// The path of a directory from the root of everything.
    pub(crate) fn path_of(&self, directory: NodeId) -> Vec<u8> {
        let mut names: Vec<&[u8]> = Vec::new();
        let mut at = directory;
        while at != Self::ROOT {
            if let Some(below) = self.get(at).and_then(|node| node.over) {
                at = below;
            }
            let Some(parent) = self.entries(at).map(|d| d.parent) else { break };
            let Some(above) = self.entries(parent) else { break };
            let named = above.entries.iter().find(|(_, id)| **id == at);
            names.push(named.map_or(b"?", |(name, _)| name));
            at = parent;
        }
        let mut path = Vec::new();
        for name in names.iter().rev() {
            path.push(b'/');
            path.extend_from_slice(name);
        }
        path
    }
}

impl Node {
    /// The mode with the file type's bits, as `stat` gives it.
    pub(crate) fn full_mode(&self) -> u32 {
        let kind = match self.kind {
            NodeKind::Directory(_) => DIRECTORY,
            NodeKind::Link(_) => 0o120_000,
            NodeKind::Socket(_) => 0o140_000,
            NodeKind::Regular => 0o100_000,
            NodeKind::Fifo => 0o010_000,
            NodeKind::Device => 0o020_000,
        };
        kind | self.mode
    }
}
