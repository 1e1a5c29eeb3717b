//! Many messages in one call: what every socket type has that keeps messages apart.

use super::io::{Direction, Io, would_block};
use crate::batch;
use crate::{Error, RecvBatch, RecvFlags};

/// Receives what is there, waiting for the first message only.
pub(super) async fn receive(
    io: &Io,
    room: &mut RecvBatch,
    flags: RecvFlags,
) -> Result<usize, Error> {
    if flags.contains(RecvFlags::DONTWAIT) {
        return try_receive(io, room, flags);
    }
    let came = io.run(Direction::of(flags), |socket| batch::receive(socket, room, flags)).await;
    match came {
        // A datagram socket that was shut down has only this to say.
        Err(error) if would_block(&error) => Ok(0),
        done => done,
    }
}

pub(super) fn try_receive(io: &Io, room: &mut RecvBatch, flags: RecvFlags) -> Result<usize, Error> {
    match io.try_now(Direction::of(flags), |socket| batch::receive(socket, room, flags)) {
        Err(error) if would_block(&error) && io.is_over() => Ok(0),
        done => done,
    }
}

macro_rules! batch_methods {
    ($name:ident) => {
        impl $name {
            /// Sends many messages in one call, as far as there is room for them; how many were
            /// sent, in order. Waits while there is no room for the first.
            ///
            /// Cancellation: nothing was sent.
            ///
            /// # Errors
            #[doc = concat!("Those of [`sunpath::", stringify!($name), "::send_batch`](crate::",
                                                        stringify!($name), "::send_batch).")]
            pub async fn send_batch(
                &self,
                messages: &[$crate::Outgoing<'_>],
                flags: $crate::SendFlags,
            ) -> Result<usize, $crate::Error> {
                if flags.contains($crate::SendFlags::DONTWAIT) {
                    return self.try_send_batch(messages, flags);
                }
                self.wait_and_send_batch(messages, flags).await
            }

            /// [`send_batch`](Self::send_batch) without waiting.
            ///
            /// # Errors
            /// `EAGAIN` if there is no room for the first.
            pub fn try_send_batch(
                &self,
                messages: &[$crate::Outgoing<'_>],
                flags: $crate::SendFlags,
            ) -> Result<usize, $crate::Error> {
                let mut send =
                    |socket: &$crate::socket::Socket| $crate::batch::send(socket, messages, flags);
                match messages.first().and_then($crate::Outgoing::receiver) {
                    None => self.io.try_now($crate::tokio::io::Write, send),
                    // That this receiver is full says nothing of the socket.
                    Some(_) => self.io.once(&mut send),
                }
            }

            /// Receives what is there, up to the room of the batch, in one call; how many messages
            /// came, which [`RecvBatch::messages`](crate::RecvBatch::messages) then gives. Waits for
            /// the first message only. 0 means the end: the peer has closed or will not send.
            ///
            /// Cancellation: nothing was received.
            ///
            /// # Errors
            #[doc = concat!("Those of [`sunpath::", stringify!($name), "::recv_batch`](crate::",
                                                        stringify!($name), "::recv_batch).")]
            pub async fn recv_batch(
                &self,
                batch: &mut $crate::RecvBatch,
                flags: $crate::RecvFlags,
            ) -> Result<usize, $crate::Error> {
                $crate::tokio::batch::receive(&self.io, batch, flags).await
            }

            /// [`recv_batch`](Self::recv_batch) without waiting.
            ///
            /// # Errors
            /// `EAGAIN` if there is nothing.
            pub fn try_recv_batch(
                &self,
                batch: &mut $crate::RecvBatch,
                flags: $crate::RecvFlags,
            ) -> Result<usize, $crate::Error> {
                $crate::tokio::batch::try_receive(&self.io, batch, flags)
            }
        }
    };
}
pub(super) use batch_methods;
