//! The command line.

mod connect;
mod listen;
mod ls;
mod map;
mod talk;
mod tap;
mod top;

pub use connect::Connect;
pub use listen::Listen;
pub use ls::{Key, Ls};
pub use map::Map;
pub use talk::{Form, Talk};
pub use tap::Tap;
pub use top::{Top, seconds};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;
use std::ffi::OsString;
use std::path::PathBuf;
use sunpath::{Call, Errno, Platform, SocketType, Symptom};

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "sunpath",
    version,
    about = "Shows UNIX domain sockets, talks over them, and says why they fail",
    long_about = "Shows UNIX domain sockets, talks over them, and says why they fail.\n\n\
        An error such as ECONNREFUSED has many causes. sunpath why looks at the address, the way \
        to it, the server behind it and the caller, and names the one cause that is true here. \
        The other commands show who holds which sockets, who talks to whom and what waits, talk \
        over sockets of every type, and write down what others say.",
    after_long_help = crate::cmd::after::main(),
    arg_required_else_help = true,
    max_term_width = 100,
    propagate_version = true
)]
pub struct Cli {
    /// When to colour the output.
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        hide_default_value = true
    )]
    pub color: Color,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    Why(Why),
    Explain(Explain),
    Ls(Ls),
    Map(Map),
    Top(Top),
    Conform(Conform),
    Demo(Demo),
    Play(Play),
    Connect(Connect),
    Listen(Listen),
    Tap(Tap),
    Man(Man),
    Completions(Completions),
}

/// `sunpath why`
#[derive(Debug, Args)]
#[command(
    about = "Say why a call on an address fails or waits, or that it would succeed",
    long_about = "Say why a call on an address fails or waits, or that it would succeed.\n\n\
        Looks at the path as the caller would walk it, at the sockets that belong to it, at the \
        processes that own them, and at the caller's rights. Nothing is changed and no connection \
        is made, unless --connect asks for one: a connection might wake a service or disturb a \
        server.",
    after_long_help = crate::cmd::after::WHY
)]
pub struct Why {
    /// A path, @NAME (abstract), unix:PATH, unix-abstract:NAME, tcp:HOST:PORT or udp:HOST:PORT.
    #[arg(value_name = "ADDRESS", value_hint = ValueHint::AnyPath, long_help = crate::cmd::after::ADDRESS)]
    pub address: OsString,
    /// Judge for this user (a name or a uid), with the groups of the group database, or with these
    /// groups alone.
    #[arg(long = "as", value_name = "USER[:GROUP,...]", value_hint = ValueHint::Username, conflicts_with = "pid")]
    pub user: Option<OsString>,
    /// Judge from where this process stands: its ids, namespaces, root and working directory.
    #[arg(long, value_name = "PID")]
    pub pid: Option<u32>,
    /// The type of the caller's socket [default: stream; datagram for --call send].
    #[arg(long = "type", value_name = "TYPE", value_parser = socket_type())]
    pub socket: Option<SocketType>,
    /// The call in question.
    #[arg(long, value_name = "CALL", default_value = "connect", value_parser = call())]
    pub call: Call,
    /// What the program saw: an errno such as ECONNREFUSED, its number or message, or "hang".
    #[arg(long, value_name = "ERRNO", value_parser = symptom, allow_hyphen_values = true)]
    pub error: Option<Symptom>,
    /// Really connect once, close at once, and diagnose what that gave.
    #[arg(long, conflicts_with = "error")]
    pub connect: bool,
    /// Print JSON, as described by sunpath man json.
    #[arg(long)]
    pub json: bool,
}

/// `sunpath explain`
#[derive(Debug, Args)]
#[command(
    about = "Explain a cause, an error or a call",
    long_about = "Explain a cause, an error or a call.\n\n\
        With a cause's id, its page: what happened, why, what to do. With an errno (its name, number or \
        message), its causes by call. With a call, its errors. Without an argument, the index of all causes.",
    after_long_help = crate::cmd::after::EXPLAIN
)]
pub struct Explain {
    /// The id of a cause, an errno or a call.
    #[arg(value_name = "ID|ERRNO|CALL")]
    pub what: Option<String>,
    /// Find the causes whose texts hold all of these words.
    #[arg(long, value_name = "WORDS", num_args = 1.., conflicts_with = "what")]
    pub search: Option<Vec<String>>,
    /// Print JSON, as described by sunpath man json.
    #[arg(long)]
    pub json: bool,
}

/// `sunpath conform`
#[derive(Debug, Args)]
#[command(
    about = "Provoke every cause on the running kernel and check errno and diagnosis",
    long_about = "Provoke every cause on the running kernel and check errno and diagnosis.\n\n\
        Each cause is provoked in processes and namespaces of its own, in a private directory. \
        What needs root is skipped, with the reason, for other users.\n\n\
        With --random, processes make random calls instead, and each result is compared with \
        what the model says; a difference is shown as a short trace, and saved. Other users than \
        root compare less: no users, capabilities or networks of their own.",
    override_usage = "sunpath conform [OPTIONS] [ID]...\n       \
        sunpath conform [OPTIONS] <--random|--blocking> [--steps N] [--seed S] [--save FILE]\n       \
        sunpath conform [OPTIONS] <--matrix|--exhaustive LENGTH>",
    after_long_help = crate::cmd::after::CONFORM
)]
pub struct Conform {
    /// The causes to provoke; all of them if none is named.
    #[arg(value_name = "ID", conflicts_with_all = ["mirror", "table"])]
    pub ids: Vec<String>,
    /// Instead, make random calls on the model and on the running kernel, and compare all they do.
    #[arg(long, group = "mirror")]
    pub random: bool,
    /// Instead, let several tasks make calls that wait, on both, and compare who sleeps, who wakes
    /// and with what.
    #[arg(long, group = "mirror")]
    pub blocking: bool,
    /// Instead, make every call on sockets in every state on both, and compare all they do.
    #[arg(long, group = "table", conflicts_with = "mirror")]
    pub matrix: bool,
    /// Instead, make every sequence of so many calls (1 to 12) on both, of a few calls on a few
    /// sockets.
    #[arg(long, value_name = "LENGTH", group = "table", conflicts_with = "mirror", value_parser = clap::value_parser!(u8).range(1..=12))]
    pub exhaustive: Option<u8>,
    /// Only every Nth of them.
    #[arg(long, value_name = "N", hide = true, requires = "table", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub sample: u32,
    /// With --random or --blocking: make so many calls at least; the last program that was begun is
    /// made to its end [default: 1000000; 50000 with --blocking].
    #[arg(long, value_name = "N", requires = "mirror", value_parser = at_least_one)]
    pub steps: Option<u64>,
    /// With --random or --blocking: which calls; the same number gives the same ones [default: a
    /// new number each time].
    #[arg(long, value_name = "S", requires = "mirror")]
    pub seed: Option<u64>,
    /// Make the model wrong on purpose, to see that this is found.
    #[arg(long, hide = true)]
    pub mistake: bool,
    /// With --random or --blocking: where the calls are written that show a difference [default:
    /// sunpath-SEED.trace].
    #[arg(long, value_name = "FILE", requires = "mirror", value_hint = ValueHint::FilePath)]
    pub save: Option<PathBuf>,
    /// Print JSON, as described by sunpath man json.
    #[arg(long)]
    pub json: bool,
}

/// `sunpath demo`
#[derive(Debug, Args)]
#[command(
    about = "Set everyday failures up in a private directory and diagnose them",
    long_about = "Set everyday failures up in a private directory and diagnose them.\n\n\
        Real servers, real sockets, real errors: for each failure, what the system says and what \
        sunpath says. Everything is removed at the end, also when interrupted.",
    after_long_help = crate::cmd::after::DEMO
)]
pub struct Demo {
    /// Show this cause only.
    #[arg(value_name = "ID", conflicts_with = "list")]
    pub id: Option<String>,
    /// List the causes that can be set up.
    #[arg(long)]
    pub list: bool,
    /// Run COMMAND from here instead, while a client waits in its position; {pid} stands for the
    /// client's process id.
    #[arg(long, requires = "command")]
    pub outside: bool,
    /// Run this while the failure of ID is set up, from the client's position; {} stands for the
    /// address.
    #[arg(last = true, value_name = "COMMAND", requires = "id", value_hint = ValueHint::CommandWithArguments)]
    pub command: Vec<OsString>,
}

/// `sunpath play`
#[derive(Debug, Args)]
#[command(
    about = "Play traces of calls in the model, or on the running kernel",
    long_about = "Play traces of calls in the model, or on the running kernel.\n\n\
        A trace is a text of calls that processes make, one a line, with what is expected of them. \
        Each call is shown with its outcome and the cause of it, and what is not as expected.",
    after_long_help = crate::cmd::after::PLAY
)]
pub struct Play {
    /// Files with traces, or directories of such (*.trace); - stands for standard input.
    #[arg(value_name = "TRACE", required = true, value_hint = ValueHint::AnyPath)]
    pub traces: Vec<PathBuf>,
    /// Where the calls are made. On the kernel by real processes, in namespaces of their own;
    /// what cannot be done there ends a trace, which is no failure. The kernel has rules of its own:
    /// it goes with neither --profile nor --record.
    #[arg(long, value_name = "SYSTEM", default_value = "model", value_enum)]
    pub on: On,
    /// Whose rules the model has; `all` for all of them in turn. Not with --on kernel.
    #[arg(long, value_name = "PROFILE", default_value = "linux", value_parser = profiles())]
    pub profile: Profiles,
    /// Print JSON, as described by sunpath man json.
    #[arg(long)]
    pub json: bool,
    /// Write what happened in the model into the traces, as what is expected from now on, and say
    /// how much changed. What was read from standard input is printed. Not with --on kernel.
    #[arg(long)]
    pub record: bool,
}

/// Where traces are played.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum On {
    /// In the model.
    Model,
    /// On the running kernel.
    Kernel,
}

/// The systems whose rules the model is to have.
#[derive(Debug, Clone)]
pub struct Profiles(pub Vec<Platform>);

/// `sunpath man`
#[derive(Debug, Args)]
#[command(about = "Print a man page, or write all of them", after_long_help = crate::cmd::after::MAN)]
pub struct Man {
    /// The page: sunpath, or sunpath-why and so on; sunpath-trace and sunpath-json are about formats.
    #[arg(value_name = "PAGE", default_value = "sunpath")]
    pub page: String,
    /// Write every page into this directory.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, conflicts_with = "page")]
    pub dir: Option<PathBuf>,
}

/// `sunpath completions`
#[derive(Debug, Args)]
#[command(about = "Print a completion script for a shell", after_long_help = crate::cmd::after::COMPLETIONS)]
pub struct Completions {
    /// The shell.
    #[arg(value_name = "SHELL", action = ArgAction::Set)]
    pub shell: Shell,
}

pub fn socket_type() -> impl TypedValueParser<Value = SocketType> {
    let names = ["stream", "datagram", "seqpacket"].map(clap::builder::PossibleValue::new);
    let [stream, datagram, seqpacket] = names;
    let values = [stream, datagram.alias("dgram"), seqpacket];
    PossibleValuesParser::new(values).map(|name| match name.as_str() {
        "stream" => SocketType::Stream,
        "seqpacket" => SocketType::SeqPacket,
        _ => SocketType::Datagram,
    })
}

fn profiles() -> impl TypedValueParser<Value = Profiles> {
    let names = Platform::ALL.iter().map(|platform| platform.name()).chain(["all"]);
    PossibleValuesParser::new(names).map(|name| {
        let chosen = Platform::ALL.iter().filter(|p| name == "all" || p.name() == name);
        Profiles(chosen.copied().collect())
    })
}

fn call() -> impl TypedValueParser<Value = Call> {
    const CALLS: [&str; 5] = ["connect", "bind", "listen", "send", "recv"];
    PossibleValuesParser::new(CALLS).map(|name| name.parse().unwrap_or(Call::Connect))
}

fn at_least_one(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("expected a whole number from 1 on".to_string()),
        Ok(number) => Ok(number),
    }
}

fn symptom(text: &str) -> Result<Symptom, String> {
    crate::symptom::parse(text).ok_or_else(|| {
        let names = Errno::ALL.iter().map(|e| e.name()).chain(["hang"]);
        match crate::nearest::nearest(&text.to_ascii_uppercase(), names) {
            Some(name) => format!("no such error; did you mean {name}?"),
            None => "no such error; give an errno by its name, such as ECONNREFUSED, or \"hang\""
                .to_string(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;
    use proptest::prelude::*;
    use std::os::unix::ffi::OsStringExt;

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn addresses_are_bytes() {
        let odd = OsString::from_vec(b"/run/\xff\n".to_vec());
        let cli = Cli::try_parse_from(["sunpath".into(), "why".into(), odd.clone()]).unwrap();
        let Command::Why(why) = cli.command else { panic!("not why") };
        assert_eq!(why.address, odd);
        let dashed = Cli::try_parse_from(["sunpath", "why", "--", "--odd"]).unwrap();
        let Command::Why(why) = dashed.command else { panic!("not why") };
        assert_eq!(why.address, "--odd");
    }

    fn argument() -> impl Strategy<Value = OsString> {
        let known = proptest::sample::select(vec![
            "why",
            "explain",
            "ls",
            "map",
            "--dot",
            "--svg",
            "--sort",
            "--queue-over",
            "--files",
            "conform",
            "demo",
            "play",
            "connect",
            "listen",
            "--delimiter",
            "--timeout",
            "tap",
            "--in-place",
            "--filter",
            "--profile",
            "man",
            "completions",
            "help",
            "--as",
            "--pid",
            "--type",
            "--call",
            "--error",
            "--connect",
            "--json",
            "--search",
            "--color",
            "--list",
            "--dir",
            "--",
            "-h",
            "-V",
            "stream",
            "EAGAIN",
            "1",
        ]);
        let bytes = proptest::collection::vec(any::<u8>(), 0..40);
        prop_oneof![known.prop_map(OsString::from), bytes.prop_map(OsString::from_vec)]
    }

    proptest! {
        #[test]
        fn no_command_line_panics(args in proptest::collection::vec(argument(), 0..8)) {
            let parsed = Cli::try_parse_from(std::iter::once("sunpath".into()).chain(args));
            if let Err(answer) = parsed {
                prop_assert!(!answer.to_string().is_empty());
            }
        }
    }
}
