//! Sending on a socket of sequenced packets: to the peer, in messages.

use super::{Outgoing, Parcel};
use crate::model::stop::{Tried, fail};
use crate::model::wait::Attempt;
use crate::model::world::World;
use crate::profile::First;
use alloc::boxed::Box;

impl World {
    pub(super) fn send_packet(
        &mut self,
        out: &Outgoing<'_>,
        parcel: &mut Option<Box<Parcel>>,
        attempt: &mut Attempt,
    ) -> Tried<usize> {
        if self.first(out.from) == First::State {
            self.check_open(out, true)?;
        } else if !attempt.waited {
            // It is copied before anybody looks at it.
            self.check_control_size(out.from, &out.message.control)?;
            if self.sockets[out.from].error.take().is_some() {
                return Err(fail("send/pending-reset"));
            }
        }
        if self.sockets[out.from].peer().is_none() {
            return Err(fail("send/not-connected"));
        }
        // An address is not looked at.
        let out = Outgoing { to: None, ..*out };
        self.send_datagram(&out, parcel, attempt)
    }
}
