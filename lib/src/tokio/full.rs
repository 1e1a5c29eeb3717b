//! Sending to an address whose receiver is full.
//!
//! A datagram socket that is not connected is always reported as writable, so waiting for it to
//! become so would be trying without pause. A socket that is connected to the receiver does tell
//! when that has room. So a helper is connected to where the message is to go, and waited for;
//! the message itself is always sent by the socket that it was given to.

use super::io::{Io, would_block};
use super::registration::{sleep, timeout};
use crate::connect::{Pauses, connect_once};
use crate::socket::Socket;
use crate::sys::option;
use crate::{AddressRef, Error, SocketType};
use ::tokio::task::coop;
use std::sync::{Mutex, PoisonError};

/// The helper, kept for the next time: it costs a descriptor, and saves making one per message.
#[derive(Debug, Default)]
pub(super) struct Helper(Mutex<Option<Box<Io>>>);

/// Tries that may follow each other without a wait between them: each means that the receiver
/// changed in the meantime.
const HASTY: u32 = 4;

impl Helper {
    /// Sends until there was room, waiting in between.
    pub(super) async fn send_to<R>(
        &self,
        io: &Io,
        to: AddressRef<'_>,
        mut send: impl FnMut(&Socket) -> Result<R, Error>,
    ) -> Result<R, Error> {
        coop::cooperative(async {
            let mut pauses = Pauses::new();
            let mut hasty = 0;
            loop {
                match io.once(&mut send) {
                    Err(error) if would_block(&error) => {}
                    done => return done,
                }
                hasty += 1;
                if hasty > HASTY || !self.room(io, to, &mut pauses, &mut hasty).await? {
                    sleep(pauses.next()).await;
                }
            }
        })
        .await
    }

    /// Waits for room, of this socket or at the receiver; `false` if nothing tells.
    async fn room(
        &self,
        io: &Io,
        to: AddressRef<'_>,
        pauses: &mut Pauses,
        hasty: &mut u32,
    ) -> Result<bool, Error> {
        if own_buffer_is_full(io.socket()) {
            if io.socket().peer_addr().is_err() {
                *hasty = 0;
                return io.writable().await;
            }
            // Its peer's queue counts too, which need not be where this message goes.
            return timeout(pauses.next(), io.writable()).await.unwrap_or(Ok(true));
        }
        let Some(helper) = self.connected(to) else { return Ok(false) };
        let room = helper.writable().await;
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(helper);
        room
    }

    /// The helper, or a new one, connected to where the message is to go: anew each time, because
    /// the address may lead elsewhere by now.
    fn connected(&self, to: AddressRef<'_>) -> Option<Box<Io>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let helper = match kept {
            Some(helper) => helper,
            None => Box::new(Io::adopt(Socket::new(SocketType::Datagram).ok()?).ok()?),
        };
        connect_once(helper.socket(), to).ok()?;
        Some(helper)
    }
}

/// Whether the messages that were sent and not yet read leave no room for another.
fn own_buffer_is_full(socket: &Socket) -> bool {
    match (option::unread_by_peer(socket), option::send_buffer(socket)) {
        (Ok(used), Ok(limit)) => used >= limit,
        _ => false,
    }
}
