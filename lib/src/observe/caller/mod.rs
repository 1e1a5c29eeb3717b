//! Who makes the call, and from where that caller sees files.
//!
//! A [`View`] pins the caller's root and working directory by descriptor, so that all that follows
//! looks at the same files, whatever becomes of the process.

mod process;
pub(crate) mod status;

use super::accounts::Accounts;
use super::procfs;
use crate::sys::{Errno, errno, file};
use process::Process;
use std::fmt;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::sync::Arc;
use sunpath_core::fact::caller::{Caller, Capabilities, Ids, Seccomp};
use sunpath_core::fact::process::DescriptorUse;
use sunpath_core::fact::{Seen, Unseen};
use sunpath_core::text::escape;

/// Whose call is in question.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum As {
    /// The calling thread's own.
    #[default]
    Myself,
    /// That of a process that this user would start in a fresh session: with the groups of the
    /// group database, no privilege unless it is root, no system call filter, and this process's
    /// namespaces, root and working directory.
    User(UserSpec),
    /// That of a process, by its number as seen from here: with its ids, capabilities, namespaces,
    /// root and working directory.
    Process(u32),
}

/// A user, as people name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserSpec {
    /// By its name in the user database; if there is none, a number is taken for an id.
    Name(Vec<u8>),
    /// By its id, which the user database must know: it gives the groups.
    Id(u32),
    /// By ids alone. Nothing is looked up.
    Ids(Ids),
}

/// The caller that was asked about does not exist, or cannot be found out about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObserveError {
    /// The user database has no such user.
    NoSuchUser(UserSpec),
    /// The user database could not be asked.
    UserDatabase {
        /// The user it was asked for.
        user: UserSpec,
        /// Its answer.
        error: String,
    },
    /// There is no process with this number.
    NoSuchProcess(u32),
    /// `/proc` is not mounted, without which nothing is known of another process.
    NoProc,
}

impl fmt::Display for UserSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UserSpec::Name(name) => write!(f, "user \"{}\"", escape(name)),
            UserSpec::Id(uid) => write!(f, "user id {uid}"),
            UserSpec::Ids(ids) => write!(f, "user id {} with group id {}", ids.uid, ids.gid),
        }
    }
}

impl fmt::Display for ObserveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ObserveError::NoSuchUser(user) => write!(f, "{user} is not in the user database"),
            ObserveError::UserDatabase { user, error } => {
                write!(f, "{user} cannot be looked up in the user database: {error}")
            }
            ObserveError::NoSuchProcess(pid) => write!(f, "there is no process {pid}"),
            ObserveError::NoProc => {
                f.write_str("/proc is not mounted, so other processes cannot be looked at")
            }
        }
    }
}

impl std::error::Error for ObserveError {}

/// A caller, and the places from which its paths are looked up.
#[derive(Debug, Clone)]
pub(crate) struct View {
    /// Who it is.
    pub caller: Caller,
    /// Whether it is the calling thread itself, for which the kernel can be asked.
    pub myself: bool,
    /// Its root directory.
    pub(super) root: Seen<Arc<OwnedFd>>,
    /// Its working directory.
    pub(super) cwd: Seen<Arc<OwnedFd>>,
    /// Its directory in `/proc`, or the observer's if it is no process.
    pub(super) proc: Option<Arc<OwnedFd>>,
    /// What `/proc/self` means to it: its number in the pid namespace of the observer's `/proc`,
    /// and in its own. None if it is no process.
    pub(super) pids: Option<(u32, u32)>,
    /// Names of users and groups.
    pub(super) accounts: Rc<Accounts>,
}

/// Looks at the caller.
///
/// # Errors
/// The user or process does not exist, or the database or `/proc` is not available. A process that
/// dies while it is read is no error: what could not be read says so.
pub(crate) fn view(caller: &As) -> Result<View, ObserveError> {
    match caller {
        As::Myself => Ok(myself()),
        As::User(user) => as_user(user),
        As::Process(pid) => as_process(*pid),
    }
}

/// The calling thread.
pub(crate) fn myself() -> View {
    // First of all, before a descriptor is opened that would count.
    let descriptors = process::own_descriptors();
    let accounts = Rc::new(Accounts::read());
    let mut view = match procfs::myself() {
        Ok(directory) => Process::read(directory, None).view(accounts),
        Err(_) => without_proc(accounts),
    };
    view.myself = true;
    view.caller.pid = Some(std::process::id());
    view.caller.descriptors = descriptors;
    view.caller.landlock = Seen::Unseen(process::UNKNOWN_DOMAIN);
    if view.cwd.known().is_none() {
        view.cwd = here(b".");
    }
    if view.root.known().is_none() {
        view.root = here(b"/");
    }
    view
}

/// A place as this process sees it.
fn here(path: &[u8]) -> Seen<Arc<OwnedFd>> {
    let opened = file::open_path_following(file::WORKING_DIRECTORY, path);
    procfs::seen(opened.map(Arc::new), "the directory")
}

/// What the system calls tell of the calling thread where `/proc` is not mounted.
fn without_proc(accounts: Rc<Accounts>) -> View {
    let absent = || Unseen::Absent { what: "/proc" };
    let uid = rustix::process::geteuid().as_raw();
    let gid = rustix::process::getegid().as_raw();
    let groups = procfs::seen(rustix::process::getgroups(), "getgroups");
    let groups = groups.map(|list| list.iter().map(|g| g.as_raw()).collect());
    let capabilities = procfs::seen(rustix::thread::capabilities(None), "capget");
    let caller = Caller {
        user_name: accounts.user_name(uid),
        ids: groups.map(|groups| Ids { uid, gid, groups }),
        capabilities: capabilities.map(|sets| Capabilities(sets.effective.bits())),
        user_namespace: Seen::Unseen(absent()),
        account_groups: process::account_groups(&accounts, uid),
        root: Seen::Unseen(absent()),
        cwd: procfs::seen(rustix::process::getcwd(Vec::new()), "getcwd")
            .map(std::ffi::CString::into_bytes),
        mount_namespace: Seen::Unseen(absent()),
        net_namespace: Seen::Unseen(absent()),
        seccomp: Seen::Unseen(absent()),
        security_label: Seen::Unseen(absent()),
        ..Caller::default()
    };
    let (root, cwd) = (Seen::default(), Seen::default());
    View { caller, myself: true, root, cwd, proc: None, pids: None, accounts }
}

fn as_user(user: &UserSpec) -> Result<View, ObserveError> {
    let mut view = myself();
    let (ids, groups) = identify(user, &view.accounts)?;
    let root = ids.uid == 0;
    let bounding = view.proc.as_ref().and_then(|p| Process::bounding(p)).unwrap_or(u64::MAX);
    let limit = view.caller.descriptors.known().map_or(1024, |d| d.limit);
    view.myself = false;
    view.pids = None;
    view.caller = Caller {
        pid: None,
        user_name: view.accounts.user_name(ids.uid),
        ids: Seen::Known(ids),
        capabilities: Seen::Known(Capabilities(if root { bounding } else { 0 })),
        account_groups: groups,
        seccomp: Seen::Known(Seccomp::Off),
        landlock: Seen::Known(false),
        security_label: Seen::default(),
        descriptors: Seen::Known(DescriptorUse { used: 3, limit }),
        ..view.caller
    };
    Ok(view)
}

/// The ids of a user, and its groups in the database.
fn identify(
    user: &UserSpec,
    accounts: &Accounts,
) -> Result<(Ids, Seen<Vec<sunpath_core::fact::caller::Group>>), ObserveError> {
    let found = match user {
        UserSpec::Ids(ids) => return Ok((ids.clone(), process::account_groups(accounts, ids.uid))),
        UserSpec::Id(uid) => accounts.by_id(*uid),
        UserSpec::Name(name) => match (accounts.by_name(name), procfs::number(name)) {
            (Ok(None), Some(uid)) => accounts.by_id(uid),
            (answer, _) => answer,
        },
    };
    let found = found.map_err(|errno| ObserveError::UserDatabase {
        user: user.clone(),
        error: errno::told(errno),
    })?;
    let found = found.ok_or_else(|| ObserveError::NoSuchUser(user.clone()))?;
    let groups = accounts.groups_of(&found);
    let ids =
        Ids { uid: found.uid, gid: found.gid, groups: groups.iter().map(|g| g.gid).collect() };
    Ok((ids, Seen::Known(groups)))
}

fn as_process(pid: u32) -> Result<View, ObserveError> {
    let number = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
    let number = number.ok_or(ObserveError::NoSuchProcess(pid))?;
    let accounts = Rc::new(Accounts::read());
    if let Ok(directory) = procfs::process(pid) {
        let process = Process::read(directory, Some(pid));
        if !process.is_concealed() {
            return Ok(process.view(accounts));
        }
    } else if procfs::myself().is_err() {
        return Err(ObserveError::NoProc);
    }
    // With hidepid, /proc conceals the processes of others; the signal call does not.
    match rustix::process::test_kill_process(number) {
        Err(Errno::SRCH) => Err(ObserveError::NoSuchProcess(pid)),
        _ => Ok(process::hidden(pid, accounts)),
    }
}

#[cfg(test)]
mod tests;
