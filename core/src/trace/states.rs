//! The states that a socket can be in, each with the way there; and the calls that can be made on
//! it. Every call in every state is a cell of the tables of transitions.

use super::Trace;
use crate::{SocketType, Sockets};
use alloc::format;
use alloc::string::String;

/// A state of a socket, by the calls that lead to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State {
    /// Words joined by dashes.
    pub name: &'static str,
    /// The socket types that can be in it.
    pub sockets: Sockets,
    /// The way there: calls of one process, one a line, `KIND` for the type.
    way: &'static str,
}

impl State {
    /// A trace in which the process `a` brings its socket `s` of this type into the state. There is
    /// another one at `other.sock`, which listens if it can.
    pub fn trace(&self, kind: SocketType) -> Trace {
        let other = match kind {
            SocketType::Datagram => "o = socket KIND\nbind o \"other.sock\"",
            _ => "o = socket KIND\nbind o \"other.sock\"\nlisten o 5",
        };
        let mut text = String::from("spawn a\n");
        for line in other.lines().chain(self.way.lines()) {
            text.push_str(&format!("a: {}\n", line.trim().replace("KIND", kind.name())));
        }
        text.parse().expect("a way is a trace")
    }

    /// The same, with one more call on `s`, such as `recv s 64`.
    ///
    /// ```
    /// use sunpath_core::SocketType;
    /// use sunpath_core::trace::{CALLS, STATES};
    ///
    /// let trace = STATES[0].trace_with(SocketType::Stream, CALLS[0]);
    /// assert_eq!(trace.steps().last().unwrap().to_string(), "a: bind s \"new.sock\"");
    /// ```
    ///
    /// # Panics
    /// If the text is no call.
    pub fn trace_with(&self, kind: SocketType, call: &str) -> Trace {
        format!("{}a: {call}\n", self.trace(kind)).parse().expect("a call")
    }
}

const fn state(name: &'static str, sockets: Sockets, way: &'static str) -> State {
    State { name, sockets, way }
}

const ALL: Sockets = Sockets::UNIX;
const CONNECTED: Sockets = Sockets::CONNECTED;

/// The states.
pub const STATES: &[State] = &[
    state("fresh", ALL, "s = socket KIND"),
    state("bound", ALL, "s = socket KIND\nbind s \"s.sock\""),
    state("listening", CONNECTED, "s = socket KIND\nbind s \"s.sock\"\nlisten s 1"),
    state(
        "listening-with-one-pending",
        CONNECTED,
        "s = socket KIND\nbind s \"s.sock\"\nlisten s 1\nc = socket KIND\nconnect c \"s.sock\"",
    ),
    state(
        "listening-shut-down",
        CONNECTED,
        "s = socket KIND\nbind s \"s.sock\"\nlisten s 1\nshutdown s read",
    ),
    state("connected", CONNECTED, "s = socket KIND\nconnect s \"other.sock\"\np = accept o"),
    state("accepted", CONNECTED, "p = socket KIND\nconnect p \"other.sock\"\ns = accept o"),
    state("not-accepted", CONNECTED, "s = socket KIND\nconnect s \"other.sock\""),
    state(
        "closed-before-accept",
        CONNECTED,
        "t = socket KIND\nbind t \"t.sock\"\nlisten t 5\ns = socket KIND\nconnect s \"t.sock\"\nclose t",
    ),
    state("one-way", Sockets::DATAGRAM, "s = socket KIND\nconnect s \"other.sock\""),
    state(
        "one-way-and-closed",
        Sockets::DATAGRAM,
        "t = socket KIND\nbind t \"t.sock\"\ns = socket KIND\nconnect s \"t.sock\"\nclose t",
    ),
    state(
        "one-way-to-a-full-queue",
        Sockets::DATAGRAM,
        "s = socket KIND\nconnect s \"other.sock\"\nsend s \"1\"\nsend s \"2\"\nsend s \"3\"\n\
         send s \"4\"\nsend s \"5\"\nsend s \"6\"\nsend s \"7\"\nsend s \"8\"\nsend s \"9\"\n\
         send s \"10\"\nsend s \"11\"",
    ),
    state(
        "peer-turned-away",
        Sockets::DATAGRAM,
        "s, p = socketpair KIND\nsend s \"lost\"\nconnect p \"other.sock\"",
    ),
    state("pair", ALL, "s, p = socketpair KIND"),
    state("pair-with-data", ALL, "s, p = socketpair KIND\nsend p \"hello\""),
    state("pair-with-descriptors", ALL, "s, p = socketpair KIND\nsend p \"hello\" rights=[0, 1]"),
    state("pair-with-nothing-said", ALL, "s, p = socketpair KIND\nsend p \"\""),
    state("pair-with-urgent-byte", Sockets::STREAM, "s, p = socketpair KIND\nsend p \"ab!\" oob"),
    state("pair-not-read", ALL, "s, p = socketpair KIND\nsend s \"hello\""),
    state("shut-for-reading", ALL, "s, p = socketpair KIND\nsend p \"hello\"\nshutdown s read"),
    state("shut-for-writing", ALL, "s, p = socketpair KIND\nsend p \"hello\"\nshutdown s write"),
    state("shut", ALL, "s, p = socketpair KIND\nsend p \"hello\"\nshutdown s both"),
    state("peer-shut-for-reading", ALL, "s, p = socketpair KIND\nshutdown p read"),
    state("peer-shut-for-writing", ALL, "s, p = socketpair KIND\nshutdown p write"),
    state("peer-shut", ALL, "s, p = socketpair KIND\nsend p \"hello\"\nshutdown p both"),
    state("peer-closed", ALL, "s, p = socketpair KIND\nclose p"),
    state("peer-closed-with-data", ALL, "s, p = socketpair KIND\nsend p \"hello\"\nclose p"),
    state("peer-closed-without-reading", ALL, "s, p = socketpair KIND\nsend s \"hello\"\nclose p"),
    state(
        "peer-closed-without-reading-with-data",
        ALL,
        "s, p = socketpair KIND\nsend p \"hello\"\nsend s \"hello\"\nclose p",
    ),
];

/// The calls on `s`.
pub const CALLS: &[&str] = &[
    "bind s \"new.sock\"",
    "bind s \"other.sock\"",
    "bind s unnamed",
    "listen s 5",
    "accept s",
    "accept s nonblocking name=null",
    "connect s \"other.sock\"",
    "connect s \"missing.sock\"",
    "connect s family=unspecified",
    "send s \"x\"",
    "send s \"x\" dontwait nosignal",
    "send s \"\" nosignal",
    "send s \"x\" to \"other.sock\" nosignal",
    "send s \"x\" to \"missing.sock\" nosignal",
    "send s \"x\" oob nosignal",
    "send s \"x\" rights=[0] nosignal",
    "recv s 64",
    "recv s 64 dontwait",
    "recv s 2 control=64 dontwait",
    "recv s 0 dontwait",
    "recv s 64 peek dontwait",
    "recv s 1 oob dontwait",
    "shutdown s read",
    "shutdown s write",
    "shutdown s both",
    "getsockname s",
    "getpeername s",
    "getsockopt s SO_ERROR",
    "getsockopt s SO_ACCEPTCONN",
    "getsockopt s SO_TYPE",
    "getsockopt s SO_PEERCRED",
    "ioctl s SIOCINQ",
    "ioctl s SIOCOUTQ",
    "poll s:in,pri,out,rdhup timeout=0ms",
    "close s",
];
