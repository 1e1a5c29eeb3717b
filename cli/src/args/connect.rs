//! `sunpath connect`

use super::talk::Talk;
use clap::{Args, ValueHint};
use std::ffi::OsString;

/// `sunpath connect`
#[derive(Debug, Args)]
#[command(
    about = "Connect standard input and output to a socket",
    long_about = "Connect standard input and output to a socket.\n\n\
        What is read is sent, and what is received is printed. The end of the input is told to the \
        server, whose answer is awaited; when the server has closed, this ends. With datagrams and \
        packets each line is a message, also an empty one. Descriptors that arrive are listed on \
        standard error. If the connection fails, standard error says why, as sunpath why does.",
    after_long_help = crate::cmd::after::CONNECT
)]
pub struct Connect {
    /// A path of any length, @NAME (abstract), unix:PATH or unix-abstract:NAME.
    #[arg(value_name = "ADDRESS", value_hint = ValueHint::AnyPath)]
    pub address: OsString,
    /// Bind this address before, so that the server sees it, and can answer datagrams to it;
    /// without one, an abstract name that the kernel picks.
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1, require_equals = true, value_hint = ValueHint::AnyPath)]
    pub local: Option<Option<OsString>>,
    #[command(flatten)]
    pub talk: Talk,
}
