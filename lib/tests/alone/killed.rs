//! A peer that is killed at any step of a conversation: the other side gets an error or the end of
//! the connection, never waits for ever, and keeps no descriptor.

use crate::leaks::open_descriptors;
use rustix::process::{Signal, getpid, kill_process};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;
use sunpath::sys::option::set_timeout;
use sunpath::sys::process::{Child, End, fork};
use sunpath::{Address, Ancillary, AncillaryBuffer, Datagram, Errno, Error, Listener, SeqPacket};
use sunpath::{SeqPacketListener, Stream};

crate::tests! {
    a_stream_server_is_killed
    a_stream_client_is_killed
    a_packet_server_is_killed
    a_packet_client_is_killed
    a_datagram_peer_is_killed
}

/// Bytes of the long answer: more than a stream's send buffer holds, so that the sender blocks.
const LONG: usize = 500_000;
/// Bytes of one message at most.
const PIECE: usize = 100_000;
/// What is a hang.
const HANG: Duration = Duration::from_secs(20);

/// Kills this process before its step of this number.
struct Fate {
    left: Option<u32>,
}

impl Fate {
    fn step(&mut self) {
        if self.left == Some(0) {
            kill_process(getpid(), Signal::KILL).unwrap();
        }
        self.left = self.left.map(|left| left - 1);
    }
}

/// A connection, whatever its type.
trait Talk: AsFd + Sized {
    fn send(&self, bytes: &[u8], ancillary: &Ancillary<'_>) -> Result<usize, Error>;
    /// How many bytes came; `None` at the end.
    fn recv(&self, buffer: &mut [u8], room: &mut AncillaryBuffer) -> Result<Option<usize>, Error>;

    fn ready(self, patience: Duration) -> Self {
        let patience = patience.as_micros() as u64;
        for option in [libc::SO_RCVTIMEO, libc::SO_SNDTIMEO] {
            set_timeout(&self, option, patience).unwrap();
        }
        self
    }

    fn send_all(&self, mut bytes: &[u8], fate: &mut Fate) -> io::Result<()> {
        while !bytes.is_empty() {
            let sent = self.send(&bytes[..bytes.len().min(PIECE)], &Ancillary::NONE)?;
            fate.step();
            bytes = &bytes[sent..];
        }
        Ok(())
    }

    /// Exactly so many bytes, and the descriptors that come with them.
    fn recv_all(&self, length: usize, fate: &mut Fate) -> io::Result<Vec<OwnedFd>> {
        let (mut buffer, mut room) = (vec![0; PIECE], AncillaryBuffer::new(4));
        let (mut have, mut descriptors) = (0, Vec::new());
        while have < length {
            let most = PIECE.min(length - have);
            let came = self.recv(&mut buffer[..most], &mut room)?;
            fate.step();
            have += came.ok_or(io::ErrorKind::UnexpectedEof)?;
            descriptors.extend(room.take_descriptors());
        }
        Ok(descriptors)
    }
}

impl Talk for Stream {
    fn send(&self, bytes: &[u8], ancillary: &Ancillary<'_>) -> Result<usize, Error> {
        self.send_with(bytes, ancillary)
    }
    fn recv(&self, buffer: &mut [u8], room: &mut AncillaryBuffer) -> Result<Option<usize>, Error> {
        let received = self.recv_with(buffer, room)?;
        Ok((!received.end_of_file).then_some(received.bytes))
    }
}

impl Talk for SeqPacket {
    fn send(&self, bytes: &[u8], ancillary: &Ancillary<'_>) -> Result<usize, Error> {
        self.send_with(bytes, ancillary).map(|()| bytes.len())
    }
    fn recv(&self, buffer: &mut [u8], room: &mut AncillaryBuffer) -> Result<Option<usize>, Error> {
        let received = self.recv_with(buffer, room)?;
        Ok((!received.end_of_file).then_some(received.bytes))
    }
}

impl Talk for Datagram {
    fn send(&self, bytes: &[u8], ancillary: &Ancillary<'_>) -> Result<usize, Error> {
        self.send_with(bytes, ancillary).map(|()| bytes.len())
    }
    fn recv(&self, buffer: &mut [u8], room: &mut AncillaryBuffer) -> Result<Option<usize>, Error> {
        self.recv_with(buffer, room).map(|(received, _)| Some(received.bytes))
    }
}

/// Asks with two descriptors, reads a long answer, asks again, and reads a descriptor.
fn ask(talk: &impl Talk, fate: &mut Fate) -> io::Result<()> {
    let null = std::fs::File::open("/dev/null")?;
    fate.step();
    talk.send(b"first", &Ancillary::descriptors(&[null.as_fd(), null.as_fd()]))?;
    fate.step();
    assert_eq!(talk.recv_all(LONG, fate)?.len(), 0);
    talk.send_all(&vec![1; LONG], fate)?;
    assert_eq!(talk.recv_all(4, fate)?.len(), 1);
    fate.step();
    Ok(())
}

/// The other side of [`ask`].
fn answer(talk: &impl Talk, fate: &mut Fate) -> io::Result<()> {
    fate.step();
    let descriptors = talk.recv_all(5, fate)?;
    assert_eq!(descriptors.len(), 2);
    talk.send_all(&vec![2; LONG], fate)?;
    talk.recv_all(LONG, fate)?;
    fate.step();
    talk.send(b"last", &Ancillary::descriptors(&[descriptors[0].as_fd()]))?;
    fate.step();
    Ok(())
}

/// Runs the conversation with a peer that dies one step later each time, until it gets through.
/// `talk` starts the peer with its fate, and plays this side.
fn at_every_step(allowed: &[Errno], talk: impl Fn(Fate) -> (Child, io::Result<()>)) {
    let before = open_descriptors();
    for step in 0.. {
        assert!(step < 1000, "the conversation has no end");
        let (peer, result) = talk(Fate { left: Some(step) });
        let end = peer.wait().unwrap();
        assert_eq!(open_descriptors(), before, "killed at step {step}");
        match end {
            End::Exited(0) => {
                assert!(step > 5, "only {step} steps");
                return result.unwrap();
            }
            killed => assert_eq!(killed, End::Killed(libc::SIGKILL), "at step {step}"),
        }
        // What was lost with the peer may be nothing that this side waited for.
        if let Err(error) = result {
            let errno = Error::try_from(error).map(|error| error.errno());
            let known = match &errno {
                Ok(errno) => errno.is_some_and(|errno| allowed.contains(&errno)),
                Err(end) => {
                    end.kind() == io::ErrorKind::UnexpectedEof
                        || (end.kind() == io::ErrorKind::WouldBlock
                            && allowed.contains(&Errno::EAGAIN))
                }
            };
            assert!(known, "killed at step {step}: {errno:?}");
        }
    }
}

/// A peer that plays its side and exits with 0, or is killed.
fn peer(fate: Fate, side: impl FnOnce(&mut Fate) -> io::Result<()>) -> Child {
    fork(|| {
        let mut fate = fate;
        side(&mut fate).unwrap();
        0
    })
    .unwrap()
}

const CONNECTED: &[Errno] = &[Errno::ECONNRESET, Errno::EPIPE, Errno::ECONNREFUSED];
const NO_FATE: Fate = Fate { left: None };

macro_rules! connected {
    ($server:ident $client:ident $listener:ident $type:ident) => {
        fn $server() {
            at_every_step(CONNECTED, |fate| {
                let listener = $listener::bind(Address::Unnamed).unwrap();
                listener.sockopt().set_pass_rights(true).unwrap();
                let address = listener.local_addr().unwrap();
                let side = |fate: &mut Fate| {
                    fate.step();
                    answer(&listener.accept()?.ready(HANG), fate)
                };
                let child = peer(fate, side);
                drop(listener);
                let ask_it = || {
                    let talk = $type::connect(&address)?.ready(HANG);
                    talk.sockopt().set_pass_rights(true)?;
                    ask(&talk, &mut { NO_FATE })
                };
                (child, ask_it())
            });
        }

        fn $client() {
            at_every_step(CONNECTED, |fate| {
                let listener = $listener::bind(Address::Unnamed).unwrap();
                listener.sockopt().set_pass_rights(true).unwrap();
                let address = listener.local_addr().unwrap();
                let side = |fate: &mut Fate| {
                    let talk = $type::connect(&address)?.ready(HANG);
                    talk.sockopt().set_pass_rights(true)?;
                    ask(&talk, fate)
                };
                let child = peer(fate, side);
                let talk = listener.accept().unwrap().ready(HANG);
                (child, answer(&talk, &mut { NO_FATE }))
            });
        }
    };
}

connected! { a_stream_server_is_killed a_stream_client_is_killed Listener Stream }
connected! { a_packet_server_is_killed a_packet_client_is_killed SeqPacketListener SeqPacket }

/// Nothing tells a receiver that its peer is gone: only a timeout ends its wait.
fn a_datagram_peer_is_killed() {
    let allowed = [Errno::ECONNREFUSED, Errno::EAGAIN, Errno::ECONNRESET];
    at_every_step(&allowed, |fate| {
        let (a, b) = Datagram::pair().unwrap();
        for socket in [&a, &b] {
            socket.sockopt().set_pass_rights(true).unwrap();
        }
        let (a, b) = (a.ready(Duration::from_millis(300)), b.ready(HANG));
        let child = peer(fate, |fate| answer(&b, fate));
        drop(b);
        (child, ask(&a, &mut { NO_FATE }))
    });
}
