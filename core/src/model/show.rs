//! A world as text, in the shape of `ss -xap`.

use super::observe::inode;
use super::process::Process;
use super::socket::{Socket, SocketId, State};
use super::world::World;
use crate::{Address, SocketType};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

/// The columns; the numbers that `ss` prints as ports are those of the sockets.
const HEADINGS: [&str; 7] =
    ["Netid", "State", "Recv-Q", "Send-Q", "Local Address:Port", "Peer Address:Port", "Process"];

impl fmt::Display for World {
    /// The UNIX domain sockets, one a line, as `ss -xap` prints them: of a listener, `Recv-Q` is
    /// how many connections wait and `Send-Q` how many may; of every other socket, the bytes to be
    /// read and the memory that its unread messages take.
    ///
    /// ```
    /// use sunpath_core::model::World;
    /// use sunpath_core::profile::LINUX;
    /// use sunpath_core::trace::{Trace, play};
    ///
    /// let trace: Trace = r#"
    /// spawn server
    /// spawn client
    /// server: s = socket stream
    /// server: bind s "app.sock"
    /// server: listen s 5
    /// client: c = socket stream
    /// client: connect c "app.sock"
    /// client: send c "hello"
    /// "#.parse().unwrap();
    /// let mut world = World::new(LINUX);
    /// play(&trace, &mut world).unwrap();
    /// let lines: Vec<_> = world.to_string().lines().map(|line| line.trim_end().to_string()).collect();
    /// assert_eq!(lines, [
    ///     "Netid State  Recv-Q Send-Q Local Address:Port Peer Address:Port Process",
    ///     "u_str LISTEN 1      5              app.sock 1               * 0 users:((pid=100,fd=3))",
    ///     "u_str ESTAB  0      768                   * 2        app.sock 0 users:((pid=101,fd=3))",
    ///     "u_str ESTAB  5      0              app.sock 0               * 2",
    /// ]);
    /// ```
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let live = self.sockets.iter().filter(|(_, socket)| !socket.dead && socket.kind.is_unix());
        let rows: Vec<_> = live.map(|(id, socket)| self.row(id, socket)).collect();
        let headings = HEADINGS.map(String::from);
        let widest = |column: usize| {
            rows.iter().chain([&headings]).map(|row| row[column].chars().count()).max().unwrap_or(0)
        };
        let widths: [usize; 7] = core::array::from_fn(widest);
        for row in [&headings].into_iter().chain(&rows) {
            let is_heading = row == &headings;
            for (column, (text, width)) in row.iter().zip(widths).enumerate() {
                let right = matches!(column, 4 | 5) && !is_heading;
                match (column, right) {
                    (6, _) => f.write_str(text)?,
                    (_, true) => write!(f, "{text:>width$} ")?,
                    (_, false) => write!(f, "{text:<width$} ")?,
                }
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

impl World {
    fn row(&self, id: SocketId, socket: &Socket) -> [String; 7] {
        let netid = match socket.kind {
            SocketType::Datagram => "u_dgr",
            SocketType::SeqPacket => "u_seq",
            _ => "u_str",
        };
        let state = match socket.state {
            State::Unconnected | State::Connecting(_) => "UNCONN",
            State::Listening(_) => "LISTEN",
            State::Connected(_) => "ESTAB",
        };
        let (received, sent) = match &socket.state {
            State::Listening(listening) => (listening.pending.len(), listening.backlog),
            _ => (readable(socket), socket.charged),
        };
        let peer = socket.peer().filter(|peer| !self.sockets[*peer].dead);
        [
            netid.to_string(),
            state.to_string(),
            received.to_string(),
            sent.to_string(),
            self.local(Some(id)),
            self.local(peer),
            self.users(socket),
        ]
    }

    /// A socket's name and number; a connection that was not accepted has no number yet.
    fn local(&self, id: Option<SocketId>) -> String {
        let Some(id) = id else { return "* 0".to_string() };
        let socket = &self.sockets[id];
        let name = match socket.name.as_ref().map(|bound| &bound.address) {
            None | Some(Address::Unnamed) => "*".to_string(),
            Some(address) => address.to_string(),
        };
        format!("{name} {}", if socket.file.is_some() { inode(id) } else { 0 })
    }

    fn users(&self, socket: &Socket) -> String {
        let Some(file) = socket.file else { return String::new() };
        let held = |process: &Process| {
            let pid = process.pid;
            let fds = (0..).zip(&process.descriptors);
            let held = fds.filter(|(_, d)| d.is_some_and(|d| d.file == file));
            held.map(|(fd, _): (u32, _)| format!("(pid={pid},fd={fd})")).collect::<Vec<_>>()
        };
        let users: Vec<_> = self.processes.iter().flat_map(|(_, p)| held(p)).collect();
        if users.is_empty() { String::new() } else { format!("users:({})", users.join(",")) }
    }
}

/// The bytes to be read: of datagrams, those of the next one.
fn readable(socket: &Socket) -> usize {
    let messages = if socket.kind == SocketType::Datagram { 1 } else { usize::MAX };
    socket.queue.iter().take(messages).map(|message| message.rest().len()).sum()
}
