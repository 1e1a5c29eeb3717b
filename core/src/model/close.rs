//! `close`, and what follows when nothing refers to a file any more: its socket dies, its peer is
//! told, its messages are thrown away with the descriptors in them, which may close more files.

use super::file::{FileId, What};
use super::socket::{Message, SocketId, State};
use super::stop::{Stop, Tried};
use super::wait::{Line, Wake};
use super::world::{Caller, World};
use crate::Errno;
use crate::SocketType;
use crate::op::{Fd, Ret};
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
        let file = process.descriptor(fd).ok_or(Stop::Errno(Errno::EBADF))?.file;
        let new = process.install(file, false).ok_or(Stop::Errno(Errno::EMFILE))?;
        self.files[file].references += 1;
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
        if mem::replace(&mut self.burying, true) {
            return;
        }
        while let Some(file) = self.doomed.pop() {
            match self.files.remove(file).what {
                What::Socket(socket) => self.bury(socket),
                What::Inet(socket) => self.bury_internet(socket),
                What::Device | What::Path | What::Process => {}
            }
        }
        self.burying = false;
    }

    /// A socket that nobody can use any more.
    pub(crate) fn bury(&mut self, id: SocketId) {
        self.give_up_name(id);
        let socket = &mut self.sockets[id];
        socket.dead = true;
        // It may be its own peer, or have messages to itself.
        socket.holds += 1;
        socket.file = None;
        socket.no_more_reading = true;
        socket.no_more_writing = true;
        let queue = mem::take(&mut socket.queue);
        let state = mem::replace(&mut socket.state, State::Unconnected);
        let unread = queue.iter().any(|m| !m.rest().is_empty());
        if let State::Connected(peer) = state {
            if self.sockets[id].kind != SocketType::Datagram {
                self.tell_peer_of_close(peer, unread);
            }
            self.release(peer);
        }
        for message in queue {
            self.discard(message);
        }
        self.ask_for_collection();
        self.release(id);
    }

    fn tell_peer_of_close(&mut self, peer: SocketId, unread: bool) {
        let peer_socket = &mut self.sockets[peer];
        peer_socket.no_more_reading = true;
        peer_socket.no_more_writing = true;
        if unread {
            peer_socket.error = Some("recv/peer-closed-with-unread-data");
        }
        self.wake(peer, Line::Readable, Wake::All);
        self.wake(peer, Line::Writable, Wake::All);
    }

    /// Throws a message away: its sender need not pay for it any more, its descriptors close.
    pub(crate) fn discard(&mut self, message: Message) {
        self.refund(&message);
        self.release(message.from);
        self.drop_baggage(message.baggage);
    }

    /// The sender of a message that was read need not pay for it any more.
    pub(crate) fn refund(&mut self, message: &Message) {
        let sender = &mut self.sockets[message.from];
        sender.charged -= message.cost;
        if sender.charged * 4 <= sender.options.send_buffer {
            self.wake(message.from, Line::Writable, Wake::All);
        }
    }

    /// Lets go of a socket that was held.
    pub(crate) fn release(&mut self, id: SocketId) {
        let socket = &mut self.sockets[id];
        socket.holds -= 1;
        if socket.dead && socket.holds == 0 {
            self.forget(id);
        }
    }

    /// Frees the place of a socket that nothing refers to.
    pub(crate) fn forget(&mut self, id: SocketId) {
        self.sockets.remove(id);
    }
}
