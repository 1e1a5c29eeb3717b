//! The files of `/proc/PID` as bytes.

use crate::fact::process::ProcessState;

/// `comm` and state, from `stat`. The name is in parentheses and may hold any byte, parentheses
/// too: the last one ends it.
pub(super) fn stat(text: &[u8]) -> Option<(&[u8], ProcessState)> {
    let open = text.iter().position(|b| *b == b'(')?;
    let close = text.iter().rposition(|b| *b == b')')?;
    let name = text.get(open + 1..close)?;
    let letter = text.get(close + 1..)?.trim_ascii_start().first()?;
    let state = match letter {
        b'R' => ProcessState::Running,
        b'D' => ProcessState::DiskSleep,
        b'T' => ProcessState::Stopped,
        b't' => ProcessState::Traced,
        b'Z' | b'X' | b'x' => ProcessState::Dead,
        b'S' | b'I' | b'P' | b'W' | b'K' => ProcessState::Sleeping,
        _ => return None,
    };
    Some((name, state))
}

/// The number of `Pid:` in `fdinfo` of a descriptor of a process: -1 once it was reaped.
pub(super) fn pid_of_pidfd(text: &[u8]) -> Option<i32> {
    let text = lines(text).find_map(|l| l.strip_prefix(b"Pid:"))?;
    std::str::from_utf8(text).ok()?.trim().parse().ok()
}

/// The descriptors in the queue of a socket, of `fdinfo`.
pub(super) fn descriptors_in_flight(text: &[u8]) -> Option<u32> {
    number(lines(text).find_map(|line| line.strip_prefix(b"scm_fds:"))?.trim_ascii())
}

/// The soft limit of `Max open files` in `limits`.
pub(super) fn descriptor_limit(text: &[u8]) -> Option<u64> {
    let line = lines(text).find_map(|l| l.strip_prefix(b"Max open files"))?;
    match line.split(blank).find(full)? {
        b"unlimited" => Some(u64::MAX),
        digits => number(digits),
    }
}

/// The number in `kind:[number]`.
pub(crate) fn namespace(link: &[u8]) -> Option<u64> {
    let open = link.iter().position(|b| *b == b'[')?;
    number(link.get(open + 1..)?.strip_suffix(b"]")?)
}

/// A control group that may be frozen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Freezer {
    /// Version 1: a hierarchy of its own.
    V1(String),
    /// Version 2.
    V2(String),
}

/// What tells a frozen group's file from another.
type IsFrozen = fn(&[u8]) -> bool;

impl Freezer {
    /// Where its state may be read, by the usual mount points.
    pub(super) fn files(&self) -> Vec<(String, IsFrozen)> {
        match self {
            Freezer::V1(path) => {
                vec![(format!("/sys/fs/cgroup/freezer{path}/freezer.state"), |text| {
                    text.trim_ascii() == b"FROZEN"
                })]
            }
            Freezer::V2(path) => ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"]
                .into_iter()
                .map(|mount| {
                    let is_frozen: IsFrozen = |text| lines(text).any(|l| l == b"frozen 1");
                    (format!("{mount}{path}/cgroup.events"), is_frozen)
                })
                .collect(),
        }
    }
}

/// The groups in `cgroup` that have a freezer. The root group of a hierarchy has none.
pub(super) fn freezers(text: &[u8]) -> Vec<Freezer> {
    let group = |line: &[u8]| {
        let mut parts = line.splitn(3, |b| *b == b':');
        let (_, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
        let path = std::str::from_utf8(path).ok().filter(|p| *p != "/" && !p.contains(".."))?;
        if controllers.is_empty() {
            return Some(Freezer::V2(path.into()));
        }
        let freezer = controllers.split(|b| *b == b',').any(|c| c == b"freezer");
        freezer.then(|| Freezer::V1(path.into()))
    };
    lines(text).filter_map(group).collect()
}

/// What `task/TID/syscall` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InCall {
    /// It runs.
    Running,
    /// It waits outside a system call, for example in a page fault.
    Outside,
    /// It waits in this system call.
    Call {
        /// The number.
        number: u64,
        /// The first argument.
        first: u64,
        /// The stack pointer: below 4 GiB in a 32-bit process, whose numbers are others.
        stack: u64,
    },
}

/// Reads `task/TID/syscall`: `running`, or a number, six arguments, stack and program counter.
pub(super) fn syscall(text: &[u8]) -> Option<InCall> {
    let mut words = text.split(blank).filter(full);
    match words.next()? {
        b"running" => Some(InCall::Running),
        b"-1" => Some(InCall::Outside),
        digits => {
            let number = number(digits)?;
            let first = hexadecimal(words.next()?)?;
            Some(InCall::Call { number, first, stack: hexadecimal(words.nth(5)?)? })
        }
    }
}

/// A descriptor that an epoll instance watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Watched {
    pub fd: u32,
    /// Its inode number; `None` before Linux 5.2.
    pub inode: Option<u64>,
}

/// Reads the lines of `fdinfo/FD` of an epoll instance:
/// `tfd: 5 events: 19 data: 5 pos:0 ino:61 sdev:7`.
pub(super) fn watched(text: &[u8]) -> Vec<Watched> {
    let line = |line: &[u8]| {
        let mut words = line.strip_prefix(b"tfd:")?.split(blank).filter(full);
        let fd = number(words.next()?)?;
        let inode = words.find_map(|w| w.strip_prefix(b"ino:"));
        let inode = inode.and_then(|i| u64::from_str_radix(std::str::from_utf8(i).ok()?, 16).ok());
        Some(Watched { fd, inode })
    };
    lines(text).filter_map(line).collect()
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|b| *b == b'\n')
}

fn blank(byte: &u8) -> bool {
    byte.is_ascii_whitespace()
}

fn full(word: &&[u8]) -> bool {
    !word.is_empty()
}

fn number<T: std::str::FromStr>(digits: &[u8]) -> Option<T> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn hexadecimal(word: &[u8]) -> Option<u64> {
    u64::from_str_radix(std::str::from_utf8(word.strip_prefix(b"0x")?).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_name_may_hold_anything() {
        let (name, state) = stat(b"12 (a) S 1 (\n) T 1 12 12 0").unwrap();
        assert_eq!((name, state), (&b"a) S 1 (\n"[..], ProcessState::Stopped));
        assert_eq!(stat(b"12 () t 1").unwrap(), (&b""[..], ProcessState::Traced));
        assert_eq!(stat(b""), None);
        assert_eq!(stat(b"1 )x( S"), None);
    }

    #[test]
    fn limits_and_namespaces() {
        let limits = b"Limit Soft Hard Units\nMax open files            1024                 524288               files     \n";
        assert_eq!(descriptor_limit(limits), Some(1024));
        assert_eq!(descriptor_limit(b"Max open files unlimited unlimited files"), Some(u64::MAX));
        assert_eq!(namespace(b"mnt:[4026531841]"), Some(4_026_531_841));
        assert_eq!(namespace(b"mnt:[]"), None);
        assert_eq!(pid_of_pidfd(b"pos:\t0\nPid:\t42\nNSpid:\t42\n"), Some(42));
        assert_eq!(pid_of_pidfd(b"Pid:\t-1\n"), Some(-1));
        assert_eq!(pid_of_pidfd(b"Pid:\nNSpid:\t1\n"), None);
    }

    #[test]
    fn control_groups_of_both_versions() {
        let text = b"4:cpu,freezer:/a\n3:cpu:/b\n0::/c.slice/d\n1:name=systemd:/\n";
        let expected = [Freezer::V1("/a".into()), Freezer::V2("/c.slice/d".into())];
        assert_eq!(freezers(text), expected);
        assert_eq!(freezers(b"0::/\n0::/../../etc\n"), []);
        let files = expected[1].files();
        assert_eq!(files[0].0, "/sys/fs/cgroup/c.slice/d/cgroup.events");
        assert!(files[0].1(b"populated 1\nfrozen 1\n"));
        assert!(!files[0].1(b"populated 1\nfrozen 0\n"));
    }

    #[test]
    fn what_an_epoll_instance_watches() {
        let text = b"pos:\t0\nflags:\t02\ntfd:        5 events:       19 data:                5  pos:0 ino:3d sdev:8\ntfd: 7 events: 1\n";
        let expected = [Watched { fd: 5, inode: Some(0x3d) }, Watched { fd: 7, inode: None }];
        assert_eq!(watched(text), expected);
    }

    #[test]
    fn a_wait_in_a_system_call() {
        let text = b"43 0x3 0x0 0x0 0x0 0x0 0x0 0x7ffd00000000 0x7f0000000000\n";
        let expected = InCall::Call { number: 43, first: 3, stack: 0x7ffd_0000_0000 };
        assert_eq!(syscall(text), Some(expected));
        assert_eq!(syscall(b"running\n"), Some(InCall::Running));
        assert_eq!(syscall(b"-1 0x7ffd 0x7f\n"), Some(InCall::Outside));
        assert_eq!(syscall(b"43 0x3\n"), None);
        assert_eq!(syscall(b""), None);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in prop::collection::vec(any::<u8>(), 0..200)) {
            for prefix in [&b""[..], b"1 (", b"Max open files", b"0::/", b"43 0x", b"tfd: ", b"Pid:"] {
                let text = [prefix, &text].concat();
                stat(&text);
                pid_of_pidfd(&text);
                descriptor_limit(&text);
                namespace(&text);
                syscall(&text);
                watched(&text);
                for freezer in freezers(&text) {
                    prop_assert!(freezer.files().iter().all(|(f, _)| f.starts_with("/sys/fs/cgroup")));
                }
            }
        }
    }
}
