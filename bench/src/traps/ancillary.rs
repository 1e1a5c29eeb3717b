//! Descriptors that arrive: nobody may lose one, keep one open, or hand one to another program.

use super::receivers::{self, Receives, Room};
use super::tools;
use super::{Outcome, trap};
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use unix_ancillary::UnixDatagramExt as _;

trap! {
    TRUNCATED_LEAK, "truncation-leak", "3 descriptors into room for 1";
    run {
        Nix: truncated_leak::<receivers::Nix>,
        Rustix: truncated_leak::<receivers::Rustix>,
        Uds: truncated_leak::<receivers::Uds>,
        TokioSeqpacket: truncated_leak::<receivers::TokioSeqpacket>,
        Sendfd: truncated_leak::<receivers::Sendfd>,
        Passfd: truncated_leak::<receivers::Passfd>,
        UnixAncillary: truncated_leak::<receivers::UnixAncillary>,
        Sunpath: truncated_leak::<receivers::Sunpath>,
    }
    absent {
        "receives descriptors in nightly Rust only": Std;
        "leaves control messages as bytes": Socket2;
        "receives no descriptors": Tokio Interprocess;
        "has its own room, always for 64": IpcChannel;
    }
}

trap! {
    PIDFD_LEAK, "pidfd-leak", "10 messages with a pidfd nobody asked for";
    run {
        Nix: pidfd_leak::<receivers::Nix>,
        Rustix: pidfd_leak::<receivers::Rustix>,
        Uds: pidfd_leak::<receivers::Uds>,
        TokioSeqpacket: pidfd_leak::<receivers::TokioSeqpacket>,
        Sendfd: pidfd_leak::<receivers::Sendfd>,
        Passfd: pidfd_leak::<receivers::Passfd>,
        UnixAncillary: pidfd_leak::<receivers::UnixAncillary>,
        Sunpath: pidfd_leak::<receivers::Sunpath>,
    }
    absent {
        "receives descriptors in nightly Rust only": Std;
        "leaves control messages as bytes": Socket2;
        "receives no descriptors": Tokio Interprocess;
        "keeps its sockets to itself": IpcChannel;
    }
}

trap! {
    CLOSE_ON_EXEC, "close-on-exec", "received descriptors are close-on-exec";
    run {
        Nix: asked::<receivers::Nix, receivers::NixPlain>,
        Rustix: asked::<receivers::Rustix, receivers::RustixPlain>,
        Uds: close_on_exec::<receivers::Uds>,
        TokioSeqpacket: close_on_exec::<receivers::TokioSeqpacket>,
        Sendfd: close_on_exec::<receivers::Sendfd>,
        Passfd: close_on_exec::<receivers::Passfd>,
        UnixAncillary: close_on_exec::<receivers::UnixAncillary>,
        Sunpath: close_on_exec::<receivers::Sunpath>,
    }
    absent {
        "receives descriptors in nightly Rust only": Std;
        "leaves control messages as bytes": Socket2;
        "receives no descriptors": Tokio Interprocess;
        "hides the descriptors that it receives": IpcChannel;
    }
}

trap! {
    BYTES_TRUNCATED, "bytes-truncated", "a message of 8 bytes into room for 4";
    run {
        Std: super::messages::std_truncated,
        Nix: bytes_truncated::<receivers::Nix>,
        Rustix: bytes_truncated::<receivers::Rustix>,
        Uds: bytes_truncated::<receivers::Uds>,
        Socket2: super::messages::socket2_truncated,
        Tokio: super::messages::tokio_truncated,
        TokioSeqpacket: bytes_truncated::<receivers::TokioSeqpacket>,
        Sendfd: bytes_truncated::<receivers::Sendfd>,
        UnixAncillary: bytes_truncated::<receivers::UnixAncillary>,
        Sunpath: bytes_truncated::<receivers::Sunpath>,
    }
    absent {
        "streams only": Interprocess Passfd;
        "has its own framing": IpcChannel;
    }
}

trap! {
    DESCRIPTORS_TRUNCATED, "descriptors-truncated", "9 descriptors into room for 4: reported";
    run {
        Nix: descriptors_truncated::<receivers::Nix>,
        Rustix: descriptors_truncated::<receivers::Rustix>,
        Uds: descriptors_truncated::<receivers::Uds>,
        TokioSeqpacket: descriptors_truncated::<receivers::TokioSeqpacket>,
        Sendfd: descriptors_truncated::<receivers::Sendfd>,
        Passfd: descriptors_truncated::<receivers::Passfd>,
        UnixAncillary: unix_ancillary_truncated,
        Sunpath: descriptors_truncated::<receivers::Sunpath>,
    }
    absent {
        "receives descriptors in nightly Rust only": Std;
        "leaves control messages as bytes": Socket2;
        "receives no descriptors": Tokio Interprocess;
        "has its own room, always for 64": IpcChannel;
    }
}

trap! {
    DESCRIPTOR_LIMIT, "descriptor-limit", "lost to the descriptor limit: reported";
    run {
        Nix: descriptor_limit::<receivers::Nix>,
        Rustix: descriptor_limit::<receivers::Rustix>,
        Uds: descriptor_limit::<receivers::Uds>,
        TokioSeqpacket: descriptor_limit::<receivers::TokioSeqpacket>,
        Sendfd: descriptor_limit::<receivers::Sendfd>,
        Passfd: descriptor_limit::<receivers::Passfd>,
        UnixAncillary: descriptor_limit::<receivers::UnixAncillary>,
        Sunpath: descriptor_limit::<receivers::Sunpath>,
    }
    absent {
        "receives descriptors in nightly Rust only": Std;
        "leaves control messages as bytes": Socket2;
        "receives no descriptors": Tokio Interprocess;
        "keeps its sockets to itself": IpcChannel;
    }
}

fn leaked(before: usize) -> io::Result<Outcome> {
    let after = tools::descriptors()?;
    Ok(match after.checked_sub(before) {
        Some(0) => Outcome::ok("leaks none"),
        Some(count) => Outcome::fails(format!("leaks {count}")),
        None => Outcome::fails("closes what is not its own"),
    })
}

fn truncated_leak<R: Receives>() -> io::Result<Outcome> {
    let (sender, mut receiver) = R::pair()?;
    let file = tools::file()?;
    tools::send(&sender, b"fds!", &[file.as_fd(), file.as_fd(), file.as_fd()])?;
    let before = tools::descriptors()?;
    if let Ok(got) = receiver.receive(&mut [0; 64], Room::One) {
        got.close()?;
    }
    leaked(before)
}

fn pidfd_leak<R: Receives>() -> io::Result<Outcome> {
    let (sender, mut receiver) = R::pair()?;
    tools::pass_pidfd(receiver.number())?;
    let before = tools::descriptors()?;
    for _ in 0..10 {
        tools::send(&sender, b"none", &[])?;
        if let Ok(got) = receiver.receive(&mut [0; 64], Room::Four) {
            got.close()?;
        }
    }
    leaked(before)
}

/// Whether a descriptor that has just been received is close-on-exec.
fn has_flag<R: Receives>() -> io::Result<bool> {
    let (sender, mut receiver) = R::pair()?;
    tools::send(&sender, b"fds!", &[tools::file()?.as_fd()])?;
    let got = receiver.receive(&mut [0; 64], Room::One)?;
    let number = *got.numbers().first().ok_or_else(|| io::Error::other("no descriptor"))?;
    flag_of(number)
}

/// Whether the descriptor of a number is close-on-exec.
fn flag_of(number: i32) -> io::Result<bool> {
    let info = std::fs::read_to_string(format!("/proc/self/fdinfo/{number}"))?;
    Ok(super::window::close_on_exec(&info) == Some(true))
}

fn close_on_exec<R: Receives>() -> io::Result<Outcome> {
    Ok(match has_flag::<R>()? {
        true => Outcome::ok("yes"),
        false => Outcome::fails("no: every child inherits them"),
    })
}

/// A library in which the program decides.
fn asked<With: Receives, Without: Receives>() -> io::Result<Outcome> {
    Ok(match (has_flag::<With>()?, has_flag::<Without>()?) {
        (true, true) => Outcome::ok("yes"),
        (true, false) => Outcome::ok("if asked, by a flag"),
        (false, _) => Outcome::fails("no: every child inherits them"),
    })
}

fn bytes_truncated<R: Receives>() -> io::Result<Outcome> {
    let (sender, mut receiver) = R::pair()?;
    tools::send(&sender, b"12345678", &[])?;
    Ok(match receiver.receive(&mut [0; 4], Room::Four) {
        Ok(got) if got.bytes_lost => Outcome::ok("reported"),
        Ok(_) => Outcome::fails("4 bytes lost without a word"),
        Err(error) => Outcome::ok(format!("an error: {}", tools::brief(&error))),
    })
}

fn descriptors_truncated<R: Receives>() -> io::Result<Outcome> {
    let (sender, mut receiver) = R::pair()?;
    let file = tools::file()?;
    let nine = [file.as_fd(); 9];
    tools::send(&sender, b"fds!", &nine)?;
    judge_lost(nine.len(), receiver.receive(&mut [0; 64], Room::Four))
}

/// Its usual method closes the surplus on purpose; there is another for programs that mind.
fn unix_ancillary_truncated() -> io::Result<Outcome> {
    let (sender, receiver) = std::os::unix::net::UnixDatagram::pair()?;
    let file = tools::file()?;
    tools::send(&sender.into(), b"fds!", &[file.as_fd(); 9])?;
    Ok(match receiver.recv_fds_exact_into::<4>(&mut [0; 64]) {
        Ok(_) => Outcome::fails("lost without a word"),
        Err(error) => Outcome::ok(format!("if asked: {}", tools::brief(&error))),
    })
}

/// A message with a descriptor arrives while the process cannot have one more.
fn descriptor_limit<R: Receives>() -> io::Result<Outcome> {
    let (sender, mut receiver) = R::pair()?;
    let file = tools::file()?;
    tools::send(&sender, b"fds!", &[file.as_fd()])?;
    // The lowest number that is free is the first beyond the limit.
    let free = u64::try_from(tools::duplicate(file.as_raw_fd())?.as_raw_fd()).unwrap_or_default();
    let limit = rustix::process::Rlimit { current: Some(free), maximum: Some(free) };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, limit)?;
    judge_lost(1, receiver.receive(&mut [0; 64], Room::Four))
}

fn judge_lost(sent: usize, received: io::Result<receivers::Got>) -> io::Result<Outcome> {
    Ok(match received {
        Ok(got) if got.numbers().len() == sent => Outcome::ok("none lost"),
        Ok(got) if got.descriptors_lost => Outcome::ok("reported"),
        Ok(_) => Outcome::fails("lost without a word"),
        Err(error) => Outcome::ok(format!("an error: {}", tools::brief(&error))),
    })
}
