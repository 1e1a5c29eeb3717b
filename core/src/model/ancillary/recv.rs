//! What comes with a message: delivered when it is read.

use super::credentials::NOBODY;
use crate::model::ancillary::{Baggage, Rights};
use crate::model::file::{File, FileId, What};
use crate::model::socket::SocketId;
use crate::model::stop::{Tried, fail};
use crate::model::world::{Caller, World};
use crate::op::{ControlOut, Fd, Ids, Received, Want};
use crate::profile::{Claim, WithoutRoom, WithoutSlots};
use alloc::vec::Vec;

/// The header of an item (`struct cmsghdr`), in bytes.
const HEADER: usize = 16;
/// Items begin at multiples of this.
const ALIGNMENT: usize = 8;
/// A descriptor, in bytes.
const FD: usize = 4;

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
        self.room.saturating_sub(HEADER) / FD
    }
}

impl World {
    /// Gives the caller what came with a message, as far as there is room and `at` (the receiving
    /// socket) wants it, and throws the rest away; fills `received.control` and
    /// `received.control_truncated`.
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
        let options = &self.sockets[at].options;
        let asked = options.pass_credentials || options.pass_pidfd || options.pass_security;
        if baggage.rights.is_none() && baggage.credentials.is_none() && !asked {
            return Ok(());
        }
        self.unload_items(caller, at, want, baggage, received)
    }

    fn unload_items(
        &mut self,
        caller: Caller,
        at: SocketId,
        want: &Want,
        baggage: Baggage,
        received: &mut Received,
    ) -> Tried<()> {
        if let Some(rights) = &baggage.rights
            && !want.flags.peek
        {
            self.land(rights);
        }
        let options = &self.sockets[at].options;
        let (pass_credentials, pass_pidfd) = (options.pass_credentials, options.pass_pidfd);
        if want.control == 0 {
            let asked = pass_credentials || pass_pidfd || options.pass_security;
            let lost = asked || baggage.rights.is_some();
            received.control_truncated |= lost && *self.profile.ancillary.missing_buffer_told;
            self.close_files(baggage.rights.into_iter().flat_map(|rights| rights.files));
            return Ok(());
        }
        let mut buffer = Buffer { room: want.control, received };
        let told = match *self.profile.ancillary.credentials {
            Claim::Checked => pass_credentials.then(|| baggage.credentials.unwrap_or(NOBODY)),
            Claim::FilledIn => baggage.credentials,
            Claim::None => None,
        };
        if let Some(ids) = told {
            buffer.put(size_of::<Ids>(), ControlOut::Credentials(ids));
        }
        if let Some(rights) = baggage.rights {
            self.unload_rights(caller, want, *rights, &mut buffer)?;
        }
        if pass_pidfd {
            self.unload_pidfd(caller, want, baggage.credentials, &mut buffer);
        }
        Ok(())
    }

    fn unload_rights(
        &mut self,
        caller: Caller,
        want: &Want,
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
            let on_exec = want.flags.close_on_exec;
            if place < installed
                && let Ok(fd) = self.install(caller, file, on_exec, "")
            {
                fds.push(fd);
            }
            // The message's own reference, which the descriptor has replaced.
            self.drop_file(file);
        }
        fds.truncate(told);
        buffer.received.control_truncated |= fds.len() < count;
        if !fds.is_empty() {
            buffer.take(fds.len() * FD);
            buffer.received.control.push(ControlOut::Rights(fds));
        }
        Ok(())
    }

    fn unload_pidfd(
        &mut self,
        caller: Caller,
        want: &Want,
        sender: Option<Ids>,
        buffer: &mut Buffer<'_>,
    ) {
        if buffer.room < HEADER + FD {
            buffer.received.control_truncated = true;
            return;
        }
        // Without a sender on record there is nothing to make a descriptor of.
        if sender.is_some() {
            let item = match self.open_pidfd(caller) {
                Some(fd) => ControlOut::Pidfd(fd),
                None => ControlOut::NoPidfd(crate::Errno::EMFILE),
            };
            let _ = want;
            buffer.put(FD, item);
        }
    }

    /// A descriptor of a process; `None` if the caller's table is full.
    pub(crate) fn open_pidfd(&mut self, caller: Caller) -> Option<Fd> {
        let file = File { what: What::Process, nonblocking: false, references: 0, in_flight: 0 };
        let file = self.files.insert(file);
        let installed = self.install(caller, file, true, "").ok();
        if installed.is_none() {
            self.files.remove(file);
        }
        installed
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
