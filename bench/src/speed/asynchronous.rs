//! Round trips and one-way traffic on tokio. Each process has a runtime of its own.

use super::bytes::{self, Traffic, account};
use super::harness::{Round, Sides, Start, Subject, Work};
use super::peers::rustix_pair;
use std::future::Future;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net;
use sunpath::SocketType::{self, Datagram, SeqPacket, Stream};
use sunpath::tokio as ours;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixDatagram, UnixStream};
use tokio::runtime::{Builder, Runtime};
use tokio_seqpacket::UnixSeqpacket;

/// Everyone who works on tokio.
pub fn all(traffic: Traffic, size: usize) -> Vec<Subject> {
    let load = Load { traffic, size };
    vec![
        subject::<ours::Stream>("sunpath::tokio, current_thread", Stream, CURRENT, load),
        subject::<ours::Stream>("sunpath::tokio, multi_thread", Stream, MULTI, load),
        subject::<ours::SeqPacket>("sunpath::tokio, current_thread", SeqPacket, CURRENT, load),
        subject::<ours::SeqPacket>("sunpath::tokio, multi_thread", SeqPacket, MULTI, load),
        subject::<ours::Datagram>("sunpath::tokio, current_thread", Datagram, CURRENT, load),
        subject::<ours::Datagram>("sunpath::tokio, multi_thread", Datagram, MULTI, load),
        subject::<UnixStream>("tokio, current_thread", Stream, CURRENT, load),
        subject::<UnixStream>("tokio, multi_thread", Stream, MULTI, load),
        subject::<UnixSeqpacket>("tokio-seqpacket, current_thread", SeqPacket, CURRENT, load),
        subject::<UnixSeqpacket>("tokio-seqpacket, multi_thread", SeqPacket, MULTI, load),
        subject::<UnixDatagram>("tokio, current_thread", Datagram, CURRENT, load),
        subject::<UnixDatagram>("tokio, multi_thread", Datagram, MULTI, load),
    ]
}

#[derive(Debug, Clone, Copy)]
struct Load {
    traffic: Traffic,
    size: usize,
}

/// Which scheduler a runtime has.
#[derive(Debug, Clone, Copy)]
struct Flavour {
    multi: bool,
}

const CURRENT: Flavour = Flavour { multi: false };
const MULTI: Flavour = Flavour { multi: true };

impl Flavour {
    fn runtime(self) -> io::Result<Runtime> {
        match self.multi {
            // A worker to do the work, and one that may steal it.
            true => Builder::new_multi_thread().worker_threads(2).enable_all().build(),
            false => Builder::new_current_thread().enable_all().build(),
        }
    }
}

/// One end of a pair, inside a runtime.
trait AsyncEnd: Sized + Send + 'static {
    /// Takes over a non-blocking socket.
    fn new(socket: OwnedFd) -> io::Result<Self>;
    fn send(&mut self, message: &[u8]) -> impl Future<Output = io::Result<usize>> + Send;
    fn recv(&mut self, buffer: &mut [u8]) -> impl Future<Output = io::Result<usize>> + Send;
}

fn subject<E: AsyncEnd>(
    name: &'static str,
    kind: SocketType,
    flavour: Flavour,
    load: Load,
) -> Subject {
    let sides = move || {
        let (a, b) = rustix_pair(kind)?;
        let (first, second) = match load.traffic {
            Traffic::RoundTrip => (Part::Ask, Part::Answer),
            Traffic::OneWay => (Part::Send, Part::Receive),
        };
        Ok(Sides {
            first: start::<E>(a, first, flavour, load.size),
            second: start::<E>(b, second, flavour, load.size),
        })
    };
    Subject { kind: kind.name(), name, sides: Box::new(sides) }
}

#[derive(Debug, Clone, Copy)]
enum Part {
    Ask,
    Answer,
    Send,
    Receive,
}

/// An end with its buffers.
struct Seat<E> {
    end: E,
    message: Vec<u8>,
    buffer: Vec<u8>,
}

fn start<E: AsyncEnd>(socket: OwnedFd, part: Part, flavour: Flavour, size: usize) -> Start {
    Box::new(move || {
        let runtime = flavour.runtime()?;
        rustix::io::ioctl_fionbio(&socket, true)?;
        let end = {
            let _inside = runtime.enter();
            E::new(socket)?
        };
        let seat = Seat { end, message: bytes::message(size), buffer: vec![0; size] };
        Ok(work(runtime, flavour, seat, part))
    })
}

fn work<E: AsyncEnd>(runtime: Runtime, flavour: Flavour, seat: Seat<E>, part: Part) -> Work {
    let mut seat = Some(seat);
    Box::new(move |round| {
        let mut taken = seat.take().ok_or_else(|| io::Error::other("failed before"))?;
        let task = async move {
            let done = taken.play(part, round).await;
            (taken, done)
        };
        let (taken, done) = match flavour.multi {
            true => runtime.block_on(runtime.spawn(task)).map_err(io::Error::other)?,
            false => runtime.block_on(task),
        };
        seat = Some(taken);
        done
    })
}

impl<E: AsyncEnd> Seat<E> {
    /// A round of this part.
    async fn play(&mut self, part: Part, round: Round) -> io::Result<()> {
        match part {
            Part::Ask => {
                for _ in 0..round.count {
                    self.send().await?;
                    self.receive(1, round.check).await?;
                }
            }
            Part::Answer => {
                for _ in 0..round.count {
                    self.receive(1, round.check).await?;
                    self.send().await?;
                }
            }
            Part::Send => {
                for _ in 0..round.count {
                    self.send().await?;
                }
                self.receive(1, round.check).await?;
            }
            Part::Receive => {
                self.receive(round.count, round.check).await?;
                self.send().await?;
            }
        }
        Ok(())
    }

    async fn send(&mut self) -> io::Result<()> {
        let mut sent = self.end.send(&self.message).await?;
        while sent < self.message.len() {
            sent += self.end.send(&self.message[sent..]).await?;
        }
        Ok(())
    }

    async fn receive(&mut self, count: usize, check: bool) -> io::Result<()> {
        let total = self.message.len() * count;
        let mut received = 0;
        while received < total {
            let bytes = self.end.recv(&mut self.buffer).await?;
            received = account(received, &self.buffer[..bytes], check)?;
        }
        Ok(())
    }
}

impl AsyncEnd for UnixStream {
    fn new(socket: OwnedFd) -> io::Result<Self> {
        UnixStream::from_std(net::UnixStream::from(socket))
    }
    async fn send(&mut self, message: &[u8]) -> io::Result<usize> {
        self.write(message).await
    }
    async fn recv(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.read(buffer).await
    }
}

impl AsyncEnd for UnixDatagram {
    fn new(socket: OwnedFd) -> io::Result<Self> {
        UnixDatagram::from_std(net::UnixDatagram::from(socket))
    }
    async fn send(&mut self, message: &[u8]) -> io::Result<usize> {
        UnixDatagram::send(self, message).await
    }
    async fn recv(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        UnixDatagram::recv(self, buffer).await
    }
}

impl AsyncEnd for UnixSeqpacket {
    fn new(socket: OwnedFd) -> io::Result<Self> {
        UnixSeqpacket::try_from(socket)
    }
    async fn send(&mut self, message: &[u8]) -> io::Result<usize> {
        UnixSeqpacket::send(self, message).await
    }
    async fn recv(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        UnixSeqpacket::recv(self, buffer).await.map(|message| message.bytes_read())
    }
}

impl AsyncEnd for ours::Stream {
    fn new(socket: OwnedFd) -> io::Result<Self> {
        let socket = sunpath::Stream::try_from(socket).map_err(io::Error::other)?;
        Ok(ours::Stream::try_from(socket)?)
    }
    async fn send(&mut self, message: &[u8]) -> io::Result<usize> {
        self.write(message).await
    }
    async fn recv(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.read(buffer).await
    }
}

macro_rules! messages {
    ($($socket:ident)*) => {$(
        impl AsyncEnd for ours::$socket {
            fn new(socket: OwnedFd) -> io::Result<Self> {
                let socket = sunpath::$socket::try_from(socket).map_err(io::Error::other)?;
                Ok(ours::$socket::try_from(socket)?)
            }
            async fn send(&mut self, message: &[u8]) -> io::Result<usize> {
                ours::$socket::send(self, message).await?;
                Ok(message.len())
            }
            async fn recv(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                Ok(ours::$socket::recv(self, buffer).await?.bytes)
            }
        }
    )*};
}

messages! { SeqPacket Datagram }
