//! `close`, and what follows when nothing refers to a file any more: its socket dies, its peer is
//! told, its messages are thrown away with the descriptors in them, which may close more files.

use super::file::{FileId, What};
use super::queue::Queue;
use super::socket::{PendingError, SocketId, State};
use super::stop::{Stop, Tried};
use super::wait::{Line, Wake};
use super::world::{Caller, World};
use crate::Errno;
use crate::SocketType;
use crate::op::{Fd, Ret};
use crate::profile::ClosedDatagram;
use alloc::vec::Vec;
use core::mem;

impl World {
    pub(crate) fn close(&mut self, caller: Caller, fd: Fd) -> Tried {
        let taken =
            self.processes[caller.process].uninstall(fd).ok_or(Stop::Errno(Errno::EBADF))?;
        self.drop_file(taken.file);
        Ok(Ret::Unit)
    }

    pub(crate) fn dup(&mut self, caller: Caller, fd: Fd) -> Tried {
        let process = &mut self.processes[caller.process];
        let found = process.descriptor(fd).ok_or(Stop::Errno(Errno::EBADF))?;
        let new = process.install(found).ok_or(Stop::Errno(Errno::EMFILE))?;
        self.files[found.file].references += 1;
        Ok(Ret::Fd(new))
    }

    pub(crate) fn set_nonblocking(&mut self, caller: Caller, fd: Fd, on: bool) -> Tried {
        let found = self.processes[caller.process].descriptor(fd);
        let file = found.ok_or(Stop::Errno(Errno::EBADF))?.file;
        if self.files[file].what == What::Path {
            return Err(Stop::Errno(Errno::EBADF));
        }
        self.files[file].nonblocking = on;
        Ok(Ret::Unit)
    }

    /// Gives a reference to a file back.
    pub(crate) fn drop_file(&mut self, file: FileId) {
        self.files[file].references -= 1;
        if self.files[file].references > 0 {
            return;
        }
        // Messages of a socket that dies may hold the last reference to another: no recursion,
        // as the chain may be long.
        self.doomed.push(file);
        if !mem::replace(&mut self.burying, true) {
            self.bury_doomed();
        }
    }

    /// Releases the files that nothing refers to any more.
    pub(crate) fn bury_doomed(&mut self) {
        while let Some(file) = self.doomed.pop() {
            match self.files.remove(file).what {
                What::Socket(socket) => self.bury(socket),
                What::Inet(socket) => self.bury_internet(socket),
                What::Device | What::Path | What::Process(_) | What::Ring => {}
            }
        }
        self.burying = false;
    }

    /// A socket that nobody can use any more.
    pub(crate) fn bury(&mut self, id: SocketId) {
        self.end(id, false);
    }

    fn end(&mut self, id: SocketId, unaccepted: bool) {
        self.give_up_name(id);
        let socket = &mut self.sockets[id];
        socket.dead = true;
        // It may be its own peer, or have messages to itself.
        socket.holds += 1;
        socket.file = None;
        socket.no_more_reading = true;
        socket.no_more_writing = true;
        let mut queue = mem::take(&mut socket.queue);
        let kind = socket.kind;
        let state = mem::replace(&mut socket.state, State::Unconnected);
        self.wake(id, Line::Room, Wake::All);
        match state {
            State::Unconnected => {}
            State::Connected(peer) | State::Connecting(peer) => {
                if kind != SocketType::Datagram {
                    self.tell_peer_of_close(peer, has_unread(&queue), unaccepted);
                }
                self.release(peer);
            }
            State::Listening(listening) => {
                for embryo in listening.pending {
                    self.end(embryo, true);
                }
            }
        }
        if kind == SocketType::Datagram
            && *self.profile.connection.closed_datagram == ClosedDatagram::Tells
        {
            self.tell_associates_of_close(id);
        }
        for message in queue.drain() {
            self.discard(message);
        }
        self.ask_for_collection();
        self.release(id);
    }

    fn tell_peer_of_close(&mut self, peer: SocketId, unread: bool, unaccepted: bool) {
        let rules = &self.profile.connection;
        let error = match (unaccepted, unread) {
            (true, _) if *rules.close_reports_unaccepted => Some(PendingError::ClosedBeforeAccept),
            (_, true) if *rules.close_reports_unread => Some(PendingError::PeerClosedWithUnread),
            _ => None,
        };
        let peer_socket = &mut self.sockets[peer];
        peer_socket.no_more_reading = true;
        peer_socket.no_more_writing = true;
        peer_socket.error = error;
        if let State::Connecting(embryo) = peer_socket.state {
            peer_socket.state = State::Connected(embryo);
        }
        self.wake_users(peer);
    }

    /// Leaves an error in the datagram sockets whose peer closed, and no peer. Who waits is not
    /// woken by it.
    fn tell_associates_of_close(&mut self, id: SocketId) {
        let associates = self.sockets.iter().filter(|(_, s)| !s.dead && s.peer() == Some(id));
        let associates: Vec<SocketId> = associates.map(|(associate, _)| associate).collect();
        for associate in associates {
            self.dissociate(associate);
            self.sockets[associate].error = Some(PendingError::ReceiverClosed);
        }
    }

    /// Lets go of a socket that was held.
    #[inline(always)]
    pub(crate) fn release(&mut self, id: SocketId) {
        let socket = &mut self.sockets[id];
        socket.holds -= 1;
        if socket.dead && socket.holds == 0 {
            self.forget(id);
        }
    }

    /// Frees the place of a socket that nothing refers to.
    #[cold]
    pub(crate) fn forget(&mut self, id: SocketId) {
        self.sockets.remove(id);
    }
}

/// Whether a queue holds a message that its sender takes for unread: an empty one at the head
/// does not count.
fn has_unread(queue: &Queue) -> bool {
    match queue.front() {
        Some(first) => !first.rest().is_empty() || queue.len() > 1,
        None => false,
    }
}
