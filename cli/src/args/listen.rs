//! `sunpath listen`

use super::talk::Talk;
use clap::{Args, ValueHint};
use std::ffi::OsString;

/// `sunpath listen`
#[derive(Debug, Args)]
#[command(
    about = "Serve a socket with standard input and output, or a command",
    long_about = "Serve a socket with standard input and output, or a command.\n\n\
        Takes one connection, sends it what is read and prints what it sends. Of a datagram socket, \
        prints the messages of all senders, and sends what is read to the last one that can be \
        answered. The socket file is removed at the end, unless it is another's by then. A file that \
        exists is never replaced unless --replace-dead asks for it, and then only if the kernel \
        finds nobody at it.",
    after_long_help = crate::cmd::after::LISTEN
)]
pub struct Listen {
    /// A path of any length, @NAME (abstract), unix:PATH or unix-abstract:NAME; without one, an
    /// abstract name that the kernel picks.
    #[arg(value_name = "ADDRESS", value_hint = ValueHint::AnyPath)]
    pub address: Option<OsString>,
    /// Take one connection after the other, or with --exec many at the same time, until
    /// interrupted.
    #[arg(long, short)]
    pub keep_open: bool,
    /// End after so many connections, or messages of datagrams.
    #[arg(long, value_name = "N", conflicts_with = "keep_open", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,
    /// With --exec: how many connections may be served at the same time; others wait.
    #[arg(long, value_name = "N", default_value_t = 100, requires = "exec", value_parser = clap::value_parser!(u16).range(1..))]
    pub max: u16,
    /// How many connections may wait to be accepted [default: as many as the system allows].
    #[arg(long, value_name = "N")]
    pub backlog: Option<u32>,
    /// The mode of the file, such as 660, whatever the umask: who may write to it may connect.
    #[arg(long, value_name = "OCTAL", value_parser = mode)]
    pub mode: Option<u32>,
    /// Replace the file of a server that is provably dead.
    #[arg(long)]
    pub replace_dead: bool,
    /// Start this program, which the shell reads, at the first connection or datagram, and pass
    /// the socket on as a service manager does (LISTEN_FDS). After other commands, write exec in
    /// front of the program.
    #[arg(long, value_name = "COMMAND", value_hint = ValueHint::CommandString,
          conflicts_with_all = ["exec", "send_fd", "save_fds", "peer", "count", "Form"])]
    pub activate: Option<OsString>,
    /// With --activate: the name of the descriptor in LISTEN_FDNAMES.
    #[arg(long, value_name = "NAME", default_value = "unknown", requires = "activate")]
    pub fd_name: String,
    #[command(flatten)]
    pub talk: Talk,
}

fn mode(text: &str) -> Result<u32, String> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    let mode = u32::from_str_radix(text, 8).ok().filter(|mode| digits && *mode <= 0o777);
    mode.ok_or_else(|| "a mode is an octal number up to 777, such as 660".into())
}

#[cfg(test)]
mod tests {
    #[test]
    fn modes_are_octal() {
        assert_eq!(super::mode("0660"), Ok(0o660));
        for wrong in ["", "8", "+7", "1777", "u+w"] {
            assert!(super::mode(wrong).is_err(), "{wrong}");
        }
    }
}
