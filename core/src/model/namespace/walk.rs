//! Walks along a path, one component at a time, as the kernel does.

use super::permission::Want;
use super::tree::{NodeId, NodeKind};
use crate::Errno;
use crate::model::process::{Process, ProcessId};
use crate::model::world::World;
use alloc::vec::Vec;

/// The longest name of a file, in bytes.
const NAME_MAX: usize = 255;

/// How a walk ends that does not arrive.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// A component does not exist.
    Missing {
        /// The directory that lacks it.
        directory: NodeId,
        name: Vec<u8>,
        /// It is the last one.
        last: bool,
        /// It came out of a symbolic link.
        link: bool,
    },
    /// The path goes on below something that is not a directory.
    NotDirectory,
    /// The caller may not search this directory.
    NoSearch(NodeId),
    TooManyLinks,
    /// A component is too long.
    NameTooLong,
    /// The path with a link's target put in is too long.
    PathTooLong,
    /// A link in a sticky directory belongs to somebody else.
    ProtectedLink,
    /// A file system on the way does not answer.
    Disconnected,
}

impl Broken {
    /// The errno of calls that the catalogue does not treat; those that it does have causes.
    pub(super) fn errno(&self) -> Errno {
        match self {
            Broken::Missing { .. } => Errno::ENOENT,
            Broken::NotDirectory => Errno::ENOTDIR,
            Broken::NoSearch(_) | Broken::ProtectedLink => Errno::EACCES,
            Broken::TooManyLinks => Errno::ELOOP,
            Broken::NameTooLong | Broken::PathTooLong => Errno::ENAMETOOLONG,
            Broken::Disconnected => Errno::ENOTCONN,
        }
    }
}

/// Where a walk arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) node: NodeId,
    /// The directory in which it was found.
    pub(crate) directory: NodeId,
}

/// The last component of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Last {
    Name(Vec<u8>),
    /// `.`
    Dot,
    /// `..`
    DotDot,
    /// The path is of slashes only.
    Root,
}

/// Where a name is, or can be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) directory: NodeId,
    pub(crate) last: Last,
    /// Slashes follow, so only a directory can be meant.
    pub(crate) slash: bool,
}

/// What to do with a symbolic link as the last component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Final {
    Follow,
    /// It is meant itself.
    Keep,
}

/// Where the walk is.
struct Walk<'a> {
    world: &'a World,
    process: &'a Process,
    at: NodeId,
    /// The directory in which `at` was found.
    before: NodeId,
    /// What is left of the path, with the targets of links put in.
    rest: Vec<u8>,
    /// How many bytes at its end are those of the path as it was given.
    own: usize,
    /// Links followed so far.
    links: u32,
}

/// The next component.
struct Component {
    name: Vec<u8>,
    last: bool,
    slash: bool,
    link: bool,
}

impl World {
    /// The file that a path leads to.
    pub(crate) fn find_file(
        &self,
        process: ProcessId,
        path: &[u8],
        last: Final,
    ) -> Result<Found, Broken> {
        let mut walk = Walk::new(self, process, path)?;
        while let Some(component) = walk.next() {
            walk.search()?;
            walk.go(&component, last)?;
        }
        Ok(Found { node: walk.at, directory: walk.before })
    }

    /// The directory in which the last component of a path is, or can be made, and that component.
    pub(crate) fn find_place(&self, process: ProcessId, path: &[u8]) -> Result<Place, Broken> {
        let mut walk = Walk::new(self, process, path)?;
        while let Some(component) = walk.next() {
            walk.search()?;
            if component.last {
                let last = match &*component.name {
                    b"." => Last::Dot,
                    b".." => Last::DotDot,
                    _ => Last::Name(component.name),
                };
                return Ok(Place { directory: walk.at, last, slash: component.slash });
            }
            walk.go(&component, Final::Follow)?;
        }
        Ok(Place { directory: walk.at, last: Last::Root, slash: true })
    }

    /// What a name in a directory leads to.
    pub(crate) fn find_entry(
        &self,
        process: &Process,
        directory: NodeId,
        name: &[u8],
    ) -> Result<Option<NodeId>, Broken> {
        let tree = &self.namespace;
        if tree.mount(directory).dead {
            return Err(Broken::Disconnected);
        }
        if tree.node(directory).links > 0 && name.len() > NAME_MAX {
            return Err(Broken::NameTooLong);
        }
        Ok(tree.entry(directory, name).map(|id| self.seen(process, id)))
    }

    /// What a process sees at a file: itself, or what was mounted over it last.
    fn seen(&self, process: &Process, mut id: NodeId) -> NodeId {
        let private = &process.restrictions.covered;
        let over = |id| private.iter().find(|(below, _)| *below == id).map(|(_, top)| *top);
        while let Some(top) = over(id).or(self.namespace.node(id).covered_by) {
            id = top;
        }
        id
    }
}

impl<'a> Walk<'a> {
    fn new(world: &'a World, process: ProcessId, path: &[u8]) -> Result<Walk<'a>, Broken> {
        let process = &world.processes[process];
        let at = if path.starts_with(b"/") { process.root } else { process.directory };
        if path.is_empty() {
            let name = Vec::new();
            return Err(Broken::Missing { directory: at, name, last: true, link: false });
        }
        Ok(Walk { world, process, at, before: at, rest: path.to_vec(), own: path.len(), links: 0 })
    }

    /// Takes the next component off the rest of the path.
    fn next(&mut self) -> Option<Component> {
        let start = self.rest.iter().position(|b| *b != b'/')?;
        let link = self.rest.len() - start > self.own;
        let length = self.rest[start..].iter().position(|b| *b == b'/');
        let end = length.map_or(self.rest.len(), |length| start + length);
        let name = self.rest[start..end].to_vec();
        let last = self.rest[end..].iter().all(|b| *b == b'/');
        self.rest.drain(..end);
        self.own = self.own.min(self.rest.len());
        Some(Component { name, last, slash: !self.rest.is_empty(), link })
    }

    fn search(&self) -> Result<(), Broken> {
        if self.world.namespace.mount(self.at).dead {
            return Err(Broken::Disconnected);
        }
        match self.world.may(self.process, self.at, Want::SEARCH) {
            true => Ok(()),
            false => Err(Broken::NoSearch(self.at)),
        }
    }

    fn go(&mut self, component: &Component, last: Final) -> Result<(), Broken> {
        let tree = &self.world.namespace;
        match &*component.name {
            b"." => {}
            b".." if self.at == self.process.root => {}
            b".." => {
                // What was above a directory that was mounted elsewhere may be gone.
                let parent = tree.entries(self.at).map(|d| d.parent);
                self.at = parent.filter(|at| tree.is_directory(*at)).unwrap_or(self.at);
            }
            name => {
                let found = self.world.find_entry(self.process, self.at, name)?;
                let found = found.ok_or_else(|| Broken::Missing {
                    directory: self.at,
                    name: name.to_vec(),
                    last: component.last,
                    link: component.link,
                })?;
                if let NodeKind::Link(target) = &tree.node(found).kind
                    && (!component.last || component.slash || last == Final::Follow)
                {
                    return self.follow(found, target, component.last);
                }
                (self.before, self.at) = (self.at, found);
            }
        }
        if (!component.last || component.slash) && !tree.is_directory(self.at) {
            return Err(Broken::NotDirectory);
        }
        Ok(())
    }

    /// Puts the target of a link in front of the rest of the path.
    fn follow(&mut self, link: NodeId, target: &[u8], last: bool) -> Result<(), Broken> {
        let rules = &self.world.profile.names;
        self.links += 1;
        if self.links > *rules.links {
            return Err(Broken::TooManyLinks);
        }
        if last && self.is_protected(link) {
            return Err(Broken::ProtectedLink);
        }
        if rules.expanded_path.is_some_and(|most| target.len() + self.rest.len() > most) {
            return Err(Broken::PathTooLong);
        }
        if target.starts_with(b"/") {
            self.at = self.process.root;
        }
        self.rest.splice(..0, target.iter().copied());
        Ok(())
    }

    /// Whether `fs.protected_symlinks` forbids following a link as the last component.
    fn is_protected(&self, link: NodeId) -> bool {
        const STICKY_FOR_ALL: u32 = 0o1002;
        let tree = &self.world.namespace;
        let (link, directory) = (tree.node(link), tree.node(self.at));
        self.world.environment.protected_symlinks
            && directory.mode & STICKY_FOR_ALL == STICKY_FOR_ALL
            && link.uid != self.process.credentials.users[1]
            && link.uid != directory.uid
    }
}
