//! Between clients and a server: a relay that changes nothing, and writes down what it sees.
//!
//! ```text
//!            ┌──────────────────── tap ─────────────────────┐
//!   client ──┤ listener ─ serve ─► relay ◄─► end ─┐         ├──► server
//!            │                       │       look           │
//!            │                       └► transcript ► sink   │
//!            └──────────────────────────────────────────────┘
//! ```
//! - [`serve`]: clients come, each gets a thread. [`datagram`]: clients that have no connection.
//! - [`relay`]: one connection, both ways. [`end`]: one side of it, and how bytes, packets, urgent
//!   bytes and descriptors are taken from it so that the other side sees no difference; [`look`]: how
//!   they are told from each other. [`bulk`]: much at once, without copying it. [`credentials`]: who
//!   sent a message, passed on.
//! - [`in_place`]: slipping in at a live server's path; [`place`]: the two files there, [`guardian`]:
//!   who restores them if the tap is killed, [`left`]: what remains if that is killed, too.
//! - [`listener`]: the socket that clients find. [`target`]: the server.
//! - [`transcript`]: what is written down, [`filter`]: and what is not.

mod bulk;
mod credentials;
mod datagram;
mod end;
mod filter;
mod guardian;
mod in_place;
mod left;
mod listener;
mod look;
mod place;
mod relay;
mod serve;
mod socket;
mod spin;
mod target;
mod transcript;

pub use filter::Filter;
pub use guardian::{GUARD, run as guard};
pub use left::{left_behind, orphan};
pub use place::told_by;
pub use transcript::Format;

use crate::args::Tap;
use crate::cmd::why::failed;
use crate::exit::Exit;
use crate::failure::{self, Told};
use crate::out::{self, Stop};
use crate::talk::tell::Teller;
use in_place::InPlace;
use listener::Listener;
use place::Shown;
use serve::Shared;
use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use sunpath::sys::process::raise_descriptor_limit;
use sunpath::sys::stopping::Stopping;
use sunpath::{Address, SocketType};
use transcript::{Sink, Wishes, Written};

/// Why the tap ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Ended {
    /// By a signal.
    Stopped,
    /// There is nothing left to be done at the path.
    Lost(String),
}

/// Relays until it is stopped.
pub fn run(args: &Tap) -> Result<Exit, Stop> {
    if let Some(path) = &args.restore {
        return match left::put_right(path) {
            Ok(done) => out::print(&format!("{done}\n")).map(|()| Exit::Success),
            Err(why) => Err(Stop::Failed(Exit::Fails, why)),
        };
    }
    let stopping = Stopping::new().and_then(|stopping| stopping.catch().map(|()| stopping));
    let stopping =
        stopping.map_err(|e| Stop::trouble(format!("cannot catch signals: {}", e.told())))?;
    // Each connection takes three descriptors; where that is too many, clients wait.
    let _ = raise_descriptor_limit();
    if args.credentials {
        credentials::permitted()?;
    }
    let output = open_output(args)?;
    let (mut place, listener, target, kind) = match (&args.in_place, &args.listen, &args.target) {
        (Some(path), ..) => {
            let (place, listener) = InPlace::enter(path, args.credentials)?;
            let (target, kind) = (place.target(), place.kind());
            (Some(place), listener, target, kind)
        }
        (None, Some(listen), Some(target)) => beside(args, listen, target)?,
        _ => return Err(Stop::usage("two addresses are needed, or --in-place PATH")),
    };
    let (sink, writer) = start_writing(args, output)?;
    let shared = Shared {
        shown: place.as_ref().map_or(target.clone(), InPlace::shown),
        target,
        kind,
        credentials: args.credentials,
        sink,
        wishes: Arc::new(wishes(args)),
        count: 0.into(),
        active: 0.into(),
    };
    let shared = Arc::new(shared);
    greet(args, kind);
    if place.is_none() {
        warn(&shared);
    }
    let served = serve::until_stopped(&listener, &shared, &stopping, place.as_ref());
    let restored = place.as_mut().map_or(Ok(()), InPlace::restore);
    let (ended, switch) = served?;
    serve::drain(&listener, &shared, switch, args.grace)?;
    drop(listener);
    restored?;
    finish(&shared.sink, writer, ended)
}

/// The listener of two addresses.
fn beside(
    args: &Tap,
    listen: &OsStr,
    target: &OsStr,
) -> Result<(Option<InPlace>, Listener, Address, SocketType), Stop> {
    let (listen, target) = (target::address(listen)?, target::address(target)?);
    let kind = args.socket.or_else(|| target::kind_of(&target)).unwrap_or(SocketType::Stream);
    let listener = listener::bind(&listen, kind, args).map_err(|error| {
        let diagnosis = failed::tell(&Teller::default(), &error, &listen, None);
        let stale = diagnosis.causes.first().is_some_and(|c| c.cause.id == "bind/stale-socket");
        if stale && !args.replace_dead {
            out::complain("with --replace-dead it is replaced, if it is still nobody's then");
        }
        Stop::Told(Exit::Fails)
    })?;
    Ok((None, listener, target, kind))
}

/// Says what is different for the server, once all is ready.
fn greet(args: &Tap, kind: SocketType) {
    let what = match (&args.in_place, &args.listen, &args.target) {
        (Some(path), ..) => format!("in the place of {}", Shown(path)),
        (None, Some(listen), Some(target)) => {
            format!("between {} and {}", Shown(Path::new(listen)), Shown(Path::new(target)))
        }
        _ => String::new(),
    };
    let pid = std::process::id();
    let but = if args.credentials { ", but for the credentials of messages" } else { "" };
    out::complain(&format!(
        "ready, {what} ({kind}); for the server, every client is this process now (pid {pid}){but}"
    ));
}

/// Says so if no server can be reached yet. One may come later, so that is no reason to end.
fn warn(shared: &Shared) {
    if let Some(why) = target::missing(&shared.target, shared.kind) {
        out::complain(&format!("nothing can be passed on to {} yet: {why}", shared.shown));
    }
}

/// Where the transcript goes; `None` for nowhere.
fn open_output(args: &Tap) -> Result<Option<File>, Stop> {
    if args.quiet {
        return Ok(None);
    }
    let opened = match file_of(args) {
        Some(path) => OpenOptions::new().write(true).create(true).truncate(true).open(path),
        None => io::stdout().as_fd().try_clone_to_owned().map(File::from),
    };
    let failed = |e| match file_of(args) {
        Some(path) => failure::on_file("write to", path, &e),
        None => failure::on("write to standard output", &e),
    };
    opened.map(Some).map_err(|e| Stop::trouble(failed(e)))
}

/// The file of the transcript, if it is not standard output.
fn file_of(args: &Tap) -> Option<&Path> {
    args.output.as_deref().filter(|path| path.as_os_str() != "-")
}

fn format(args: &Tap) -> Format {
    let capture = file_of(args).is_some_and(|path| {
        path.extension().is_some_and(|extension| extension == "pcapng" || extension == "pcap")
    });
    args.format.unwrap_or(if capture { Format::Pcapng } else { Format::Text })
}

fn wishes(args: &Tap) -> Wishes {
    let format = format(args);
    Wishes {
        format,
        filters: args.filter.clone(),
        most: args.max_bytes.unwrap_or(format.usual_most()),
        port: args.port,
    }
}

type Writer = Option<JoinHandle<Written>>;

fn start_writing(args: &Tap, output: Option<File>) -> Result<(Arc<Sink>, Writer), Stop> {
    let Some(file) = output else { return Ok((Sink::nowhere(), None)) };
    let started = Sink::start(file, format(args));
    let (sink, writer) =
        started.map_err(|e| Stop::trouble(format!("cannot start to write: {}", e.told())))?;
    Ok((sink, Some(writer)))
}

/// Writes the rest of the transcript.
fn finish(sink: &Sink, writer: Writer, ended: Ended) -> Result<Exit, Stop> {
    sink.finish();
    let written = writer.map_or(Written::All, |thread| thread.join().unwrap_or(Written::Failed));
    match (ended, written) {
        (Ended::Lost(why), _) => Err(Stop::Failed(Exit::Fails, format!("{why}: the tap ends"))),
        (Ended::Stopped, Written::Failed) => Ok(Exit::Trouble),
        (Ended::Stopped, Written::All | Written::ReaderGone) => Ok(Exit::Success),
    }
}
