//! Why a client waits: the server does not do its part, for a reason that can be seen.

use crate::model::process::Process;
use crate::model::socket::{SocketId, State};
use crate::model::world::World;

impl World {
    /// The cause of a wait at a socket: the usual one, unless those who hold the other end (or the
    /// listener, before they have accepted) show a better one.
    #[cold]
    pub(crate) fn why_waits(&self, at: SocketId, usual: &'static str) -> &'static str {
        let (server, accepted) = match usual {
            "wait/backlog-full" => (at, false),
            "wait/nothing-to-read" => match self.server_of(at) {
                Some(server) => server,
                None => return usual,
            },
            _ => return usual,
        };
        let file = self.sockets[server].file;
        let holds = |process: &Process| {
            process.descriptors.iter().flatten().any(|descriptor| Some(descriptor.file) == file)
        };
        let all = |condition: fn(&Process) -> bool| {
            let mut holders = self.processes.iter().filter(|(_, p)| holds(p)).peekable();
            holders.peek().is_some() && holders.all(|(_, process)| condition(process))
        };
        if all(|process| process.stopped) {
            "wait/server-stopped"
        } else if accepted {
            usual
        } else if all(|process| process.vacancies() == 0) {
            "wait/server-out-of-descriptors"
        } else if usual == "wait/nothing-to-read" {
            "wait/server-not-accepting"
        } else {
            usual
        }
    }

    /// Who should send to a socket: its peer, or the listener in whose backlog that is; and
    /// whether the connection was accepted. `None` if nobody need be looked for.
    fn server_of(&self, client: SocketId) -> Option<(SocketId, bool)> {
        let (State::Connected(peer) | State::Connecting(peer)) = self.sockets[client].state else {
            return None;
        };
        if self.sockets[peer].dead {
            return None;
        }
        if self.sockets[peer].file.is_some() {
            let stopped = self.processes.iter().any(|(_, process)| process.stopped);
            return stopped.then_some((peer, true));
        }
        let listener = self.sockets.iter().find(|(_, socket)| match &socket.state {
            State::Listening(listening) => listening.pending.contains(&peer),
            _ => false,
        });
        listener.map(|(id, _)| (id, false))
    }
}
