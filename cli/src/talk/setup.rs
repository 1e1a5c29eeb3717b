//! What the command line asks for, before anything is connected.

use super::beside::Beside;
use super::framing::Framing;
use super::input::Input;
use super::output::Output;
use super::save::Saver;
use crate::args::Talk;
use crate::failure::{self, Told};
use crate::out::Stop;
use crate::render::text::quoted;
use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use sunpath::sys::option::duplicate;
use sunpath::sys::stopping::Stopping;
use sunpath::{Address, Endpoint, MOST_DESCRIPTORS, SocketType};

/// The near side of all conversations.
pub struct Console {
    pub input: Input,
    pub output: Output,
    pub beside: Beside,
    pub stopping: Stopping,
    /// To be sent with the first bytes.
    pub descriptors: Vec<OwnedFd>,
}

impl Console {
    /// Call it first: descriptors that are named by number must be those that were inherited.
    pub fn new(args: &Talk) -> Result<Console, Stop> {
        let descriptors = args.send_fd.iter().map(|what| open(what));
        let descriptors = descriptors.collect::<Result<Vec<_>, _>>()?;
        if descriptors.len() > MOST_DESCRIPTORS {
            return Err(Stop::usage(format!(
                "a message takes {MOST_DESCRIPTORS} descriptors at most"
            )));
        }
        let framing = Framing::of(&args.form, args.socket).map_err(Stop::usage)?;
        let saver = args.save_fds.as_ref().map(|dir| Saver::new(dir, args.save_limit));
        let saver = saver.transpose().map_err(Stop::usage)?;
        let output = Output::new(framing.clone());
        let output = output
            .map_err(|e| Stop::trouble(format!("cannot use standard output: {}", e.told())))?;
        if args.exec.is_some() && args.socket == SocketType::Datagram {
            return Err(Stop::usage(
                "--exec runs a command on a connection, and a datagram socket has none",
            ));
        }
        let stopping = Stopping::new().map_err(|e| no_signals(&e))?;
        let (input, beside) = (Input::new(framing), Beside::new(saver));
        Ok(Console { input, output, beside, stopping, descriptors })
    }
}

impl Console {
    /// From now on signals end conversations in good order.
    pub fn catch_signals(&self) -> Result<(), Stop> {
        self.stopping.catch().map_err(|e| no_signals(&e))
    }
}

fn no_signals(error: &sunpath::sys::Errno) -> Stop {
    Stop::trouble(format!("cannot wait for signals: {}", error.told()))
}

/// A file, opened for reading, or the inherited descriptor of this number.
fn open(what: &OsStr) -> Result<OwnedFd, Stop> {
    let number = what.to_str().filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
    if let Some(number) = number.and_then(|text| text.parse::<i32>().ok()) {
        return duplicate(number).map_err(|e| {
            let helps = "it must be open when sunpath starts, as by 3< FILE";
            Stop::usage(format!("cannot send descriptor {number}: {}; {helps}", e.told()))
        });
    }
    let file = File::open(what);
    file.map(OwnedFd::from).map_err(|e| Stop::usage(failure::on_file("open", Path::new(what), &e)))
}

/// Reads an address, which must be of a UNIX domain socket.
pub fn address(text: &OsStr) -> Result<Address, Stop> {
    match Endpoint::parse(text.as_bytes()) {
        Ok(Endpoint::Unix(address)) => Ok(address),
        Ok(Endpoint::Inet { .. }) => Err(Stop::usage(format!(
            "{} is no UNIX domain socket; sunpath why explains internet addresses, but \
             connections to them are for other tools",
            quoted(text.as_bytes())
        ))),
        Err(why) => Err(crate::cmd::why::refuse(text, &why)),
    }
}
