//! What comes with a message: delivered when it is read.

use super::credentials::NOBODY;
use crate::SocketType;
use crate::model::ancillary::{Baggage, Rights};
use crate::model::file::FileId;
use crate::model::socket::SocketId;
use crate::model::stop::{Tried, fail};
use crate::model::world::{Caller, World};
use crate::op::{ControlOut, Ids, Received, Want};
use crate::profile::{Claim, WithoutRoom, WithoutSlots};
use alloc::boxed::Box;
use alloc::vec::Vec;

/// The header of an item (`struct cmsghdr`), in bytes.
const HEADER: usize = 16;
/// Items begin at multiples of this.
const ALIGNMENT: usize = 8;
/// An `int`, as descriptors are, in bytes.
const INT: usize = 4;
/// A `struct timeval`, in bytes.
const TIME: usize = 16;

/// The buffer for ancillary data, which is filled from its beginning.
struct Buffer<'a> {
    room: usize,
    received: &'a mut Received,
}

impl Buffer<'_> {
    /// Adds an item of this size. What does not fit is cut off; nothing without room for a header.
    fn put(&mut self, size: usize, item: ControlOut) {
        if self.room < HEADER {
            self.received.control_truncated = true;
            return;
        }
        let fits = self.room - HEADER;
        self.received.control.push(if fits < size {
            self.received.control_truncated = true;
            ControlOut::Cut(fits)
        } else {
            item
        });
        self.take(size);
    }

    /// Takes the room of an item of this size.
    fn take(&mut self, size: usize) {
        self.room -= (HEADER + size).next_multiple_of(ALIGNMENT).min(self.room);
    }

    /// How many descriptors fit.
    fn fds(&self) -> usize {
        self.room.saturating_sub(HEADER) / INT
    }
}

/// Who sent what is read.
#[derive(Clone, Copy)]
enum Sender {
    /// Nobody: the end of a stream.
    None,
    /// Somebody, who was not recorded.
    Unknown,
    Known(Ids),
}

impl Sender {
    fn known(self) -> Option<Ids> {
        match self {
            Sender::Known(ids) => Some(ids),
            Sender::Unknown | Sender::None => None,
        }
    }

    /// The numbers that stand for it.
    fn told(self) -> Ids {
        match self {
            Sender::None => Ids { pid: 0, uid: 0, gid: 0 },
            Sender::Unknown => NOBODY,
            Sender::Known(ids) => ids,
        }
    }
}

impl World {
    /// Gives the caller what came with a message, as far as there is room and `at` (the receiving
    /// socket) wants it, and throws the rest away; fills `received.control` and
    /// `received.control_truncated`. The message has left the queue, unless the caller only looks
    /// (`want.flags.peek`) and this is its [copy](World::copy_baggage).
    ///
    /// # Errors
    /// `rights/descriptor-limit`, on systems where it is an error that the caller's table is full:
    /// then all descriptors are closed.
    #[inline]
    pub(crate) fn unload(
        &mut self,
        caller: Caller,
        at: SocketId,
        want: &Want,
        baggage: Baggage,
        received: &mut Received,
    ) -> Tried<()> {
        if baggage.rights.is_none() && baggage.credentials.is_none() && !self.asks(at) {
            return Ok(());
        }
        let sender = baggage.credentials.map_or(Sender::Unknown, Sender::Known);
        self.unload_items(caller, at, want, sender, baggage.rights, received)
    }

    /// What a stream tells of its end.
    pub(crate) fn unload_end(
        &mut self,
        caller: Caller,
        at: SocketId,
        want: &Want,
        received: &mut Received,
    ) -> Tried<()> {
        if !self.asks(at) {
            return Ok(());
        }
        self.unload_items(caller, at, want, Sender::None, None, received)
    }

    /// Whether the socket wants anything besides descriptors.
    #[inline]
    fn asks(&self, at: SocketId) -> bool {
        self.sockets[at].options.wants_beside()
    }

    fn unload_items(
        &mut self,
        caller: Caller,
        at: SocketId,
        want: &Want,
        sender: Sender,
        rights: Option<Box<Rights>>,
        received: &mut Received,
    ) -> Tried<()> {
        if let Some(rights) = &rights
            && !want.flags.peek
        {
            self.land(rights);
        }
        let rules = &self.profile.ancillary;
        let stream = self.sockets[at].kind == SocketType::Stream;
        let stamps = *rules.timestamps && !stream && self.sockets[at].options.timestamp;
        let options = &self.sockets[at].options;
        let (pass_pidfd, inq) = (options.pass_pidfd, options.inq);
        let credentials = match *rules.credentials {
            Claim::Checked => options.pass_credentials.then_some(sender.told()),
            Claim::FilledIn => sender.known(),
            Claim::None => None,
        };
        if want.control == 0 {
            let asked = stamps || options.pass_credentials || options.pass_security;
            let lost = asked || pass_pidfd || inq || rights.is_some();
            received.control_truncated |= lost && *rules.missing_buffer_told;
            self.close_files(rights.into_iter().flat_map(|rights| rights.files));
            return Ok(());
        }
        let mut buffer = Buffer { room: want.control, received };
        if stamps {
            buffer.put(TIME, ControlOut::Timestamp);
        }
        if let Some(ids) = credentials {
            buffer.put(size_of::<Ids>(), ControlOut::Credentials(ids));
        }
        if let Some(rights) = rights {
            self.unload_rights(caller, *rights, &mut buffer)?;
        }
        if pass_pidfd {
            self.unload_pidfd(caller, sender, &mut buffer);
        }
        if inq {
            buffer.put(INT, ControlOut::Inq(self.readable_bytes(at)));
        }
        Ok(())
    }

    fn unload_rights(
        &mut self,
        caller: Caller,
        rights: Rights,
        buffer: &mut Buffer<'_>,
    ) -> Tried<()> {
        let rules = &self.profile.ancillary;
        let vacancies = self.processes[caller.process].vacancies();
        if *rules.rights_without_slots == WithoutSlots::Error && vacancies < rights.files.len() {
            self.close_files(rights.files);
            return Err(fail("rights/descriptor-limit"));
        }
        let fit = buffer.fds();
        let (installed, told) = match *rules.rights_without_room {
            WithoutRoom::ThoseThatFit => (fit, fit),
            WithoutRoom::None if fit < rights.files.len() => (0, 0),
            WithoutRoom::None => (fit, fit),
            WithoutRoom::AllUntold => (usize::MAX, fit),
        };
        let count = rights.files.len();
        let mut fds = Vec::new();
        for (place, file) in rights.files.into_iter().enumerate() {
            if place < installed
                && let Ok(fd) = self.install(caller, file, "")
            {
                fds.push(fd);
            }
            // The message's own reference, which the descriptor has replaced.
            self.drop_file(file);
        }
        fds.truncate(told);
        buffer.received.control_truncated |= fds.len() < count;
        if !fds.is_empty() {
            buffer.take(fds.len() * INT);
            buffer.received.control.push(ControlOut::Rights(fds));
        }
        Ok(())
    }

    fn unload_pidfd(&mut self, caller: Caller, sender: Sender, buffer: &mut Buffer<'_>) {
        if buffer.room < HEADER + INT {
            buffer.received.control_truncated = true;
            return;
        }
        // Without a sender on record there is nothing to make a descriptor of.
        if let Some(ids) = sender.known() {
            let made = self.open_pidfd(caller, ids.pid);
            buffer.put(INT, made.map_or_else(ControlOut::NoPidfd, ControlOut::Pidfd));
        }
    }

    /// A second set of the baggage of a message that stays queued, for `MSG_PEEK`: the files are
    /// referred to once more, but not in flight once more.
    #[inline]
    pub(crate) fn copy_baggage(&mut self, baggage: &Baggage) -> Baggage {
        let mut copy = baggage.clone();
        if !*self.profile.ancillary.rights_peeked {
            copy.rights = None;
        }
        for file in copy.rights.iter().flat_map(|rights| &rights.files) {
            self.refer(*file);
        }
        copy
    }

    fn refer(&mut self, file: FileId) {
        self.files[file].references += 1;
    }
}
