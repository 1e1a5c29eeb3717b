//! A process, as its directory in `/proc` shows it.

use super::View;
use super::status::{self, Status};
use crate::observe::accounts::Accounts;
use crate::observe::procfs;
use crate::sys::{Errno, errno, file};
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;
use std::sync::Arc;
use sunpath_core::fact::caller::{Caller, Capabilities, Group, IdRange, Ids, UserNamespace};
use sunpath_core::fact::process::DescriptorUse;
use sunpath_core::fact::{Seen, Unseen};

/// The kernel tells nobody who is in a Landlock domain.
pub(super) const UNKNOWN_DOMAIN: Unseen =
    Unseen::Absent { what: "a way to ask the kernel about Landlock domains" };

/// The inode number of the initial user namespace, on every kernel since 3.8.
const INITIAL_USER_NAMESPACE: u64 = 0xefff_fffd;

/// What was read of a process.
pub(super) struct Process {
    directory: Arc<OwnedFd>,
    pid: Option<u32>,
    status: Seen<Status>,
}

impl Process {
    /// Reads who it is. `pid` is the number by which it was asked for; None: the calling thread.
    pub(super) fn read(directory: OwnedFd, pid: Option<u32>) -> Process {
        let text = procfs::read(directory.as_fd(), b"status");
        let status = procfs::seen(text, "/proc/PID/status").map(|t| status::status(&t));
        Process { directory: Arc::new(directory), pid, status }
    }

    /// Whether its directory is there, but empty: it is gone, or `/proc` is mounted with `hidepid`.
    pub(super) fn is_concealed(&self) -> bool {
        matches!(self.status.unseen(), Some(Unseen::Absent { .. }))
    }

    /// The capabilities that a root process of this user namespace could have.
    pub(super) fn bounding(directory: &OwnedFd) -> Option<u64> {
        status::status(&procfs::read(directory.as_fd(), b"status").ok()?).bounding
    }

    pub(super) fn view(self, accounts: Rc<Accounts>) -> View {
        let root = procfs::place(&self.directory, "root").map(Arc::new);
        let cwd = procfs::place(&self.directory, "cwd").map(Arc::new);
        let caller = self.caller(&accounts);
        let own = self.pid.unwrap_or_else(std::process::id);
        let inner = self.status.known().and_then(|s| s.pids.last().copied()).unwrap_or(own);
        let pids = Some((own, inner));
        View { caller, myself: false, root, cwd, proc: Some(self.directory), pids, accounts }
    }

    fn caller(&self, accounts: &Accounts) -> Caller {
        let directory = self.directory.as_fd();
        let ids = self.field(|s| Some(Ids { uid: s.uid?, gid: s.gid?, groups: s.groups.clone()? }));
        let uid = ids.known().map(|ids| ids.uid);
        let label = procfs::read(directory, b"attr/current");
        Caller {
            pid: self.pid,
            user_name: uid.and_then(|uid| accounts.user_name(uid)),
            capabilities: self.field(|s| s.effective.map(Capabilities)),
            user_namespace: self.user_namespace(),
            account_groups: match uid {
                Some(uid) => account_groups(accounts, uid),
                None => Seen::Unseen(ids.unseen().cloned().unwrap_or(Unseen::NotLooked)),
            },
            ids,
            root: self.link("root"),
            cwd: self.link("cwd"),
            mount_namespace: procfs::namespace(directory, "ns/mnt"),
            net_namespace: procfs::namespace(directory, "ns/net"),
            seccomp: self.field(|s| s.seccomp),
            landlock: Seen::Unseen(UNKNOWN_DOMAIN),
            security_label: match label {
                Err(Errno::INVAL | Errno::NOENT | Errno::OPNOTSUPP) => Seen::Unseen(NO_LABELS),
                answer => procfs::seen(answer, "attr/current").map(|text| label_text(&text)),
            },
            descriptors: descriptors(&self.directory),
        }
    }

    fn field<T>(&self, pick: impl FnOnce(&Status) -> Option<T>) -> Seen<T> {
        match &self.status {
            Seen::Unseen(reason) => Seen::Unseen(reason.clone()),
            Seen::Known(status) => match pick(status) {
                Some(value) => Seen::Known(value),
                None => Seen::Unseen(Unseen::Absent { what: "its line in /proc/PID/status" }),
            },
        }
    }

    fn link(&self, name: &'static str) -> Seen<Vec<u8>> {
        match file::link_at(self.directory.as_fd(), name.as_bytes()) {
            Err(Errno::NOENT) => Seen::Unseen(Unseen::Changed),
            answer => procfs::seen(answer, name),
        }
    }

    /// The maps as they relate to the ids that the observer sees.
    ///
    /// The kernel writes the outer ids of a map for the reader's namespace, unless the reader is
    /// in the same one: then for its parent. Files show their owners by the reader's ids, so in
    /// that case the inner ids are what they show.
    fn user_namespace(&self) -> Seen<UserNamespace> {
        let directory = self.directory.as_fd();
        let read = |name: &'static str| {
            procfs::seen(procfs::read(directory, name.as_bytes()), name)
                .map(|text| status::id_map(&text))
        };
        let (uid_map, gid_map) = match (read("uid_map"), read("gid_map")) {
            (Seen::Known(uids), Seen::Known(gids)) => (uids, gids),
            (Seen::Unseen(reason), _) | (_, Seen::Unseen(reason)) => return Seen::Unseen(reason),
        };
        let number = procfs::namespace(directory, "ns/user");
        let initial = status::is_identity(&uid_map)
            && status::is_identity(&gid_map)
            && number.test(|n| *n == INITIAL_USER_NAMESPACE) != Some(false);
        let mine = procfs::myself().ok();
        let shared = mine.is_some_and(|me| match number.known() {
            Some(number) => procfs::namespace(me.as_fd(), "ns/user").is(|n| n == number),
            None => procfs::read(me.as_fd(), b"uid_map")
                .is_ok_and(|text| status::id_map(&text) == uid_map),
        });
        let outer = |map: Vec<IdRange>| {
            let inner = |r: IdRange| IdRange { outside: r.inside, ..r };
            if shared { map.into_iter().map(inner).collect() } else { map }
        };
        let (uid_map, gid_map) = (outer(uid_map), outer(gid_map));
        Seen::Known(UserNamespace { initial, uid_map, gid_map })
    }
}

/// Without a security module that labels processes, the file is not there or cannot be read.
const NO_LABELS: Unseen = Unseen::Absent { what: "a security module that labels processes" };

fn label_text(text: &[u8]) -> String {
    let end = text.iter().position(|b| matches!(b, 0 | b'\n')).unwrap_or(text.len());
    String::from_utf8_lossy(&text[..end]).into_owned()
}

/// The groups that the database gives the user with this id.
pub(super) fn account_groups(accounts: &Accounts, uid: u32) -> Seen<Vec<Group>> {
    match accounts.by_id(uid) {
        Ok(Some(user)) => Seen::Known(accounts.groups_of(&user)),
        Ok(None) => Seen::Unseen(Unseen::Absent { what: "its entry in the user database" }),
        Err(errno) => Seen::Unseen(Unseen::Failed { error: errno::told(errno) }),
    }
}

/// Descriptors that a process has open, and how many it may have.
fn descriptors(directory: &OwnedFd) -> Seen<DescriptorUse> {
    let limits = procfs::seen(procfs::read(directory.as_fd(), b"limits"), "/proc/PID/limits");
    let limit = match limits {
        Seen::Known(text) => status::open_files_limit(&text),
        Seen::Unseen(reason) => return Seen::Unseen(reason),
    };
    let Some(limit) = limit else {
        return Seen::Unseen(Unseen::Absent { what: "the limit in /proc/PID/limits" });
    };
    count(directory.as_fd(), b"fd").map(|used| DescriptorUse { used, limit })
}

/// The size of `/proc/PID/fd` is the number of open descriptors since Linux 6.2, for everyone to
/// see; before, the directory has to be listed.
fn count(directory: std::os::fd::BorrowedFd<'_>, name: &[u8]) -> Seen<u64> {
    match file::status_at(directory, name) {
        Ok(status) if status.stx_size > 0 => Seen::Known(status.stx_size),
        Err(errno) => Seen::Unseen(procfs::unseen(errno, "/proc/PID/fd")),
        Ok(_) => procfs::seen(file::names_at(directory, name), "/proc/PID/fd")
            .map(|names| names.len() as u64),
    }
}

/// The calling process's own descriptors, without opening one.
pub(super) fn own_descriptors() -> Seen<DescriptorUse> {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let limit = limit.current.unwrap_or(u64::MAX);
    count(file::WORKING_DIRECTORY, b"/proc/self/fd").map(|used| DescriptorUse { used, limit })
}

/// A process that exists, but of which `/proc` shows nothing.
pub(super) fn hidden(pid: u32, accounts: Rc<Accounts>) -> View {
    fn concealed<T>() -> Seen<T> {
        Seen::Unseen(Unseen::Denied { needs: "root, or /proc mounted without hidepid" })
    }
    let caller = Caller {
        pid: Some(pid),
        user_name: None,
        ids: concealed(),
        capabilities: concealed(),
        user_namespace: concealed(),
        account_groups: concealed(),
        root: concealed(),
        cwd: concealed(),
        mount_namespace: concealed(),
        net_namespace: concealed(),
        seccomp: concealed(),
        landlock: Seen::Unseen(UNKNOWN_DOMAIN),
        security_label: concealed(),
        descriptors: concealed(),
    };
    let (root, cwd) = (concealed(), concealed());
    View { caller, myself: false, root, cwd, proc: None, pids: None, accounts }
}
