//! A `bind` that waits for another: the one case in which a signal can interrupt it.
//!
//! A thread that picks a free name holds the lock of its socket while it searches. The search
//! begins at a random number and goes on from name to name, so a long row of names that are taken
//! makes it last for milliseconds, now and then. Another thread that binds the same socket waits
//! meanwhile, and a signal ends its wait.

use super::{Look, Make, Observed, Recipe, failed};
use crate::stage::{Stage, Step, Trouble, is_root, place};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};
use sunpath::sys::name::Name;
use sunpath::sys::process::{self, Alarm};
use sunpath::sys::socket::{self, SocketFlags};
use sunpath::{Address, Call, Errno, SocketType, Symptom};

/// The recipes of this file.
pub const RECIPES: &[Recipe] =
    &[Recipe { id: "bind/interrupted", needs: &[], make: Make::Direct(interrupted) }];

/// How many names are taken. One in seventy searches begins among them.
const CROWD: u64 = 15_000;

/// Descriptors for everything else.
const SPARE: u64 = 100;

/// Long enough for a hundred lucky searches, and well within the time that a recipe has.
const PATIENCE: Duration = Duration::from_secs(10);

fn interrupted(_: &mut Stage) -> Result<Observed, Trouble> {
    own_names()?;
    let crowd = take_names()?;
    // While one thread sleeps the other runs: a thread that waits for a lock whose holder runs on
    // another processor looks at no signals.
    process::stay_on_one_processor().step("stay on one processor")?;
    let (sockets, searches) = sync_channel(1);
    let searcher = thread::spawn(move || search(&searches));
    let found = first_interrupted(&sockets);
    drop(sockets);
    searcher.join().map_err(|_| Trouble::Failed("the searching thread panicked".into()))?;
    drop(crowd);
    let (fd, symptom) = found?;
    Observed::of(Look::new(Call::Bind, SocketType::Stream).descriptor(&fd), symptom)
}

/// A network namespace has its own abstract names.
fn own_names() -> Result<(), Trouble> {
    if !is_root() {
        place::own_users()?;
    }
    place::own_network()
}

/// Binds one socket to each of the first automatic names.
fn take_names() -> Result<Vec<OwnedFd>, Trouble> {
    let room = process::raise_descriptor_limit().step("raise the descriptor limit")?;
    if room < CROWD + SPARE {
        let why = format!("needs a hard limit of {} descriptors", CROWD + SPARE);
        return Err(Trouble::NotHere(why));
    }
    let take = |number: u64| {
        let name = Address::Abstract(format!("{number:05x}").into_bytes());
        let name = Name::new(&name).step("encode an address")?;
        let fd = fresh()?;
        socket::bind(&fd, &name).step("take a name")?;
        Ok(fd)
    };
    (0..CROWD).map(take).collect()
}

fn fresh() -> Result<OwnedFd, Trouble> {
    socket::socket(SocketType::Stream, SocketFlags::empty()).step("make a socket")
}

/// The thread that searches: binds each socket it is given to a free name.
fn search(sockets: &Receiver<Arc<OwnedFd>>) {
    let Ok(any) = Name::new(&Address::Unnamed) else { return };
    for fd in sockets {
        // The other thread may have been first: the socket has a name then, which is no error.
        let _ = socket::bind(&*fd, &any);
    }
}

/// Binds sockets that the other thread is binding too, until a signal interrupts one.
fn first_interrupted(
    sockets: &SyncSender<Arc<OwnedFd>>,
) -> Result<(Arc<OwnedFd>, Option<Symptom>), Trouble> {
    const HEAD_START: Duration = Duration::from_micros(200);
    let any = Name::new(&Address::Unnamed).step("encode an address")?;
    let _alarm = Alarm::every(Duration::from_micros(500), false).step("set an alarm")?;
    let limit = Instant::now() + PATIENCE;
    loop {
        let fd = Arc::new(fresh()?);
        let gone = |_| Trouble::Failed("the searching thread is gone".into());
        sockets.send(Arc::clone(&fd)).map_err(gone)?;
        thread::sleep(HEAD_START);
        let symptom = failed(socket::bind(&*fd, &any));
        if symptom == Some(Symptom::Errno(Errno::EINTR)) {
            return Ok((fd, symptom));
        }
        if Instant::now() > limit {
            let why = "too busy just now: no bind had to wait long enough to be interrupted";
            return Err(Trouble::NotHere(why.into()));
        }
    }
}
