//! Why nobody answers: what keeps a server from it whose client waits.

use crate::SocketType;
use crate::model::file::FileId;
use crate::model::process::Process;
use crate::model::socket::{SocketId, State};
use crate::model::world::World;
use alloc::vec::Vec;

impl World {
    /// The cause why a call waits that needs something from the peer of a socket: the server is
    /// stopped, has no descriptor to accept with, does not accept; or nothing came.
    pub(crate) fn why_unanswered(&self, id: SocketId) -> &'static str {
        let (State::Connected(peer) | State::Connecting(peer)) = self.sockets[id].state else {
            return "wait/nothing-to-read";
        };
        let server = &self.sockets[peer];
        let embryo = server.file.is_none() && !server.dead && server.kind != SocketType::Datagram;
        if !embryo && !self.processes.iter().any(|(_, process)| process.stopped) {
            return "wait/nothing-to-read";
        }
        let holders =
            self.processes_with(if embryo { self.listener_of(peer) } else { server.file });
        let all = |which: fn(&Process) -> bool| {
            !holders.is_empty() && holders.iter().all(|holder| which(holder))
        };
        if all(|process| process.stopped) {
            "wait/server-stopped"
        } else if !embryo {
            "wait/nothing-to-read"
        } else if all(|process| process.vacancies() == 0) {
            "wait/server-out-of-descriptors"
        } else {
            "wait/server-not-accepting"
        }
    }

    /// The open file of the listener in whose backlog this embryo is.
    fn listener_of(&self, embryo: SocketId) -> Option<FileId> {
        let holds = |state: &State| matches!(state, State::Listening(listening) if listening.pending.contains(&embryo));
        self.sockets.iter().find(|(_, socket)| holds(&socket.state))?.1.file
    }

    fn processes_with(&self, file: Option<FileId>) -> Vec<&Process> {
        let Some(file) = file else { return Vec::new() };
        let holds =
            |process: &Process| process.descriptors.iter().flatten().any(|d| d.file == file);
        let processes = self.processes.iter().map(|(_, process)| process);
        processes.filter(|process| !process.gone && holds(process)).collect()
    }
}
