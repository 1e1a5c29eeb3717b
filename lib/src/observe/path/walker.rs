//! The walk itself: what the kernel does with a path, one component at a time.
//!
//! The order of checks is that of `link_path_walk` in `fs/namei.c`: the directory must be one, the
//! caller must be allowed to search it, and only then is the next name looked up in it. Every look
//! is through a descriptor of the directory reached so far, so that the walk is that of one path
//! even while names are changed.

use super::Ground;
use super::look::{Look, look};
use super::pending::{Component, Pending};
use crate::observe::mounts::{Entry, Mounts};
use crate::sys::{Errno, errno, file};
use std::ops::ControlFlow;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use sunpath_core::fact::caller::Capabilities;
use sunpath_core::fact::path::{End, FileId, FileKind, Step, Walk};
use sunpath_core::fact::permission::{Permission, Want, judge};
use sunpath_core::fact::{Seen, Unseen};

/// The kernel follows as many symbolic links.
const MOST_LINKS: u32 = 40;

/// The longest name of a file (`NAME_MAX`).
const LONGEST_NAME: usize = 255;

/// More steps than any path that fits into an address has, links included, but for contrived ones.
const MOST_STEPS: usize = 1 << 12;

/// Goes on, or ends so.
type Flow = ControlFlow<End>;

/// Where the walk stands.
struct Place {
    file: Arc<OwnedFd>,
    mount_id: Option<u64>,
    /// The index of its step.
    step: usize,
}

pub(super) struct Walker<'a> {
    ground: &'a Ground,
    mounts: &'a Seen<Mounts>,
    root: Arc<OwnedFd>,
    here: Place,
    pending: Pending,
    links: u32,
    /// Slashes followed the last component: it must be a directory.
    wants_directory: bool,
    steps: Vec<Step>,
    named: Option<usize>,
}

/// Walks a path that has no NUL and is not empty.
///
/// # Errors
/// The place from which it starts is not visible.
pub(super) fn walk(path: &[u8], ground: &Ground, mounts: &Seen<Mounts>) -> Result<Walk, Unseen> {
    let root = place(&ground.root)?;
    let absolute = path.starts_with(b"/");
    let start = if absolute { Arc::clone(&root) } else { place(&ground.cwd)? };
    let name = if absolute { b"/".to_vec() } else { ground.cwd_name() };
    let seen = look(start.as_fd(), name, mounts, ground.myself);
    let Look { step, mount_id } = seen.map_err(|e| Unseen::Failed { error: errno::told(e) })?;
    let walker = Walker {
        ground,
        mounts,
        root,
        here: Place { file: start, mount_id, step: 0 },
        pending: Pending::new(path),
        links: 0,
        wants_directory: false,
        steps: vec![step],
        named: None,
    };
    Ok(walker.run())
}

fn place(place: &Seen<Arc<OwnedFd>>) -> Result<Arc<OwnedFd>, Unseen> {
    match place {
        Seen::Known(file) => Ok(Arc::clone(file)),
        Seen::Unseen(reason) => Err(reason.clone()),
    }
}

impl Walker<'_> {
    fn run(mut self) -> Walk {
        let mut end = End::Found;
        while let Some(component) = self.pending.next() {
            if let ControlFlow::Break(early) = self.advance(component) {
                end = early;
                break;
            }
        }
        if end == End::Found {
            if self.steps.len() == 1 {
                self.named = Some(0);
            }
            // A link such as `here -> .` leads to where the walk stood already.
            if self.here.step + 1 < self.steps.len() {
                self.steps.push(self.standing().clone());
                self.here.step = self.steps.len() - 1;
            }
            if self.wants_directory && self.standing().kind != FileKind::Directory {
                end = End::NotDirectory;
            }
        }
        Walk { steps: self.steps, end, named: self.named }
    }

    fn standing(&self) -> &Step {
        &self.steps[self.here.step]
    }

    fn advance(&mut self, component: Component) -> Flow {
        if self.steps.len() >= MOST_STEPS {
            return ControlFlow::Break(End::Failed { errno: errno::name(Errno::NAMETOOLONG) });
        }
        self.may_enter()?;
        self.wants_directory |= component.slash;
        match component.name.as_slice() {
            b"." => {
                self.name_if_last(&component, self.here.step);
                return ControlFlow::Continue(());
            }
            b".." => return self.ascend(&component),
            name if name.len() > LONGEST_NAME => {
                return ControlFlow::Break(End::ComponentTooLong { link: component.link });
            }
            _ => {}
        }
        let opened = match file::open_path(self.here.file.as_fd(), &component.name) {
            Ok(opened) => opened,
            Err(errno) => return ControlFlow::Break(self.stopped(errno, component)),
        };
        let path = join(&self.standing().path, &component.name);
        let found = self.look(opened, path)?;
        self.name_if_last(&component, found.step);
        if self.steps[found.step].kind == FileKind::Symlink {
            return self.follow(found, component);
        }
        self.here = found;
        ControlFlow::Continue(())
    }

    fn name_if_last(&mut self, component: &Component, step: usize) {
        if component.last && component.link.is_none() {
            self.named = Some(step);
        }
    }

    /// Whether the caller may look a name up where the walk stands.
    fn may_enter(&self) -> Flow {
        let step = self.standing();
        if step.kind != FileKind::Directory {
            return ControlFlow::Break(End::NotDirectory);
        }
        let entry = self.mount(self.here.mount_id);
        if let (Some(owner), Some(ids)) =
            (entry.and_then(Entry::only_user), self.ground.caller.ids.known())
            && owner != ids.uid
        {
            return ControlFlow::Break(End::NoSearch);
        }
        // The kernel's own answer also knows of security modules and servers of file systems.
        let allowed = match (&step.kernel_allows, judge(&self.ground.caller, step, Want::Search)) {
            (Seen::Known(allowed), _) => *allowed,
            (_, Seen::Known(Permission::Denied(_))) => false,
            _ => true,
        };
        if !allowed {
            // In /proc a process may search more of its own directories than their modes say.
            let proc = entry.is_some_and(|e| e.mount.fs_type == "proc");
            let hidden = proc && !self.ground.myself;
            let end = if hidden { End::Hidden { errno: None } } else { End::NoSearch };
            return ControlFlow::Break(end);
        }
        // A name looked up in an automount directory would mount something.
        if entry.is_some_and(|e| e.mount.fs_type == "autofs") {
            return ControlFlow::Break(End::Hidden { errno: None });
        }
        ControlFlow::Continue(())
    }

    fn mount(&self, id: Option<u64>) -> Option<&Entry> {
        self.mounts.known()?.get(id?)
    }

    /// Looks at a file and makes a step of it.
    fn look(&mut self, opened: OwnedFd, path: Vec<u8>) -> ControlFlow<End, Place> {
        let ask = self.ground.myself;
        match look(opened.as_fd(), path.clone(), self.mounts, ask) {
            Ok(Look { step, mount_id }) => {
                self.steps.push(step);
                let step = self.steps.len() - 1;
                ControlFlow::Continue(Place { file: Arc::new(opened), mount_id, step })
            }
            Err(Errno::ACCESS) => ControlFlow::Break(self.locked_out(&opened, path)),
            Err(errno) => ControlFlow::Break(self.blind(errno)),
        }
    }

    /// The end of a walk at a FUSE file system of somebody else, which does not let even root look
    /// at its top directory.
    fn locked_out(&mut self, opened: &OwnedFd, path: Vec<u8>) -> End {
        let entry = file::mount_id(opened.as_fd()).ok().and_then(|id| self.mount(Some(id)));
        let Some((entry, owner)) = entry.and_then(|e| Some((e, e.only_user()?))) else {
            return self.blind(Errno::ACCESS);
        };
        let others = self.ground.caller.ids.test(|ids| ids.uid != owner) == Some(true);
        let step = Step {
            path,
            kind: FileKind::Directory,
            uid: owner,
            file: FileId { device: entry.device, inode: 1 },
            mount: Seen::Known(entry.mount.clone()),
            kernel_allows: if self.ground.myself { Seen::Known(false) } else { Seen::default() },
            ..Step::default()
        };
        self.steps.push(step);
        if others { End::NoSearch } else { self.blind(Errno::ACCESS) }
    }

    /// The end of a walk whose next file cannot be opened.
    fn stopped(&self, errno: Errno, component: Component) -> End {
        let Component { name, link, last, .. } = component;
        match errno {
            Errno::NOENT => End::Missing { name, last, link },
            Errno::NAMETOOLONG => End::ComponentTooLong { link },
            Errno::NOTDIR => End::NotDirectory,
            other => self.blind(other),
        }
    }

    /// The end of a walk at an error that the observer got.
    fn blind(&self, errno: Errno) -> End {
        let name = errno::name(errno);
        match errno {
            Errno::NOTCONN => End::Disconnected,
            // A process out of descriptors can still connect, but not look.
            Errno::MFILE | Errno::NFILE | Errno::NOMEM => End::Hidden { errno: name },
            Errno::ACCESS | Errno::PERM if !self.ground.myself => End::Hidden { errno: name },
            _ => End::Failed { errno: name },
        }
    }

    /// `..`: the kernel does not go above the root directory.
    fn ascend(&mut self, component: &Component) -> Flow {
        let path = parent(&self.standing().path);
        let at_root = match (file::status(self.here.file.as_fd()), file::status(self.root.as_fd()))
        {
            (Ok(here), Ok(root)) => {
                (here.stx_mnt_id, here.stx_ino, here.stx_dev_major, here.stx_dev_minor)
                    == (root.stx_mnt_id, root.stx_ino, root.stx_dev_major, root.stx_dev_minor)
            }
            (Err(errno), _) | (_, Err(errno)) => return ControlFlow::Break(self.blind(errno)),
        };
        if at_root {
            return self.enter_root(component);
        }
        match file::open_path(self.here.file.as_fd(), b"..") {
            Ok(opened) => self.here = self.look(opened, path)?,
            Err(errno) => return ControlFlow::Break(self.blind(errno)),
        }
        self.name_if_last(component, self.here.step);
        ControlFlow::Continue(())
    }

    /// Goes to the caller's root directory.
    fn enter_root(&mut self, component: &Component) -> Flow {
        let seen = look(self.root.as_fd(), b"/".to_vec(), self.mounts, self.ground.myself);
        let Look { step, mount_id } = match seen {
            Ok(seen) => seen,
            Err(errno) => return ControlFlow::Break(self.blind(errno)),
        };
        self.steps.push(step);
        let step = self.steps.len() - 1;
        self.here = Place { file: Arc::clone(&self.root), mount_id, step };
        if component.name == b".." {
            self.name_if_last(component, step);
        }
        ControlFlow::Continue(())
    }

    /// Follows the symbolic link at `found`, which `component` named.
    fn follow(&mut self, found: Place, component: Component) -> Flow {
        if self.links == MOST_LINKS {
            return ControlFlow::Break(End::TooManyLinks);
        }
        self.links += 1;
        if component.last {
            self.may_follow(found.step)?;
        }
        if self.mount(found.mount_id).is_some_and(Entry::forbids_links) {
            return ControlFlow::Break(End::Failed { errno: errno::name(Errno::LOOP) });
        }
        let target = match file::link(found.file.as_fd()) {
            Ok(target) => target,
            Err(errno) => return ControlFlow::Break(self.blind(errno)),
        };
        let proc = self.mount(found.mount_id).is_some_and(|e| e.mount.fs_type == "proc");
        if proc && file::is_magic(self.here.file.as_fd(), &component.name) {
            return self.jump(found, &component, target);
        }
        let target = if proc { self.itself(&component.name, target)? } else { target };
        let step = &mut self.steps[found.step];
        step.link = Some(target.clone());
        let path = step.path.clone();
        let absolute = target.starts_with(b"/");
        self.pending.follow(target, path);
        if absolute { self.enter_root(&component) } else { ControlFlow::Continue(()) }
    }

    /// `fs.protected_symlinks`: in a sticky directory that everyone can write to, a link at the
    /// end of a path is followed only for its owner, or if it belongs to the directory's owner.
    fn may_follow(&self, link: usize) -> Flow {
        let (directory, link) = (self.standing(), &self.steps[link]);
        let shared = directory.mode & 0o1002 == 0o1002;
        if !self.ground.protected_links || !shared || directory.uid == link.uid {
            return ControlFlow::Continue(());
        }
        match self.ground.caller.ids.known() {
            Some(ids) if ids.uid == link.uid => ControlFlow::Continue(()),
            Some(_) => ControlFlow::Break(End::ProtectedLink),
            None => ControlFlow::Break(End::Hidden { errno: None }),
        }
    }

    /// Whether the caller may follow a magic link, as far as can be told: that takes the right to
    /// trace the process to which it belongs, unless that is the caller itself.
    fn may_jump(&self, link: &Place) -> bool {
        if self.ground.myself {
            return true;
        }
        let caller = &self.ground.caller;
        let traces = caller.capabilities.is(|c| c.has(Capabilities::SYS_PTRACE))
            && caller.user_namespace.is(|n| n.initial);
        traces || self.mount(link.mount_id).is_some_and(|proc| self.is_own(link, &proc.mount.point))
    }

    /// Whether a file of the `/proc` that is mounted at `point` is of the caller itself.
    fn is_own(&self, file: &Place, point: &[u8]) -> bool {
        let Some((outer, inner)) = self.ground.pids else { return false };
        let below = self.steps[file.step].path.strip_prefix(point);
        let pid = below.and_then(|b| b.split(|b| *b == b'/').find(|name| !name.is_empty()));
        outer == inner && pid == Some(outer.to_string().as_bytes())
    }

    /// Follows a magic link of `/proc`, whose text is only a description.
    fn jump(&mut self, link: Place, component: &Component, text: Vec<u8>) -> Flow {
        if !self.may_jump(&link) {
            return ControlFlow::Break(End::Hidden { errno: None });
        }
        let opened = match file::open_path_following(self.here.file.as_fd(), &component.name) {
            Ok(opened) => opened,
            Err(errno) => return ControlFlow::Break(self.blind(errno)),
        };
        self.steps[link.step].link = Some(text.clone());
        let path = if text.starts_with(b"/") { text } else { self.steps[link.step].path.clone() };
        self.here = self.look(opened, path)?;
        ControlFlow::Continue(())
    }

    /// `/proc/self` leads everyone to its own directory: the caller, not the observer.
    fn itself(&self, name: &[u8], target: Vec<u8>) -> ControlFlow<End, Vec<u8>> {
        let top = self.standing().file.inode == 1;
        if self.ground.myself || !top || !matches!(name, b"self" | b"thread-self") {
            return ControlFlow::Continue(target);
        }
        let Some((outer, inner)) = self.ground.pids else {
            return ControlFlow::Break(End::Hidden { errno: None });
        };
        let observers = file::status_at(file::WORKING_DIRECTORY, b"/proc").is_ok_and(|s| {
            self.standing().file.device
                == u64::from(s.stx_dev_major) << 32 | u64::from(s.stx_dev_minor)
        });
        let pid = if observers { outer } else { inner };
        ControlFlow::Continue(match name {
            b"self" => pid.to_string().into_bytes(),
            _ => format!("{pid}/task/{pid}").into_bytes(),
        })
    }
}

fn join(directory: &[u8], name: &[u8]) -> Vec<u8> {
    let slash: &[u8] = if directory.ends_with(b"/") { b"" } else { b"/" };
    [directory, slash, name].concat()
}

fn parent(path: &[u8]) -> Vec<u8> {
    match path.iter().rposition(|b| *b == b'/') {
        Some(0) => b"/".to_vec(),
        Some(slash) => path[..slash].to_vec(),
        None => join(path, b".."),
    }
}
