//! What a pathname leads to, as an observer in the caller's place finds it, component by
//! component.

use super::sockets::{bound_file, named};
use crate::Address;
use crate::fact::path::{End, FileId, FileKind, Mount, Space, Step, Variants, Walk};
use crate::fact::{PathTarget, Seen, SocketFact};
use crate::model::namespace::permission::Want;
use crate::model::namespace::tree::NodeKind;
use crate::model::namespace::walk::{Broken, Final};
use crate::model::namespace::{Namespace, NodeId};
use crate::model::process::Process;
use crate::model::world::{Caller, World};
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;

/// How many links the walk follows.
const LINKS: u32 = 40;

/// The longest name of a file, in bytes.
const NAME_MAX: usize = 255;

impl World {
    pub(super) fn path_facts(&self, caller: Caller, path: &[u8]) -> PathTarget {
        let process = &self.processes[caller.process];
        let mut tour = Tour::new(self, process, path);
        let end = tour.walk();
        let node = tour.nodes.last().copied().filter(|_| end == End::Found);
        let directory = tour.at;
        let walk = Walk { steps: tour.steps, end, named: tour.named };
        PathTarget {
            given: path.to_vec(),
            walk: Seen::Known(walk),
            attached: Seen::Known(self.attached(node)),
            namesakes: Seen::Known(self.namesakes(caller, path, node)),
            lookalikes: Seen::Known(self.lookalikes(node)),
            everywhere: Seen::Known(()),
            variants: self.variants(caller, path),
            open: Seen::default(),
            space: Seen::Known(self.space(directory)),
        }
    }

    fn attached(&self, node: Option<NodeId>) -> Vec<SocketFact> {
        let Some(node) = node else { return Vec::new() };
        self.sockets_where(|socket| bound_file(socket) == Some(node))
    }

    /// Sockets that were bound by the same name to another file.
    fn namesakes(&self, caller: Caller, path: &[u8], node: Option<NodeId>) -> Vec<SocketFact> {
        let absolute = self.absolute(caller.process, path);
        self.sockets_where(|socket| {
            let bound = socket.name.as_ref().and_then(|name| name.file.as_ref());
            bound.is_some_and(|bound| Some(bound.node) != node && bound.absolute == absolute)
        })
    }

    /// Sockets bound to the file of another file system of which this one is a view.
    fn lookalikes(&self, node: Option<NodeId>) -> Vec<SocketFact> {
        let original = node.and_then(|node| self.namespace.get(node)?.image_of);
        self.attached(original)
    }

    fn variants(&self, caller: Caller, path: &[u8]) -> Variants {
        let existing = |variant: Vec<u8>| {
            let other = variant != path && !variant.is_empty();
            let found = || self.find_file(caller.process, &variant, Final::Follow).is_ok();
            if other && found() { Some(variant) } else { None }
        };
        let slashed = (!path.starts_with(b"/")).then(|| [b"/", path].concat());
        let last = path.rsplit(|b| *b == b'/').next().unwrap_or(path);
        let spelt = last.strip_prefix(b"@");
        let net = self.processes[caller.process].net;
        let is_spelt = |name: &Vec<u8>| Some(name.as_slice()) == spelt;
        Variants {
            trimmed: Seen::Known(existing(path.trim_ascii().to_vec())),
            slashed: Seen::Known(slashed.and_then(existing)),
            abstract_name: Seen::Known(self.sockets_where(|socket| {
                let is_name = matches!(named(socket), Some(Address::Abstract(n)) if is_spelt(n));
                is_name && socket.net == net
            })),
        }
    }

    fn space(&self, directory: NodeId) -> Space {
        match self.namespace.mount(directory).full {
            true => Space { inodes: 1000, free_inodes: 0, free_bytes: 0 },
            false => Space { inodes: 1000, free_inodes: 900, free_bytes: 1 << 30 },
        }
    }

    /// The path, if a socket file is there.
    pub(super) fn socket_file(&self, caller: Caller, path: &[u8]) -> Option<Vec<u8>> {
        let found = self.find_file(caller.process, path, Final::Follow).ok()?;
        let is_socket = matches!(self.namespace.node(found.node).kind, NodeKind::Socket(_));
        is_socket.then(|| path.to_vec())
    }

    pub(super) fn file_id(&self, node: NodeId) -> FileId {
        let device = self.namespace.get(node).map_or(0, |node| u64::from(node.mount.number()));
        FileId { device: device + 1, inode: node.number() }
    }
}

/// A walk that notes every step.
struct Tour<'a> {
    world: &'a World,
    process: &'a Process,
    /// The directory that it has reached.
    at: NodeId,
    steps: Vec<Step>,
    /// What the steps are, in the same order.
    nodes: Vec<NodeId>,
    named: Option<usize>,
    /// Components to come, each with the link that it came out of.
    rest: VecDeque<(Vec<u8>, Option<Vec<u8>>)>,
    /// How many of them, at the end, are of the path as it was given.
    own: usize,
    slash: bool,
}

impl<'a> Tour<'a> {
    fn new(world: &'a World, process: &'a Process, path: &[u8]) -> Tour<'a> {
        let at = if path.starts_with(b"/") { process.root } else { process.directory };
        let rest: VecDeque<_> = components(path).map(|c| (c.to_vec(), None)).collect();
        let (own, slash) = (rest.len(), path.ends_with(b"/"));
        let (steps, nodes) = (Vec::new(), Vec::new());
        Tour { world, process, at, steps, nodes, named: None, rest, own, slash }
    }

    fn walk(&mut self) -> End {
        self.note(self.at, self.tree().path_of(self.at));
        if self.own == 0 && !self.slash {
            return End::Missing { name: Vec::new(), last: true, link: None };
        }
        let mut links = 0;
        while let Some((name, link)) = self.rest.pop_front() {
            let last = self.rest.is_empty();
            let given = self.rest.len() < self.own;
            self.own = self.own.min(self.rest.len());
            if let Some(end) = self.go(&name, link, (last, given && last), &mut links) {
                return end;
            }
        }
        End::Found
    }

    fn tree(&self) -> &'a Namespace {
        &self.world.namespace
    }

    /// One component further; how the walk ends if it does.
    fn go(
        &mut self,
        name: &[u8],
        link: Option<Vec<u8>>,
        (last, named): (bool, bool),
        links: &mut u32,
    ) -> Option<End> {
        if self.tree().mount(self.at).dead {
            return Some(End::Disconnected);
        }
        if !self.world.may(self.process, self.at, Want::SEARCH) {
            return Some(End::NoSearch);
        }
        match name {
            b"." => return None,
            b".." => {
                if self.at != self.process.root {
                    self.at = self.tree().entries(self.at).map_or(self.at, |d| d.parent);
                }
                self.note(self.at, self.tree().path_of(self.at));
                return None;
            }
            _ => {}
        }
        if name.len() > NAME_MAX {
            return Some(End::ComponentTooLong { link });
        }
        let found = match self.world.find_entry(self.process, self.at, name) {
            Ok(Some(found)) => found,
            Ok(None) => return Some(End::Missing { name: name.to_vec(), last, link }),
            Err(Broken::Disconnected) => return Some(End::Disconnected),
            Err(_) => return Some(End::ComponentTooLong { link }),
        };
        let path = [&self.tree().path_of(self.at), &b"/"[..], name].concat();
        self.note(found, path.clone());
        if named {
            self.named = Some(self.steps.len() - 1);
        }
        match &self.tree().node(found).kind {
            NodeKind::Link(target) => self.follow(found, target, path, (last, links)),
            NodeKind::Directory(_) => {
                self.at = found;
                None
            }
            _ => (!last || self.slash).then_some(End::NotDirectory),
        }
    }

    fn follow(
        &mut self,
        link: NodeId,
        target: &[u8],
        path: Vec<u8>,
        (last, links): (bool, &mut u32),
    ) -> Option<End> {
        *links += 1;
        if *links > LINKS {
            return Some(End::TooManyLinks);
        }
        let (node, directory) = (self.tree().node(link), self.tree().node(self.at));
        let strange = node.uid != self.process.credentials.users[1] && node.uid != directory.uid;
        let open = directory.mode & 0o1002 == 0o1002;
        if last && self.world.environment.protected_symlinks && open && strange {
            return Some(End::ProtectedLink);
        }
        self.slash |= last && target.ends_with(b"/");
        if target.starts_with(b"/") {
            self.at = self.process.root;
            self.note(self.at, self.tree().path_of(self.at));
        }
        for component in components(target).rev() {
            self.rest.push_front((component.to_vec(), Some(path.clone())));
        }
        None
    }

    fn note(&mut self, id: NodeId, path: Vec<u8>) {
        let node = self.tree().node(id);
        let kind = match node.kind {
            NodeKind::Directory(_) => FileKind::Directory,
            NodeKind::Link(_) => FileKind::Symlink,
            NodeKind::Socket(_) => FileKind::Socket,
            NodeKind::Regular => FileKind::Regular,
            NodeKind::Fifo => FileKind::Fifo,
            NodeKind::Device => FileKind::CharDevice,
        };
        let mount = self.tree().mount(id);
        let want = if kind == FileKind::Directory { Want::SEARCH } else { Want::WRITE };
        let place = crate::model::namespace::walk::Found { node: id, directory: self.at };
        let allows = self.world.may(self.process, id, want)
            && (kind == FileKind::Directory || !self.world.is_denied(self.process, place));
        let fs_type = match mount {
            m if m.dead => "fuse",
            m if m.no_sockets => "sysfs",
            _ if node.image_of.is_some() => "overlay",
            _ => "tmpfs",
        };
        self.nodes.push(id);
        self.steps.push(Step {
            path: if path.is_empty() { b"/".to_vec() } else { path },
            kind,
            mode: node.mode,
            uid: node.uid,
            gid: node.gid,
            file: self.world.file_id(id),
            removed: node.links == 0,
            immutable: Seen::Known(node.immutable),
            acl: Seen::Known(None),
            link: match &node.kind {
                NodeKind::Link(target) => Some(target.clone()),
                _ => None,
            },
            mount: Seen::Known(Mount {
                fs_type: String::from(fs_type),
                root: if node.links == 0 { b"/removed".to_vec() } else { b"/".to_vec() },
                read_only: mount.read_only,
                fs_read_only: mount.read_only,
                ..Mount::default()
            }),
            kernel_allows: Seen::Known(allows),
            ..Step::default()
        });
    }
}

fn components(path: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    path.split(|b| *b == b'/').filter(|component| !component.is_empty())
}
