//! Datagrams: one socket that clients send to, and behind it one for each client.
//!
//! ```text
//!   client A ─┐                      ┌─ socket for A ─┐
//!   client B ─┼─► the tap's socket ──┼─ socket for B ─┼─► server
//!   unnamed ──┘        ▲             └─ for unnamed ──┘
//!                      └───── answers, by the socket they come to
//! ```
//! A server that answers does so to the name that it sees, and by that the tap knows for whom it is.
//! Clients without a name get no answers, and share a socket without one. If the server's queue is
//! full, nothing more is taken from clients, whose queue is full soon, too, as it would be without
//! the tap.

use super::credentials;
use super::serve::Shared;
use super::transcript::{Scribe, Side, What, Who};
use crate::out;
use std::collections::HashMap;
use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};
use sunpath::{
    AddressRef, AncillaryBuffer, Credentials, Datagram, Errno, Error, MOST_DESCRIPTORS, RecvFlags,
    SendFlags, SockAddr, ToAddress,
};

/// So many clients have a socket at a time; then that of the most silent one is given up.
const MOST_CLIENTS: usize = 1000;

/// Who has been silent for so long is forgotten.
const OLD: Duration = Duration::from_secs(300);

/// How long to wait for room in a queue: nothing tells when there is.
const RETRY: Duration = Duration::from_millis(2);

/// So many messages are taken from clients before answers are looked for again.
const IN_A_ROW: usize = 64;

/// A message on its way.
struct Letter {
    bytes: Vec<u8>,
    descriptors: Vec<OwnedFd>,
    /// Who sent it, if that is passed on.
    credentials: Option<Credentials>,
}

/// What a client is to the server.
struct Client {
    socket: Datagram,
    scribe: Scribe,
    used: Instant,
    /// An answer for which the client has no room.
    answer: Option<Letter>,
}

/// All clients, and what waits for room.
#[derive(Default)]
pub struct Switch {
    clients: HashMap<SockAddr, Client>,
    /// A message for which the server has no room, and whose it is.
    waiting: Option<(SockAddr, Letter)>,
    complaint: String,
}

impl Switch {
    /// Whether nothing may be taken from clients.
    pub fn is_blocked(&self) -> bool {
        self.waiting.is_some()
    }

    /// When to try again, if anything waits for room.
    pub fn pause(&self) -> Option<Duration> {
        let waits = self.is_blocked() || self.clients.values().any(|c| c.answer.is_some());
        waits.then_some(RETRY)
    }

    /// Where answers come in that there is room for.
    pub fn sockets(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.clients.values().filter(|c| c.answer.is_none()).map(|c| c.socket.as_fd())
    }

    /// Passes on what there is, both ways.
    pub fn serve(&mut self, socket: &Datagram, shared: &Arc<Shared>) {
        for _ in 0..IN_A_ROW {
            let next = match self.waiting.take() {
                Some(waiting) => Ok(Some(waiting)),
                None => self.next_of_clients(socket, shared),
            };
            match next {
                Ok(Some((name, letter))) => {
                    if !self.pass_on(name, letter, shared) {
                        break;
                    }
                }
                Ok(None) => break,
                Err(error) => {
                    self.complain(error, shared);
                    break;
                }
            }
        }
        self.answer(socket, shared);
    }

    /// The next message of a client; it is in the transcript by then.
    fn next_of_clients(
        &mut self,
        socket: &Datagram,
        shared: &Arc<Shared>,
    ) -> Result<Option<(SockAddr, Letter)>, Error> {
        let mut room = AncillaryBuffer::new(MOST_DESCRIPTORS);
        let Some((letter, name)) = receive(socket, &mut room, shared.credentials)? else {
            return Ok(None);
        };
        if !self.clients.contains_key(&name) {
            self.forget_some();
            let who = room.credentials().map(Who::sender).unwrap_or_default();
            let mut scribe = shared.scribe(who, Who::default());
            scribe.tell(What::Open);
            let socket = behind(name, shared.credentials)?;
            let client = Client { socket, scribe, used: Instant::now(), answer: None };
            self.clients.insert(name, client);
        }
        if let Some(client) = self.clients.get_mut(&name) {
            client.used = Instant::now();
            tell(&mut client.scribe, Side::Client, &letter);
        }
        Ok(Some((name, letter)))
    }

    /// Whether it was sent, or cannot be sent at all.
    fn pass_on(&mut self, name: SockAddr, letter: Letter, shared: &Shared) -> bool {
        let Some(client) = self.clients.get_mut(&name) else { return true };
        match send(&client.socket, &letter, &shared.target) {
            Ok(()) => true,
            Err(error) if error.errno() == Some(Errno::EAGAIN) => {
                self.waiting = Some((name, letter));
                false
            }
            Err(error) => {
                let bytes = letter.bytes.len();
                client.scribe.tell(What::Lost { from: Side::Client, bytes });
                self.complain(error, shared);
                true
            }
        }
    }

    /// Passes answers on.
    fn answer(&mut self, socket: &Datagram, shared: &Shared) {
        let mut room = AncillaryBuffer::new(MOST_DESCRIPTORS);
        let mut complaint = None;
        for (name, client) in &mut self.clients {
            for _ in 0..IN_A_ROW {
                let letter = match client.answer.take() {
                    Some(letter) => letter,
                    None => match receive(&client.socket, &mut room, shared.credentials) {
                        Ok(Some((letter, _))) => {
                            client.used = Instant::now();
                            tell(&mut client.scribe, Side::Server, &letter);
                            letter
                        }
                        Ok(None) => break,
                        Err(error) => {
                            complaint = Some(error);
                            break;
                        }
                    },
                };
                match send(socket, &letter, name) {
                    Ok(()) => {}
                    Err(error) if error.errno() == Some(Errno::EAGAIN) => {
                        client.answer = Some(letter);
                        break;
                    }
                    Err(_) => {
                        let bytes = letter.bytes.len();
                        client.scribe.tell(What::Lost { from: Side::Server, bytes });
                    }
                }
            }
        }
        if let Some(error) = complaint {
            self.complain(error, shared);
        }
    }

    /// Makes room for one more.
    fn forget_some(&mut self) {
        let full = self.clients.len() >= MOST_CLIENTS;
        let oldest = self.clients.values().map(|c| c.used).min().filter(|_| full);
        self.clients.retain(|_, client| {
            let keep = client.used.elapsed() < OLD && Some(client.used) != oldest;
            if !keep {
                client.scribe.tell(What::Close);
            }
            keep
        });
    }

    /// Says why, once for the same reason.
    fn complain(&mut self, error: Error, shared: &Shared) {
        let text = error.to_string();
        if text != self.complaint {
            out::complain(&shared.told(&error.into()));
            self.complaint = text;
        }
    }
}

/// What the server sees in place of the client: a socket with a name if the client has one.
fn behind(name: SockAddr, credentials: bool) -> Result<Datagram, Error> {
    match name.to_address() {
        AddressRef::Unnamed => Datagram::unbound(),
        _ => Datagram::options()
            .pass_rights(true)
            .pass_credentials(credentials)
            .bind(AddressRef::Unnamed),
    }
}

fn tell(scribe: &mut Scribe, from: Side, letter: &Letter) {
    let descriptors = scribe.describe(&letter.descriptors);
    let (bytes, descriptors) = (&letter.bytes[..], &descriptors[..]);
    scribe.tell(What::Data { from, bytes, length: bytes.len(), urgent: false, descriptors });
}

/// The next message, however long, and whose it is; `None` if there is none.
fn receive(
    socket: &Datagram,
    room: &mut AncillaryBuffer,
    credentials: bool,
) -> Result<Option<(Letter, SockAddr)>, Error> {
    let now = RecvFlags::DONTWAIT;
    let received = (|| {
        let length = socket.recv_with_flags(&mut [], RecvFlags::PEEK | now)?.length;
        let mut bytes = vec![0; length];
        let (received, name) =
            socket.recv_message(&mut [IoSliceMut::new(&mut bytes)], room, now)?;
        bytes.truncate(received.bytes);
        let descriptors = room.take_descriptors().collect();
        let credentials = room.credentials().filter(|_| credentials).and_then(credentials::known);
        Ok((Letter { bytes, descriptors, credentials }, name))
    })();
    match received {
        Ok(letter) => Ok(Some(letter)),
        Err(error) => {
            let error: Error = error;
            // A client that is gone is none of the other clients' business.
            let nothing = matches!(error.errno(), Some(Errno::EAGAIN | Errno::ECONNRESET));
            if nothing { Ok(None) } else { Err(error) }
        }
    }
}

fn send(socket: &Datagram, letter: &Letter, to: &impl ToAddress) -> Result<(), Error> {
    let descriptors: Vec<BorrowedFd<'_>> = letter.descriptors.iter().map(AsFd::as_fd).collect();
    let bytes = [IoSlice::new(&letter.bytes)];
    let attempt = || {
        credentials::with(&descriptors, letter.credentials, |ancillary| {
            socket.send_message_to(&bytes, to, ancillary, SendFlags::DONTWAIT)
        })
    };
    match attempt() {
        Err(error) if error.errno() == Some(Errno::EMSGSIZE) => {
            super::socket::make_room(socket.sockopt(), letter.bytes.len())?;
            attempt()
        }
        sent => sent,
    }
}
