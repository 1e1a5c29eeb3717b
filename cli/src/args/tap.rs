//! `sunpath tap`

use crate::tap::{Filter, Format};
use clap::{Args, ValueHint};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;
use sunpath::SocketType;

/// `sunpath tap`
#[derive(Debug, Args)]
#[command(
    about = "Relay between clients and a server, and write down what passes",
    long_about = "Relay between clients and a server, and write down what passes.\n\n\
        Clients connect to LISTEN-ADDRESS, and the tap to TARGET-ADDRESS for each of them; or, with \
        --in-place, the tap slips in at the path of a live server, and no client ever finds the \
        path missing. Streams, packets and datagrams are passed on as they are: message \
        boundaries, empty messages, the end of each direction, resets, urgent bytes, descriptors, \
        and the pace of a slow reader.",
    after_long_help = crate::cmd::after::TAP
)]
pub struct Tap {
    /// Where clients connect: a path, or @NAME.
    #[arg(value_name = "LISTEN-ADDRESS", value_hint = ValueHint::AnyPath, required_unless_present_any = ["in_place", "restore"], requires = "target")]
    pub listen: Option<OsString>,
    /// Where the server is.
    #[arg(value_name = "TARGET-ADDRESS", value_hint = ValueHint::AnyPath)]
    pub target: Option<OsString>,
    /// Take the place of the live server at this path, and give it back at the end.
    #[arg(long, value_name = "PATH", value_hint = ValueHint::AnyPath, conflicts_with_all = ["listen", "target"])]
    pub in_place: Option<PathBuf>,
    /// Give a path back to its server that a tap has left behind when all was killed, if that is
    /// certain; nothing else is done.
    #[arg(long, value_name = "PATH", value_hint = ValueHint::AnyPath, conflicts_with_all = ["listen", "target", "in_place"])]
    pub restore: Option<PathBuf>,
    /// The type of the sockets [default: as the server's].
    #[arg(long = "type", value_name = "TYPE", value_parser = super::socket_type(), conflicts_with = "in_place")]
    pub socket: Option<SocketType>,
    /// The mode of the file at LISTEN-ADDRESS, in octal, such as 660.
    #[arg(long, value_name = "MODE", value_parser = mode, conflicts_with = "in_place")]
    pub mode: Option<u32>,
    /// Replace the file of a dead server at LISTEN-ADDRESS.
    #[arg(long, conflicts_with = "in_place")]
    pub replace_dead: bool,
    /// Pass on the credentials that come with each message (SCM_CREDENTIALS): who asks for them
    /// sees the process, user and group that sent it, not the tap's. This takes root, and time.
    #[arg(long)]
    pub credentials: bool,
    /// Write the transcript into this file; one that exists is overwritten, and - stands for
    /// standard output.
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
    /// The form of the transcript [default: text; pcapng if the FILE is called so].
    #[arg(long, value_name = "FORMAT", value_enum)]
    pub format: Option<Format>,
    /// Write down only what this holds for; can be repeated, and then all must hold.
    #[arg(long, value_name = "CONDITION", long_help = crate::cmd::after::FILTER)]
    pub filter: Vec<Filter>,
    /// Show no more than this of each message [default: 120 in text, otherwise all].
    #[arg(long, value_name = "BYTES")]
    pub max_bytes: Option<usize>,
    /// pcapng: the port of the server, by which Wireshark chooses how to read what is said.
    #[arg(long, value_name = "PORT", default_value_t = 9)]
    pub port: u16,
    /// Relay only.
    #[arg(long, short, conflicts_with = "output")]
    pub quiet: bool,
    /// How long connections may go on after the tap was stopped.
    #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = seconds)]
    pub grace: Duration,
}

fn mode(text: &str) -> Result<u32, String> {
    let mode = u32::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o7777);
    mode.ok_or_else(|| String::from("a mode is an octal number, such as 660"))
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().and_then(|s| Duration::try_from_secs_f64(s).ok());
    seconds.ok_or_else(|| String::from("give a number of seconds, such as 5 or 0.5"))
}
