//! Attempts that are not over, or that an earlier one decides.

use super::{connect, endpoint, full, hasty, listener, look, network, tcp};
use crate::conform::{Make, Need, Observed, Recipe, failed};
use crate::stage::{Stage, Step, Trouble, wait_until};
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;
use sunpath::fact::socket::History;
use sunpath::sys::name::Name;
use sunpath::sys::option;
use sunpath::sys::process::Alarm;
use sunpath::sys::socket::{self, PollFlags};
use sunpath::{Call, Errno, SocketType, Symptom};

/// The recipes of this file.
pub const RECIPES: &[Recipe] = &[
    Recipe {
        id: "connect/already-connected-inet",
        needs: &[Need::Loopback],
        make: Make::Direct(already_connected),
    },
    Recipe {
        id: "connect/already-in-progress",
        needs: &[Need::Loopback],
        make: Make::Direct(already_in_progress),
    },
    Recipe {
        id: "connect/aborted-earlier",
        needs: &[Need::Loopback],
        make: Make::Direct(aborted_earlier),
    },
    Recipe { id: "connect/in-progress", needs: &[Need::Loopback], make: Make::Direct(in_progress) },
    Recipe {
        id: "connect/interrupted-inet",
        needs: &[Need::Loopback],
        make: Make::Direct(interrupted),
    },
];

fn attempt(fd: &OwnedFd, to: SocketAddr) -> Option<Symptom> {
    failed(socket::connect(fd, &Name::internet(&to)))
}

fn observed(fd: &OwnedFd, to: SocketAddr, symptom: Option<Symptom>) -> Result<Observed, Trouble> {
    Observed::of(look(Call::Connect, fd).endpoint(endpoint(SocketType::Tcp, to)), symptom)
}

fn already_connected(_: &mut Stage) -> Result<Observed, Trouble> {
    network()?;
    let (_server, at) = listener(1)?;
    let fd = tcp()?;
    connect(&fd, at)?;
    let symptom = attempt(&fd, at);
    observed(&fd, at, symptom)
}

fn already_in_progress(_: &mut Stage) -> Result<Observed, Trouble> {
    network()?;
    let (_server, at, _first) = full()?;
    let fd = hasty()?;
    began(attempt(&fd, at))?;
    let symptom = attempt(&fd, at);
    observed(&fd, at, symptom)
}

/// The first attempt was to go on in the background.
fn began(symptom: Option<Symptom>) -> Result<(), Trouble> {
    match symptom {
        Some(Symptom::Errno(Errno::EINPROGRESS)) => Ok(()),
        other => Err(Trouble::Failed(format!("the first attempt gave {other:?}"))),
    }
}

fn aborted_earlier(_: &mut Stage) -> Result<Observed, Trouble> {
    network()?;
    let (_guard, at) = super::closed(SocketType::Tcp)?;
    let fd = hasty()?;
    began(attempt(&fd, at))?;
    wait_until("the attempt fails", || {
        socket::poll(fd.as_fd(), PollFlags::OUT, Duration::from_millis(10))
            .is_ok_and(|e| e.contains(PollFlags::ERR))
    })?;
    option::take_error(&fd).step("read the error")?;
    let symptom = attempt(&fd, at);
    let history = History { connect_failed: true, ..History::default() };
    let look = look(Call::Connect, &fd).endpoint(endpoint(SocketType::Tcp, at));
    Observed::of(look.history(history), symptom)
}

fn in_progress(_: &mut Stage) -> Result<Observed, Trouble> {
    network()?;
    let (_server, at, _first) = full()?;
    let fd = hasty()?;
    let symptom = attempt(&fd, at);
    observed(&fd, at, symptom)
}

fn interrupted(_: &mut Stage) -> Result<Observed, Trouble> {
    network()?;
    let (_server, at, _first) = full()?;
    let fd = tcp()?;
    let alarm = Alarm::every(Duration::from_millis(100), false).step("set an alarm")?;
    let symptom = attempt(&fd, at);
    drop(alarm);
    let history = History { blocked: true, ..History::default() };
    let look = look(Call::Connect, &fd).endpoint(endpoint(SocketType::Tcp, at));
    Observed::of(look.history(history), symptom)
}
