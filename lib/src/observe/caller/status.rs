//! Parsers for the files of `/proc/PID` that say who a process is.

use crate::observe::procfs::{number, words};
use sunpath_core::fact::caller::{IdRange, Seccomp};

/// What `/proc/PID/status` says; a line that is missing or makes no sense is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Status {
    /// The user id that file permission checks use.
    pub uid: Option<u32>,
    /// The group id that file permission checks use.
    pub gid: Option<u32>,
    /// Supplementary groups.
    pub groups: Option<Vec<u32>>,
    /// Effective capabilities.
    pub effective: Option<u64>,
    /// The capabilities that a program run as root could get.
    pub bounding: Option<u64>,
    /// The system call filter.
    pub seccomp: Option<Seccomp>,
    /// Its process id, first in the pid namespace of the `/proc` that was read, last in its own.
    pub pids: Vec<u32>,
}

/// Parses `/proc/PID/status`. A process cannot forge lines: its name is escaped by the kernel.
pub(crate) fn status(text: &[u8]) -> Status {
    let mut status = Status::default();
    for line in text.split(|b| *b == b'\n') {
        let Some(colon) = line.iter().position(|b| *b == b':') else { continue };
        let value = &line[colon + 1..];
        match &line[..colon] {
            b"Uid" => status.uid = fourth(value),
            b"Gid" => status.gid = fourth(value),
            b"Groups" => status.groups = words(value).map(number).collect(),
            b"CapEff" => status.effective = hexadecimal(value),
            b"CapBnd" => status.bounding = hexadecimal(value),
            b"Seccomp" => status.seccomp = seccomp(value),
            b"NSpid" => status.pids = words(value).filter_map(number).collect(),
            _ => {}
        }
    }
    status
}

/// Of real, effective, saved and file system id the last.
fn fourth(value: &[u8]) -> Option<u32> {
    words(value).nth(3).and_then(number)
}

fn hexadecimal(value: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(value.trim_ascii()).ok()?;
    u64::from_str_radix(text, 16).ok()
}

fn seccomp(value: &[u8]) -> Option<Seccomp> {
    match value.trim_ascii() {
        b"0" => Some(Seccomp::Off),
        b"1" => Some(Seccomp::Strict),
        b"2" => Some(Seccomp::Filter),
        _ => None,
    }
}

/// Parses `/proc/PID/uid_map` or `gid_map`; a line that makes no sense is left out.
pub(crate) fn id_map(text: &[u8]) -> Vec<IdRange> {
    let range = |line: &[u8]| {
        let mut fields = words(line);
        let inside = number(fields.next()?)?;
        let outside = number(fields.next()?)?;
        let count = number(fields.next()?)?;
        Some(IdRange { inside, outside, count })
    };
    text.split(|b| *b == b'\n').filter_map(range).collect()
}

/// Whether the map leaves every id as it is, as that of the initial user namespace does.
pub(crate) fn is_identity(map: &[IdRange]) -> bool {
    *map == [IdRange { inside: 0, outside: 0, count: u32::MAX }]
}

/// The soft limit of open files in `/proc/PID/limits`; `u64::MAX` if there is none.
pub(crate) fn open_files_limit(text: &[u8]) -> Option<u64> {
    let mut lines = text.split(|b| *b == b'\n');
    let soft = lines.find_map(|l| words(l.strip_prefix(b"Max open files")?).next())?;
    if soft == b"unlimited" { Some(u64::MAX) } else { number(soft) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_status_is_understood() {
        let text = b"Name:\tUid: 1\\n2\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nGroups:\t4 24 27 \n\
            NSpid:\t77\t1\nCapEff:\t000001ffffffffff\nCapBnd:\t0000000000000003\nSeccomp:\t2\n";
        let found = status(text);
        assert_eq!((found.uid, found.gid), (Some(4), Some(8)));
        assert_eq!(found.groups, Some(vec![4, 24, 27]));
        assert_eq!((found.effective, found.bounding), (Some(0x1ff_ffff_ffff), Some(3)));
        assert_eq!(found.seccomp, Some(Seccomp::Filter));
        assert_eq!(found.pids, [77, 1]);
    }

    #[test]
    fn no_groups_are_known_to_be_none() {
        assert_eq!(status(b"Groups:\t \n").groups, Some(vec![]));
        assert_eq!(status(b"Groups:\tx\n").groups, None);
        assert_eq!(status(b"").groups, None);
    }

    #[test]
    fn a_map_of_everything_is_the_identity() {
        assert!(is_identity(&id_map(b"         0          0 4294967295\n")));
        assert!(!is_identity(&id_map(b"         0          0 4294967294\n")));
        assert!(!is_identity(&id_map(b"0 1000 1\n1 100000 65536\n")));
        assert!(!is_identity(&[]));
    }

    #[test]
    fn limits_are_understood() {
        let text = b"Limit                     Soft Limit           Hard Limit           Units\n\
            Max processes             100                  100                  processes\n\
            Max open files            1024                 524288               files\n";
        assert_eq!(open_files_limit(text), Some(1024));
        assert_eq!(open_files_limit(b"Max open files  unlimited unlimited files"), Some(u64::MAX));
        assert_eq!(open_files_limit(b"Max open files"), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(text: Vec<u8>) {
            status(&text);
            id_map(&text);
            open_files_limit(&text);
        }

        #[test]
        fn any_values_are_survived(key in "Uid|Gid|Groups|CapEff|CapBnd|Seccomp|NSpid",
                                   value: Vec<u8>) {
            status(&[key.as_bytes(), b":\t", &value, b"\n"].concat());
        }

        #[test]
        fn maps_survive(ranges in prop::collection::vec(any::<(u32, u32, u32)>(), 0..6)) {
            let text: String =
                ranges.iter().map(|(i, o, n)| format!("{i:10} {o:10} {n:10}\n")).collect();
            let back: Vec<_> = id_map(text.as_bytes())
                .into_iter().map(|r| (r.inside, r.outside, r.count)).collect();
            prop_assert_eq!(back, ranges);
        }
    }
}
