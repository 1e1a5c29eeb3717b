//! What `/proc` shows of a process: is it alive, can it run, what does it wait for, and can it
//! still open descriptors?

mod parse;
mod wait;

use super::unseen;
use crate::fact::process::{DescriptorUse, Process, ProcessState};
use crate::fact::{Seen, Unseen};
use std::fs;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

/// The processes that `/proc` shows, and whether it shows all there are in this PID namespace
/// (with `hidepid` it does not).
pub(crate) fn pids() -> (Vec<u32>, bool) {
    let Ok(directory) = fs::read_dir("/proc") else {
        return (Vec::new(), false);
    };
    let number = |entry: fs::DirEntry| entry.file_name().to_str()?.parse().ok();
    let pids: Vec<u32> = directory.flatten().filter_map(number).collect();
    // Every PID namespace has a process 1.
    let all = pids.contains(&1);
    (pids, all)
}

/// The initial PID namespace always has this number (`PROC_PID_INIT_INO`).
const INITIAL_PID_NAMESPACE: u64 = 0xefff_fffc;

/// Whether no process is outside the PID namespace of this one.
pub(crate) fn none_outside() -> Seen<()> {
    match namespace(std::process::id(), "pid") {
        Seen::Known(INITIAL_PID_NAMESPACE) => Seen::Known(()),
        Seen::Known(_) => {
            Seen::Unseen(Unseen::Denied { needs: "a look from outside this container" })
        }
        Seen::Unseen(why) => Seen::Unseen(why),
    }
}

/// Whether this process is in the initial PID namespace, and `/proc` shows that one.
pub(crate) fn in_initial_namespace() -> bool {
    fs::read_link("/proc/self/ns/pid").is_ok_and(|link| {
        parse::namespace(link.as_os_str().as_encoded_bytes()) == Some(INITIAL_PID_NAMESPACE)
    })
}

/// Everything about a process that holds the socket `inode` under the descriptor `fd`.
///
/// `None` if there is no such process (any more).
pub(crate) fn describe(pid: u32, fd: Option<u32>, inode: u64) -> Option<Process> {
    let stat = read(pid, "stat").ok()?;
    let (name, state) = parse::stat(&stat)?;
    Some(Process {
        pid,
        name: String::from_utf8_lossy(name).into_owned(),
        fd,
        uid: effective_user(pid),
        state: state.into(),
        waits_in: wait::waits_in(pid, inode),
        frozen: frozen(pid),
        descriptors: descriptors(pid),
        mount_namespace: namespace(pid, "mnt"),
        net_namespace: namespace(pid, "net"),
        root: root(pid),
    })
}

/// Name and state of a process; `None` if there is no such process (any more).
pub(crate) fn name_and_state(pid: u32) -> Option<(Vec<u8>, ProcessState)> {
    // Both are at its beginning.
    let mut stat = [0; 128];
    let length = fs::File::open(format!("/proc/{pid}/stat")).ok()?.read(&mut stat).ok()?;
    let (name, state) = parse::stat(stat.get(..length)?)?;
    Some((name.to_vec(), state))
}

/// The effective user of a process. Its directory belongs to that user, also if the process must
/// not be looked into and the files in it belong to root; `status` takes the kernel many times as
/// long.
pub(crate) fn effective_user(pid: u32) -> Seen<u32> {
    match fs::metadata(format!("/proc/{pid}")) {
        Ok(directory) => Seen::Known(directory.uid()),
        Err(error) => Seen::Unseen(unseen(&error, SAME_USER)),
    }
}

/// How many descriptors wait in the queue of a socket that it holds (Linux 5.11).
pub(crate) fn descriptors_in_flight(pid: u32, fd: u32) -> Option<u32> {
    parse::descriptors_in_flight(&read(pid, &format!("fdinfo/{fd}")).ok()?)
}

/// Its program, as the observer names it: what `exec` was last called with, resolved.
pub(crate) fn executable(pid: u32) -> io::Result<PathBuf> {
    fs::read_link(format!("/proc/{pid}/exe"))
}

/// The process id in what `/proc` tells of a descriptor of a process: `None` if it has ended and
/// was reaped, 0 if it is in a PID namespace that this `/proc` does not show.
pub(crate) fn of_pidfd(pidfd: BorrowedFd<'_>) -> io::Result<Option<u32>> {
    let text = fs::read(format!("/proc/self/fdinfo/{}", pidfd.as_raw_fd()))?;
    match parse::pid_of_pidfd(&text) {
        Some(pid) => Ok(u32::try_from(pid).ok()),
        None => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// Its open descriptors, and how many it may open.
pub(crate) fn descriptors(pid: u32) -> Seen<DescriptorUse> {
    let limit = match parsed(read(pid, "limits"), parse::descriptor_limit) {
        Seen::Known(limit) => limit,
        Seen::Unseen(why) => return Seen::Unseen(why),
    };
    match count_descriptors(pid) {
        Ok(used) => Seen::Known(DescriptorUse { used, limit }),
        Err(error) => Seen::Unseen(unseen(&error, SAME_USER)),
    }
}

/// How many descriptors are open, without a look at them (Linux 6.2: the size of the directory);
/// anybody may ask. Before, it is 0.
pub(crate) fn quick_count(pid: u32) -> io::Result<u64> {
    Ok(fs::metadata(format!("/proc/{pid}/fd"))?.size())
}

/// The size of the directory, or, where it has none, what is in it.
fn count_descriptors(pid: u32) -> io::Result<u64> {
    match quick_count(pid)? {
        0 => Ok(fs::read_dir(format!("/proc/{pid}/fd"))?.count() as u64),
        size => Ok(size),
    }
}

/// Its working directory, as the observer names it.
pub(crate) fn cwd(pid: u32) -> Option<Vec<u8>> {
    Some(fs::read_link(format!("/proc/{pid}/cwd")).ok()?.into_os_string().into_encoded_bytes())
}

/// Its root directory, as the observer names it.
fn root(pid: u32) -> Seen<Vec<u8>> {
    match fs::read_link(format!("/proc/{pid}/root")) {
        Ok(path) => Seen::Known(path.into_os_string().into_encoded_bytes()),
        Err(error) => Seen::Unseen(unseen(&error, SAME_USER)),
    }
}

/// The number of a namespace, from a link such as `mnt:[4026531841]`.
pub(crate) fn namespace(pid: u32, kind: &str) -> Seen<u64> {
    match fs::read_link(format!("/proc/{pid}/ns/{kind}")) {
        Ok(link) => match parse::namespace(link.as_os_str().as_encoded_bytes()) {
            Some(id) => Seen::Known(id),
            None => Seen::Unseen(Unseen::Failed { error: format!("/proc/{pid}/ns/{kind} is odd") }),
        },
        Err(error) => Seen::Unseen(unseen(&error, SAME_USER)),
    }
}

/// The number in such a link.
pub(crate) use parse::namespace as namespace_of_link;

/// Whether a control group holds it frozen.
fn frozen(pid: u32) -> Seen<bool> {
    let groups = match read(pid, "cgroup") {
        Ok(groups) => groups,
        Err(error) => return Seen::Unseen(unseen(&error, SAME_USER)),
    };
    // The kernel's own waiting place for a frozen task needs no control group file system.
    if read(pid, "wchan").is_ok_and(|w| w == b"do_freezer_trap" || w == b"__refrigerator") {
        return Seen::Known(true);
    }
    let freezers = parse::freezers(&groups);
    if freezers.is_empty() {
        return Seen::Known(false);
    }
    let mut answer = Seen::Unseen(Unseen::Absent { what: "/sys/fs/cgroup" });
    for (file, frozen) in freezers.iter().flat_map(parse::Freezer::files) {
        match fs::read(&file) {
            Ok(text) if frozen(&text) => return Seen::Known(true),
            Ok(_) => answer = Seen::Known(false),
            Err(_) => {}
        }
    }
    answer
}

/// What it takes to look at another user's process.
pub(crate) const SAME_USER: &str = "CAP_SYS_PTRACE, or the same user";

/// The files read here are short, whatever the process does; `cmdline` and its like are not.
const LONGEST: u64 = 4 << 20;

fn read(pid: u32, file: &str) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    fs::File::open(format!("/proc/{pid}/{file}"))?.take(LONGEST).read_to_end(&mut text)?;
    Ok(text)
}

fn parsed<T>(text: io::Result<Vec<u8>>, parse: impl FnOnce(&[u8]) -> Option<T>) -> Seen<T> {
    match text {
        Ok(text) => match parse(&text) {
            Some(value) => Seen::Known(value),
            // A process that ends leaves an empty file behind for those who have it open.
            None => Seen::Unseen(Unseen::Changed),
        },
        Err(error) => Seen::Unseen(unseen(&error, SAME_USER)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fact::process::WaitsIn;
    use crate::observe::test::Running;
    use std::process::Command;
    use std::time::Duration;

    fn run(program: &str, argument: &str) -> Running {
        Running(Command::new(program).arg(argument).spawn().unwrap())
    }

    fn once(pid: u32, ready: impl Fn(&Process) -> bool) -> Process {
        for _ in 0..200 {
            match describe(pid, None, 0) {
                Some(process) if ready(&process) => return process,
                _ => std::thread::sleep(Duration::from_millis(10)),
            }
        }
        panic!("never as wanted: {:?}", describe(pid, None, 0));
    }

    #[test]
    fn a_process_that_is_gone_is_none() {
        assert_eq!(describe(u32::MAX, None, 0), None);
        let mut child = run("true", "");
        let dead = once(child.0.id(), |p| p.state.is(|s| *s == ProcessState::Dead));
        assert!(dead.waits_in.known().is_none_or(|w| *w != WaitsIn::Events));
        child.0.wait().unwrap();
        assert_eq!(describe(child.0.id(), None, 0), None);
    }

    #[test]
    fn this_process_is_described() {
        let pid = std::process::id();
        let (pids, all) = pids();
        assert!(all && pids.contains(&pid));
        let me = describe(pid, None, 0).unwrap();
        assert_eq!(me.uid, Seen::Known(rustix::process::geteuid().as_raw()));
        assert_eq!(me.waits_in, Seen::Known(WaitsIn::Events), "the thread that asks runs");
        let descriptors = me.descriptors.known().unwrap();
        assert!(descriptors.used >= 3 && descriptors.limit >= descriptors.used);
        assert!(me.mount_namespace.known().is_some() && me.root.known().is_some());
    }

    /// A control group of its own; removed at the end.
    struct Group(std::path::PathBuf);

    impl Group {
        fn new(hierarchy: &str) -> Option<Group> {
            let name = format!("sunpath-test-{}", std::process::id());
            let path = std::path::Path::new(hierarchy).join(name);
            fs::create_dir(&path).ok().map(|()| Group(path))
        }

        fn put(&self, file: &str, text: &str) -> io::Result<()> {
            fs::write(self.0.join(file), text)
        }
    }

    impl Drop for Group {
        fn drop(&mut self) {
            for _ in 0..100 {
                if fs::remove_dir(&self.0).is_ok() {
                    return;
                }
                std::thread::sleep(Duration::from_millis(10));
            }
        }
    }

    fn freeze(hierarchies: &[&str], file: &str, states: [&str; 2]) {
        let made = hierarchies.iter().find_map(|hierarchy| {
            let group = Group::new(hierarchy)?;
            group.0.join(file).exists().then_some(group)
        });
        let Some(group) = made else {
            eprintln!("skipped: no control group with {file} can be made");
            return;
        };
        let child = run("sleep", "100");
        let pid = child.0.id();
        group.put("cgroup.procs", &pid.to_string()).unwrap();
        once(pid, |p| p.frozen == Seen::Known(false));
        group.put(file, states[0]).unwrap();
        let frozen = once(pid, |p| p.frozen == Seen::Known(true));
        assert_eq!(frozen.is_stopped(), Some(true));
        group.put(file, states[1]).unwrap();
        once(pid, |p| p.frozen == Seen::Known(false));
        drop(child);
    }

    #[test]
    fn a_frozen_group_stops_its_processes() {
        freeze(&["/sys/fs/cgroup", "/sys/fs/cgroup/unified"], "cgroup.freeze", ["1", "0"]);
    }

    #[test]
    fn a_frozen_group_of_version_1_stops_its_processes() {
        freeze(&["/sys/fs/cgroup/freezer"], "freezer.state", ["FROZEN", "THAWED"]);
    }
}
