//! `shutdown`.

use crate::SocketType;
use crate::model::socket::{PendingError, SocketId, State};
use crate::model::stop::{Tried, fail};
use crate::model::wait::{Line, Wake};
use crate::model::world::{Caller, World, descriptor};
use crate::op::{Fd, Ret};
use crate::profile::{ShutListener, ShutReading};

/// The directions that `shutdown` closes.
#[derive(Clone, Copy)]
struct Directions {
    reading: bool,
    writing: bool,
}

impl World {
    pub(crate) fn shutdown(&mut self, caller: Caller, fd: Fd, how: i32) -> Tried {
        let (_, id) = self.socket(caller, fd, descriptor!("shutdown"))?;
        let directions = match how {
            0 => Directions { reading: true, writing: false },
            1 => Directions { reading: false, writing: true },
            2 => Directions { reading: true, writing: true },
            _ => return Err(fail("shutdown/bad-direction")),
        };
        if *self.profile.connection.shutdown_unconnected || self.has_live_peer(id) {
            return self.shut_once(id, directions);
        }
        // It fails, but not always without effect.
        let socket = &mut self.sockets[id];
        if socket.kind == SocketType::Datagram {
            if *self.profile.connection.failed_shutdown_shuts {
                self.shut(id, directions);
            }
        } else if let State::Listening(_) = socket.state
            && directions.reading
            && *self.profile.connection.shut_listener == ShutListener::FailsOneAccept
        {
            socket.error = Some(PendingError::ListenerShutDown);
            self.wake(id, Line::Readable, Wake::All);
        }
        Err(fail("shutdown/not-connected"))
    }

    /// Shuts one direction after the other, as far as they can be.
    fn shut_once(&mut self, id: SocketId, Directions { reading, writing }: Directions) -> Tried {
        let twice = *self.profile.connection.shut_twice;
        let again = fail("shutdown/not-connected");
        if reading {
            if self.sockets[id].no_more_reading && !twice {
                return Err(again);
            }
            self.shut(id, Directions { reading, writing: false });
        }
        if writing {
            if self.sockets[id].no_more_writing && !twice {
                return Err(again);
            }
            self.shut(id, Directions { reading: false, writing });
        }
        Ok(Ret::Unit)
    }

    fn has_live_peer(&self, id: SocketId) -> bool {
        self.sockets[id].peer().is_some_and(|peer| !self.sockets[peer].dead)
    }

    fn shut(&mut self, id: SocketId, Directions { reading, writing }: Directions) {
        let kept = *self.profile.connection.shut_reading == ShutReading::KeepsAndTellsPeer;
        let socket = &mut self.sockets[id];
        socket.no_more_reading |= reading;
        socket.no_more_writing |= writing;
        if reading && !kept {
            self.purge(id);
        }
        self.wake_users(id);
        let socket = &self.sockets[id];
        if let Some(peer) = socket.peer().filter(|_| socket.kind != SocketType::Datagram) {
            let peer_socket = &mut self.sockets[peer];
            peer_socket.peer_reads_no_more |= reading && kept && !peer_socket.no_more_writing;
            peer_socket.no_more_writing |= reading && kept;
            peer_socket.no_more_reading |= writing;
            self.wake_users(peer);
        }
    }

    /// Wakes whoever reads from a socket, writes to it or accepts.
    pub(crate) fn wake_users(&mut self, id: SocketId) {
        self.wake(id, Line::Readable, Wake::All);
        self.wake(id, Line::Writable, Wake::All);
    }
}
