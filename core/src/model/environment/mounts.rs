//! Mounts, flags of files, and what hides files from single processes or denies them.

use crate::Errno;
use crate::model::namespace::{Namespace, NodeId};
use crate::model::world::World;
use crate::op::Mount;

impl World {
    pub(super) fn mount(&mut self, at: &[u8], how: &Mount) -> Result<(), Errno> {
        let rules = &self.profile.names;
        let exists = match how {
            Mount::ReadOnly | Mount::Full => true,
            Mount::WithoutSockets => *rules.file_systems_without_sockets,
            Mount::DeadFuse => *rules.file_systems_of_programs,
            Mount::View { .. } => *rules.file_systems_of_images,
            Mount::Bind { .. } => *rules.mounts_of_files,
        };
        if !exists {
            return Err(Errno::EOPNOTSUPP);
        }
        let node = self.file_at(at)?;
        if let Mount::Bind { of } = how {
            return self.bind_mount(node, of);
        }
        let tree = &mut self.namespace;
        if !tree.is_directory(node) {
            return Err(Errno::ENOTDIR);
        }
        match how {
            Mount::ReadOnly => tree.mount_at(node).read_only = true,
            Mount::Full => tree.mount_at(node).full = true,
            Mount::WithoutSockets => tree.mount_at(node).no_sockets = true,
            Mount::DeadFuse => tree.mount_at(node).dead = true,
            Mount::View { of } => {
                let of = self.file_at(of)?;
                let tree = &mut self.namespace;
                // An image of itself would have no end.
                if !tree.is_directory(of) || tree.upwards(node).any(|above| above == of) {
                    return Err(Errno::EINVAL);
                }
                let view = tree.empty_over(node);
                tree.show_images(of, view);
                tree.cover(node, view);
            }
            Mount::Bind { .. } => {}
        }
        Ok(())
    }

    fn bind_mount(&mut self, at: NodeId, of: &[u8]) -> Result<(), Errno> {
        let of = self.file_at(of)?;
        let tree = &mut self.namespace;
        match (tree.is_directory(at), tree.is_directory(of)) {
            _ if at == of => return Err(Errno::EINVAL),
            (true, false) | (false, true) => return Err(Errno::ENOTDIR),
            // A directory that shows one above or below itself would make a circle.
            (true, true)
                if tree.upwards(at).any(|d| d == of) || tree.upwards(of).any(|d| d == at) =>
            {
                return Err(Errno::EINVAL);
            }
            _ => tree.cover(at, of),
        }
        Ok(())
    }

    pub(super) fn set_immutable(&mut self, path: &[u8], on: bool) -> Result<(), Errno> {
        if !*self.profile.names.immutable_files {
            return Err(Errno::EOPNOTSUPP);
        }
        let node = self.file_at(path)?;
        self.namespace.node_mut(node).immutable = on;
        Ok(())
    }

    /// The file that a path leads to that an administrator wrote down: it starts with a slash,
    /// and links are not followed.
    pub(super) fn file_at(&self, path: &[u8]) -> Result<NodeId, Errno> {
        if !path.starts_with(b"/") {
            return Err(Errno::ENOENT);
        }
        let tree = &self.namespace;
        let mut at = Namespace::ROOT;
        for name in path.split(|b| *b == b'/').filter(|name| !matches!(*name, b"" | b".")) {
            let directory = tree.entries(at).ok_or(Errno::ENOTDIR)?;
            at = match name {
                b".." => directory.parent,
                _ => *directory.entries.get(name).ok_or(Errno::ENOENT)?,
            };
            while let Some(top) = tree.node(at).covered_by {
                at = top;
            }
        }
        Ok(at)
    }
}
