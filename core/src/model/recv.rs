//! `recvmsg` and its kin.

use super::stop::{Tried, fail};
use super::wait::{Attempt, Line, Waiting};
use super::world::{Caller, World, descriptor};
use crate::op::{Received, Ret, Want};

const WAITING: Waiting = Waiting {
    would_block: "recv/nothing-to-read",
    timed_out: "recv/timed-out",
    interrupted: "recv/interrupted",
    waits: "wait/nothing-to-read",
};

impl World {
    pub(crate) fn recv(&mut self, caller: Caller, want: &Want, attempt: &mut Attempt) -> Tried {
        let (file, id) = self.socket(caller, want.fd, descriptor!("recv"))?;
        let socket = &mut self.sockets[id];
        if socket.peer().is_none() {
            return Err(fail("recv/not-connected"));
        }
        let Some(message) = socket.queue.front_mut() else {
            if let Some(error) = socket.error.take() {
                return Err(fail(error));
            }
            if socket.no_more_reading {
                return Ok(Ret::Received(Received::default()));
            }
            let may_wait = !(want.flags.dont_wait || self.files[file].nonblocking);
            let timeout = socket.options.receive_timeout;
            let place = (id, Line::Readable);
            return Err(self.wait_or_fail(attempt, may_wait, timeout, place, &WAITING));
        };
        if message.read == 0 && message.data.len() <= want.length {
            let message = socket.queue.pop_front().expect("it was there");
            let data = message.data.clone();
            self.discard(message);
            return Ok(Ret::Received(Received {
                returned: data.len(),
                data,
                ..Received::default()
            }));
        }
        let rest = message.rest();
        let data = &rest[..want.length.min(rest.len())];
        let received = Received { returned: data.len(), data: data.into(), ..Received::default() };
        message.read += received.returned;
        if message.rest().is_empty() {
            let message = socket.queue.pop_front().expect("it was there");
            self.discard(message);
        }
        Ok(Ret::Received(received))
    }
}
