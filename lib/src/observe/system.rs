//! Limits and switches of the whole machine.

use super::unseen;
use crate::fact::{Seen, System, Unseen};
use crate::sys::lsm;
use std::path::Path;
use std::str::FromStr;

/// Reads them.
pub(crate) fn system() -> System {
    let release = rustix::system::uname().release().to_string_lossy().into_owned();
    let (open, max) = files();
    System {
        version: match version(&release) {
            Some(version) => Seen::Known(version),
            None => Seen::Unseen(Unseen::Failed { error: format!("{release} is no version") }),
        },
        release: Seen::Known(release),
        security_modules: security_modules(),
        protected_symlinks: setting::<u32>("fs/protected_symlinks").map(|n| n != 0),
        somaxconn: setting("net/core/somaxconn"),
        max_dgram_qlen: setting("net/unix/max_dgram_qlen"),
        optmem_max: setting("net/core/optmem_max"),
        wmem_max: setting("net/core/wmem_max"),
        file_max: max,
        files_open: open,
        unix_sockets: unix_sockets(),
    }
}

/// The three numbers at the start of a release such as `6.18.44-generic`.
fn version(release: &str) -> Option<(u32, u32, u32)> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(str::parse);
    let major = numbers.next()?.ok()?;
    let minor = numbers.next()?.ok()?;
    let patch = numbers.next().and_then(Result::ok).unwrap_or(0);
    Some((major, minor, patch))
}

/// A switch in `/proc/sys`.
pub(super) fn setting<T: FromStr>(name: &str) -> Seen<T> {
    match read(&format!("/proc/sys/{name}")) {
        Seen::Known(text) => match text.trim().parse() {
            Ok(value) => Seen::Known(value),
            Err(_) => Seen::Unseen(Unseen::Failed { error: format!("{name} is no number") }),
        },
        Seen::Unseen(why) => Seen::Unseen(why),
    }
}

fn read(path: &str) -> Seen<String> {
    match std::fs::read_to_string(path) {
        Ok(text) => Seen::Known(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Seen::Unseen(Unseen::Absent { what: "this setting in /proc" })
        }
        Err(error) => Seen::Unseen(unseen(&error, "root")),
    }
}

/// Open files and their limit, from `fs.file-nr`.
fn files() -> (Seen<u64>, Seen<u64>) {
    let text = read("/proc/sys/fs/file-nr");
    let column = |index: usize| match &text {
        Seen::Known(text) => match text.split_whitespace().nth(index).map(str::parse) {
            Some(Ok(number)) => Seen::Known(number),
            _ => Seen::Unseen(Unseen::Failed { error: "fs.file-nr is no list of numbers".into() }),
        },
        Seen::Unseen(why) => Seen::Unseen(why.clone()),
    };
    (column(0), column(2))
}

/// AF_UNIX sockets in use, by the lines `UNIX` and `UNIX-STREAM` of `/proc/net/protocols`.
fn unix_sockets() -> Seen<u64> {
    read("/proc/net/protocols").map(|text| count_unix(&text))
}

fn count_unix(protocols: &str) -> u64 {
    let line = |line: &str| {
        let mut words = line.split_whitespace();
        let name = words.next()?;
        let number: u64 = words.nth(1)?.parse().ok()?;
        (name == "UNIX" || name == "UNIX-STREAM").then_some(number)
    };
    protocols.lines().filter_map(line).fold(0, u64::saturating_add)
}

/// The names of `LSM_ID_*`, from 100 on.
const MODULES: [&str; 14] = [
    "capability",
    "selinux",
    "smack",
    "tomoyo",
    "apparmor",
    "yama",
    "loadpin",
    "safesetid",
    "lockdown",
    "bpf",
    "landlock",
    "ima",
    "evm",
    "ipe",
];

fn security_modules() -> Seen<Vec<String>> {
    if let Ok(list) = std::fs::read_to_string("/sys/kernel/security/lsm") {
        return Seen::Known(list.trim().split(',').map(String::from).collect());
    }
    if let Ok(ids) = lsm::list_modules() {
        return Seen::Known(ids.into_iter().map(module).collect());
    }
    // What is left are the traces of the two that deny most often.
    let traces =
        [("/sys/fs/selinux/enforce", "selinux"), ("/sys/kernel/security/apparmor", "apparmor")];
    let found: Vec<String> = traces
        .iter()
        .filter(|(path, _)| Path::new(path).exists())
        .map(|(_, name)| (*name).into())
        .collect();
    if found.is_empty() {
        Seen::Unseen(Unseen::Absent { what: "/sys/kernel/security/lsm" })
    } else {
        Seen::Known(found)
    }
}

fn module(id: u64) -> String {
    let index = id.checked_sub(100).and_then(|i| usize::try_from(i).ok());
    match index.and_then(|i| MODULES.get(i)) {
        Some(name) => (*name).into(),
        None => format!("module {id}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn releases_have_a_version_in_front() {
        assert_eq!(version("6.18.44-fc-v657"), Some((6, 18, 44)));
        assert_eq!(version("5.10-rc1"), Some((5, 10, 0)));
        assert_eq!(version("unknown"), None);
    }

    #[test]
    fn unix_sockets_are_the_sum_of_two_lines() {
        let text = "protocol  size sockets  memory\nUNIX-STREAM 1152      6      -1\n\
                    UNIX      1152      3      -1\nTCP 2 9 1\n";
        assert_eq!(count_unix(text), 9);
    }

    #[test]
    fn this_machine_is_described() {
        let system = system();
        assert!(system.release.known().is_some());
        if system.files_open.known().is_none() {
            eprintln!("skipped: /proc is not mounted");
            return;
        }
        assert!(system.files_open.is(|n| *n > 0));
        assert!(system.file_max.is(|max| system.files_open.is(|open| open < max)));
        assert!(system.somaxconn.known().is_some());
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text: String) {
            version(&text);
            count_unix(&text);
        }
    }
}
