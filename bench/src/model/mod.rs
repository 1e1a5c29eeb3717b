//! The model beside the kernel, in one process: messages sent and received.
//!
//! A round makes the same calls on both: on the kernel through `rustix`, two system calls for
//! each message, which copy the bytes from and to the program's buffers. `model` makes two steps,
//! builds its bytes anew from such a buffer for every message and copies them out into another.
//! `model, kept` sends bytes that were built once.

mod clone;
mod memory;
mod pairs;

use crate::stats::{self, Series};
use rustix::net::{self, AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};
use std::hint::black_box;
use std::io;
use std::os::fd::OwnedFd;
use std::time::Instant;
use sunpath::model::{Step, TaskId, World};
use sunpath::op::{Bytes, Fd, Kind, Message, New, Op, Ret, Want};
use sunpath::profile::{LINUX, Machine};

const ROUNDS: usize = 200;
const CALLS: usize = 2_000;

/// How long the usual message is, in bytes.
const SHORT: usize = 64;

/// The length of messages for which the model needs memory of their own, in bytes.
const LONG: usize = 1024;

/// Runs every comparison.
pub fn run(json: bool) -> io::Result<()> {
    // First, while nothing has been freed yet that would be used again.
    memory::run(json)?;
    for kind in [Kind::Stream, Kind::SeqPacket, Kind::Datagram] {
        one_pair::<SHORT>(kind, json)?;
    }
    one_pair::<LONG>(Kind::Stream, json)?;
    pairs::run(json)?;
    clone::run(json)
}

/// A world with room for many descriptors, and a task in it.
fn world() -> (World, TaskId) {
    let mut world = World::on(LINUX, Machine { descriptors: 65_536, ..Machine::default() });
    let task = world.spawn();
    (world, task)
}

fn pair(world: &mut World, task: TaskId, kind: Kind) -> (Fd, Fd) {
    match world.step(task, &Op::Socketpair(New::unix(kind))) {
        Step::Done(Ret::Pair(a, b)) => (a, b),
        other => panic!("no pair: {other:?}"),
    }
}

fn kernel_pair(kind: Kind) -> io::Result<(OwnedFd, OwnedFd)> {
    let kind = match kind {
        Kind::Datagram => SocketType::DGRAM,
        Kind::SeqPacket => SocketType::SEQPACKET,
        _ => SocketType::STREAM,
    };
    Ok(net::socketpair(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC, None)?)
}

/// One message through the kernel.
fn through_kernel<const N: usize>(a: &OwnedFd, b: &OwnedFd, data: &[u8; N]) -> io::Result<()> {
    let mut buffer = [0; N];
    net::send(a, black_box(data), SendFlags::empty())?;
    net::recv(b, &mut buffer[..], RecvFlags::empty())?;
    black_box(buffer);
    Ok(())
}

/// One message through the model.
fn through_model<const N: usize>(world: &mut World, task: TaskId, (a, b): (Fd, Fd), data: Bytes) {
    let mut buffer = [0; N];
    let sent = world.step(task, &Op::Send(Message::new(a, data)));
    debug_assert_eq!(sent, Step::Done(Ret::Count(N)));
    if let Step::Done(Ret::Received(ref received)) = world.step(task, &Op::Recv(Want::new(b, N))) {
        buffer.copy_from_slice(&received.data);
    }
    black_box(buffer);
}

fn one_pair<const N: usize>(kind: Kind, json: bool) -> io::Result<()> {
    let (a, b) = kernel_pair(kind)?;
    let (mut world, task) = world();
    let ends = pair(&mut world, task, kind);
    let data = [7; N];
    let kept = Bytes::from(&data);
    let mut series = ["kernel", "model", "model, kept"].map(Series::new);
    for round in 0..ROUNDS {
        for turn in 0..series.len() {
            let which = (round + turn) % series.len();
            let start = Instant::now();
            for _ in 0..CALLS {
                match which {
                    0 => through_kernel(&a, &b, &data)?,
                    1 => through_model::<N>(&mut world, task, ends, Bytes::from(black_box(&data))),
                    _ => through_model::<N>(&mut world, task, ends, kept.clone()),
                }
            }
            series[which].samples.push(start.elapsed().as_nanos() as f64 / CALLS as f64);
        }
    }
    let kind = match kind {
        Kind::Datagram => "datagram",
        Kind::SeqPacket => "seqpacket",
        _ => "stream",
    };
    stats::print(&format!("{N} bytes sent and received on a {kind} pair"), &series, json);
    Ok(())
}
