//! What goes with a message: checked and taken when it is sent.

use super::credentials::{check_claim, wanted};
use crate::SocketType;
use crate::model::ancillary::{Baggage, Rights};
use crate::model::file::{FileId, What};
use crate::model::process::Caps;
use crate::model::socket::SocketId;
use crate::model::stop::{Tried, fail};
use crate::model::world::{Caller, TaskId, World};
use crate::op::{Control, Fd};
use crate::profile::{Claim, Foreign, Items};
use alloc::boxed::Box;
use alloc::vec::Vec;

/// The memory on the stack that short ancillary data is copied to, at no charge.
const ON_STACK: usize = 36;

impl World {
    /// Checks the ancillary data of a message, without changing anything: the checks that come
    /// before all others. `from` is the sending socket.
    #[inline]
    pub(crate) fn check_control(
        &self,
        caller: Caller,
        from: SocketId,
        control: &[Control],
    ) -> Tried<Baggage> {
        if control.is_empty() {
            return Ok(Baggage::default());
        }
        self.check_items(caller, from, control)
    }

    fn check_items(&self, caller: Caller, from: SocketId, control: &[Control]) -> Tried<Baggage> {
        self.check_control_size(from, control)?;
        let rules = &self.profile.ancillary;
        if *rules.items == Items::OneOfRights && !matches!(control, [Control::Rights(_)]) {
            return Err(fail("ancillary/unknown-type"));
        }
        let mut baggage = Baggage::default();
        let mut files = Vec::new();
        for item in control {
            match item {
                Control::Rights(fds) => self.check_rights(caller, fds, &mut files)?,
                Control::Credentials(claimed) => {
                    let process = &self.processes[caller.process];
                    baggage.credentials = Some(match *rules.credentials {
                        Claim::Checked => {
                            check_claim(process, claimed, |pid| self.process_exists(pid))?
                        }
                        Claim::FilledIn => process.real(),
                        Claim::None => return Err(fail("ancillary/unknown-type")),
                    });
                }
                // Where the kernel fills them in, it does not look at what was there.
                Control::MalformedCredentials if *rules.credentials == Claim::FilledIn => {
                    baggage.credentials = Some(self.processes[caller.process].real());
                }
                Control::MalformedCredentials if *rules.credentials == Claim::None => {
                    return Err(fail("ancillary/unknown-type"));
                }
                Control::MalformedCredentials => return Err(fail("credentials/malformed")),
                Control::Malformed => return Err(fail("ancillary/malformed")),
                Control::UnknownType => return Err(fail("ancillary/unknown-type")),
                Control::ForeignLevel | Control::Filler(_) => {
                    if *rules.foreign_level == Foreign::Refused {
                        return Err(fail("ancillary/unknown-type"));
                    }
                }
            }
        }
        if !files.is_empty() {
            let user = self.processes[caller.process].credentials.users[0];
            baggage.rights = Some(Box::new(Rights { user, files }));
        }
        Ok(baggage)
    }

    #[inline]
    pub(crate) fn check_control_size(&self, from: SocketId, control: &[Control]) -> Tried<()> {
        if control.is_empty() {
            return Ok(());
        }
        let size = control.iter().map(Control::space).fold(0, usize::saturating_add);
        let fits = match *self.profile.ancillary.control_max {
            Some(most) => size <= most,
            None => size <= ON_STACK || self.option_memory_left(from) > size,
        };
        if fits { Ok(()) } else { Err(fail("send/control-too-large")) }
    }

    fn check_rights(&self, caller: Caller, fds: &[Fd], files: &mut Vec<FileId>) -> Tried<()> {
        let rules = &self.profile.ancillary;
        let before = if *rules.rights_summed { files.len() } else { 0 };
        let too_many = before.saturating_add(fds.len()) > *rules.rights_max;
        if too_many && *rules.rights_counted_first {
            return Err(fail("rights/too-many"));
        }
        let process = &self.processes[caller.process];
        for fd in fds {
            let descriptor = process.descriptor(*fd).ok_or(fail("rights/bad-descriptor"))?;
            if self.files[descriptor.file].what == What::Ring {
                return Err(fail("rights/not-passable"));
            }
            files.push(descriptor.file);
        }
        if too_many { Err(fail("rights/too-many")) } else { Ok(()) }
    }

    /// The check of descriptors in flight, which comes when room was found: see [`World::board`].
    #[inline]
    pub(crate) fn check_in_flight(&self, caller: Caller, baggage: &Baggage) -> Tried<()> {
        match &baggage.rights {
            Some(rights) => self.check_rights_in_flight(caller, rights),
            None => Ok(()),
        }
    }

    fn check_rights_in_flight(&self, caller: Caller, rights: &Rights) -> Tried<()> {
        // What this message adds does not matter: the last one may go beyond.
        match self.room_of(caller, rights.user) {
            Some(room) if room < 0 => Err(fail("rights/too-many-in-flight")),
            _ => Ok(()),
        }
    }

    /// How many more descriptors the user of a task's process may have in flight, counted in those
    /// that were sent and that nobody has received; negative: too many are. `None` if there is no
    /// limit for it.
    ///
    /// # Panics
    /// If there is no such task.
    pub fn room_in_flight(&self, task: TaskId) -> Option<i64> {
        let caller = self.caller(task);
        self.room_of(caller, self.processes[caller.process].credentials.users[0])
    }

    fn room_of(&self, caller: Caller, user: u32) -> Option<i64> {
        let process = &self.processes[caller.process];
        let caps = process.credentials.caps;
        let unlimited = caps.contains(Caps::SYS_RESOURCE) || caps.contains(Caps::SYS_ADMIN);
        let in_flight = self.in_flight.users.get(&user).copied().unwrap_or(0);
        let limited = *self.profile.ancillary.in_flight_limit && !unlimited;
        limited.then(|| i64::from(process.limit) - i64::from(in_flight))
    }

    /// Whether the receiver takes what the message carries.
    #[inline]
    pub(crate) fn check_receiver_takes(&self, to: SocketId, baggage: &Baggage) -> Tried<()> {
        if baggage.rights.is_some() && !self.sockets[to].options.pass_rights {
            return Err(fail("rights/refused-by-receiver"));
        }
        Ok(())
    }

    /// Counts the baggage of a message that is queued as in flight, and adds the sender's
    /// credentials if the sender or the receiver wants them.
    #[inline]
    pub(crate) fn board(
        &mut self,
        caller: Caller,
        from: SocketId,
        to: SocketId,
        mut baggage: Baggage,
    ) -> Baggage {
        if baggage.credentials.is_none() && wanted(self, from, to) {
            baggage.credentials = Some(self.processes[caller.process].real());
            self.forget_wish(to);
        }
        if let Some(rights) = &baggage.rights {
            self.take_off(rights);
        }
        baggage
    }

    /// Where a receiver's wish is for credentials once, of a connection, it is fulfilled.
    fn forget_wish(&mut self, to: SocketId) {
        let socket = &mut self.sockets[to];
        let once = *self.profile.ancillary.credentials == Claim::FilledIn
            && socket.kind != SocketType::Datagram
            && !socket.options.credentials_persist();
        if once {
            socket.options.pass_credentials = false;
        }
    }

    fn take_off(&mut self, rights: &Rights) {
        for file in &rights.files {
            let file = &mut self.files[*file];
            file.references += 1;
            file.in_flight += 1;
            self.in_flight.sockets += u32::from(matches!(file.what, What::Socket(_)));
        }
        *self.in_flight.users.entry(rights.user).or_insert(0) += rights.files.len() as u32;
    }

    /// What was in flight is not any more; its files are still referred to.
    pub(super) fn land(&mut self, rights: &Rights) {
        for file in &rights.files {
            let file = &mut self.files[*file];
            file.in_flight -= 1;
            self.in_flight.sockets -= u32::from(matches!(file.what, What::Socket(_)));
        }
        let count = self.in_flight.users.get_mut(&rights.user).expect("it was counted");
        *count -= rights.files.len() as u32;
        if *count == 0 {
            self.in_flight.users.remove(&rights.user);
        }
    }

    /// Throws away the baggage of a message that was queued.
    #[inline]
    pub(crate) fn drop_baggage(&mut self, baggage: Baggage) {
        if let Some(rights) = baggage.rights {
            self.land(&rights);
            self.close_files(rights.files);
        }
    }

    /// Gives references to files back.
    pub(super) fn close_files(&mut self, files: impl IntoIterator<Item = FileId>) {
        for file in files {
            self.drop_file(file);
        }
    }
}
