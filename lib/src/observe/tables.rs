//! The tables of UNIX domain sockets: that of the caller's network namespace, and, when they are
//! needed, those of all others.

use super::diag::{self, Record, States, show};
use super::netlink::{Client, Trouble};
use super::{netns, proc_net_unix, process};
use crate::fact::{Seen, SocketFact, Unseen};
use rustix::io::Errno;
use std::borrow::Cow;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The sockets of one network namespace.
pub(crate) struct Table {
    /// The inode number that identifies the namespace.
    pub id: Seen<u64>,
    /// The better source, where the kernel has it and lets us.
    client: Option<Client>,
    /// `/proc/PID/net/unix` of a process in the namespace.
    text: String,
    /// The file that stands for the namespace.
    pub way: PathBuf,
}

/// What a table shows of the sockets that were asked for.
pub(crate) type Sockets = Result<Vec<SocketFact>, Unseen>;

impl Table {
    /// The table that a process sees; `None`: the thread that asks.
    pub(crate) fn of(pid: Option<u32>) -> Table {
        let who = pid.map_or_else(|| "thread-self".to_string(), |pid| pid.to_string());
        let client = match pid {
            Some(pid) if mark(&who) != mark("thread-self") => {
                netns::of_process(pid).and_then(netns::client_in).ok()
            }
            _ => Client::sockets().ok(),
        };
        let id = match netns::id_of(&who) {
            Ok(id) => Seen::Known(id),
            Err(errno) => Seen::Unseen(super::unseen(&errno.into(), process::SAME_USER)),
        };
        Table {
            id,
            client,
            text: format!("/proc/{who}/net/unix"),
            way: format!("/proc/{who}/ns/net").into(),
        }
    }

    /// The table of a namespace that no process is in.
    pub(crate) fn with(client: Client, id: u64, way: &Path) -> Table {
        Table {
            id: Seen::Known(id),
            client: Some(client),
            text: String::new(),
            way: way.to_path_buf(),
        }
    }

    /// The sockets in these states that `want` picks.
    pub(crate) fn sockets(
        &mut self,
        states: States,
        want: &dyn Fn(&Record<'_>) -> bool,
    ) -> Sockets {
        let id = self.id.clone();
        let make = |record: &Record<'_>| {
            let kind = record.kind.filter(|_| record.inode != 0 && want(record))?;
            Some(record.to_fact(kind, id.clone()))
        };
        self.records(states, show::USUAL, make)
    }

    /// What `make` makes of the sockets in these states, of which so much is to be shown.
    pub(crate) fn records<T>(
        &mut self,
        states: States,
        shown: u32,
        make: impl Fn(&Record<'_>) -> Option<T>,
    ) -> Result<Vec<T>, Unseen> {
        if let Some(client) = &mut self.client {
            match diag::dump(client, states, shown, &make) {
                Ok(found) => return Ok(found),
                Err(Trouble::Changed) => return Err(Unseen::Changed),
                // Not there, or not allowed: from now on the text has to do.
                Err(Trouble::Errno(_)) => self.client = None,
            }
        }
        let text = std::fs::read(&self.text).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Unseen::Absent { what: "sock_diag and /proc/net/unix" },
            _ => super::unseen(&error, "sock_diag or /proc/net/unix"),
        })?;
        Ok(from_text(&text).iter().filter_map(make).collect())
    }

    /// Whether it shows to which files sockets are bound.
    pub(crate) fn shows_files(&self) -> bool {
        self.client.is_some()
    }

    /// The netlink socket of the namespace.
    pub(crate) fn client(&mut self) -> Option<&mut Client> {
        self.client.as_mut()
    }
}

/// Records as the text has them. Its `@` at the start of a name stands for a NUL, those at the
/// end probably too.
fn from_text(text: &[u8]) -> Vec<Record<'_>> {
    let name = |shown: &[u8]| -> Vec<u8> {
        let Some(rest) = shown.strip_prefix(b"@") else { return shown.to_vec() };
        let end = rest.iter().rposition(|b| *b != b'@').map_or(0, |at| at + 1);
        let mut name = vec![0];
        name.extend_from_slice(&rest[..end]);
        name.resize(shown.len(), 0);
        name
    };
    let record = |line: proc_net_unix::Line<'_>| Record {
        inode: line.inode,
        kind: Some(line.kind),
        state: line.state,
        name: line.name.map(|n| Cow::Owned(name(n))),
        ..Record::default()
    };
    proc_net_unix::parse(text).into_iter().map(record).collect()
}

/// A number that tells network namespaces apart and that anybody may read for any process, unlike
/// the link in `/proc/PID/ns`: each namespace has a `/proc/net` of its own.
pub(crate) fn mark(pid: &str) -> Result<u64, Errno> {
    match std::fs::metadata(format!("/proc/{pid}/net/unix")) {
        Ok(file) => Ok(file.ino()),
        Err(error) => Err(Errno::from_io_error(&error).unwrap_or(Errno::IO)),
    }
}

/// The tables that an observation uses.
pub(crate) struct Tables {
    /// The caller's.
    pub home: Table,
    others: Option<netns::Others>,
}

impl Tables {
    /// The tables as a process sees them; `None`: this process.
    pub(crate) fn of(pid: Option<u32>) -> Tables {
        Tables { home: Table::of(pid), others: None }
    }

    /// The sockets that `want` picks in every other network namespace, and whether every one was
    /// looked into.
    pub(crate) fn elsewhere(
        &mut self,
        states: States,
        want: &dyn Fn(&Record<'_>) -> bool,
    ) -> (Vec<SocketFact>, Seen<()>) {
        let home = mark_of(&self.home.text);
        let others = self.others.get_or_insert_with(|| netns::others(home));
        let mut found = Vec::new();
        let mut everywhere = others.everywhere.clone();
        for table in &mut others.tables {
            match table.sockets(states, want) {
                Ok(sockets) => found.extend(sockets),
                Err(why) => everywhere = Seen::Unseen(why),
            }
        }
        (found, everywhere)
    }

    /// The table of the namespace that a socket is in.
    pub(crate) fn table_of(&mut self, socket: &SocketFact) -> Option<&mut Table> {
        let others = self.others.iter_mut().flat_map(|o| &mut o.tables);
        std::iter::once(&mut self.home).chain(others).find(|t| t.id == socket.net_namespace)
    }
}

fn mark_of(text: &str) -> Option<u64> {
    std::fs::metadata(text).ok().map(|file| file.ino())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fact::socket::State;
    use proptest::prelude::*;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::net::UnixListener;

    fn without_netlink() -> Table {
        Table { client: None, ..Table::of(None) }
    }

    #[test]
    fn the_text_shows_listeners_where_netlink_is_missing() {
        let dir = crate::observe::test::Dir::new();
        let path = dir.join("a b");
        let _server = UnixListener::bind(&path).unwrap();
        let want =
            |record: &Record<'_>| record.name.as_deref() == Some(path.as_os_str().as_bytes());
        let mut table = without_netlink();
        assert!(!table.shows_files());
        let found = table.sockets(States::SERVERS, &want).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].state, found[0].file), (State::Listening, None));
    }

    #[test]
    fn without_any_table_the_reason_is_told() {
        let mut table = Table { text: "/nonexistent".into(), ..without_netlink() };
        let why = table.sockets(States::SERVERS, &|_| true).unwrap_err();
        assert_eq!(why, Unseen::Absent { what: "sock_diag and /proc/net/unix" });
    }

    #[test]
    fn the_text_marks_abstract_names() {
        let text = b"Num\n0000000000000000: 00000002 00000000 00010000 0001 01 7 @a@b@@\n";
        let records = from_text(text);
        assert_eq!(records[0].name.as_deref(), Some(&b"\0a@b\0\0"[..]));
    }

    proptest! {
        #[test]
        fn names_keep_their_length(shown in "[@a/ ]{1,20}") {
            let text = format!("Num\n0000000000000000: 00000002 00000000 00010000 0001 01 7 {shown}\n");
            let records = from_text(text.as_bytes());
            prop_assert_eq!(records.len(), 1);
            let name = records[0].name.as_deref().unwrap_or_default();
            prop_assert_eq!(name.len(), shown.len());
            prop_assert_eq!(name.first() == Some(&0), shown.starts_with('@'));
        }
    }
}
