//! What the model leaves out. Everything else that it has a call for, it does as the system does.

/// A list, and documentation that prints it.
macro_rules! left_out {
    ($($what:literal: $why:literal,)*) => {
        /// What the model leaves out, and why: the deviation, and the reason for it.
        ///
        $(#[doc = concat!("- **", $what, "**: ", $why)])*
        pub const NOT_MODELLED: &[(&str, &str)] = &[$(($what, $why)),*];
    };
}

left_out! {
    // Signals.
    "signals that are caught": "A call fails for the cause with `signal` set where `SIGPIPE` is \
        raised; whether that kills the process, the caller decides.",
    "SA_RESTART": "An interruption always ends the call with `EINTR`. A handler that restarts \
        calls is as good as none.",
    "SIGURG, SIGIO, F_SETOWN, O_ASYNC": "They tell asynchronously what `poll` tells.",
    // Calls.
    "epoll, kqueue, select": "They tell what `poll` tells. An edge-triggered interest fires again \
        with each message, even if the earlier ones were not read.",
    "io_uring": "A ring exists as a descriptor that no message can carry. What is submitted to \
        one are the same calls.",
    "splice, sendfile, MSG_ZEROCOPY": "The bytes move as by `send` and `recv`.",
    "sendmmsg, recvmmsg": "Several calls, one after the other.",
    "exec and close-on-exec": "The flag is accepted where a call takes it; no process runs another \
        program.",
    "more than one call inside of another": "A call is done at once or waits. What happens while a \
        kernel looks a path up or copies bytes needs `Setting::Busy`, or cannot happen.",
    // Processes.
    "namespaces of processes": "Every process sees every other by the same number.",
    "namespaces of users": "But for one restriction: a process without powers outside of its own. \
        Numbers are not translated.",
    "wait, waitpid": "A process that has exited keeps its number until its parent exits, too.",
    "labels of security modules, SO_PEERSEC, SCM_SECURITY": "No module labels sockets: the option \
        fails as it does without one. Denials are settings.",
    "capabilities beyond those that a rule asks for": "They decide nothing here.",
    // Files.
    "access control lists and file attributes but immutable": "The modes, owners and groups of files \
        decide, and what settings forbid.",
    "/proc": "But for links to open descriptors: what else it shows are facts of an observer.",
    "times, sizes and contents of files": "No call around sockets depends on them.",
    "quotas": "A file system is full for everybody or for nobody.",
    // Memory and time.
    "memory that runs out by itself": "A setting says which allocation fails.",
    "when descriptors in flight that nobody can reach are collected": "A kernel does so some \
        milliseconds after a socket was released; here, when it is asked to. The same goes for the \
        collection that more than 16,000 of them start, and for senders that wait for one from 2,024 \
        on.",
    "circles of sockets in flight that Linux never collects": "If two circles have a socket in \
        common, Linux 6.18 keeps them for ever, or not, as the order has it in which its collector \
        meets them; here, they are collected. \
        `World::has_circles_that_share_a_socket` tells that there are such.",
    "limits of the machine that change": "A world keeps those it was made with. A kernel's socket \
        keeps the queue limit and the sizes of its making, and the backlog of its `listen`.",
    "the values of timestamps": "That there is one is told; every run would have others.",
    "readers that are woken in vain": "Who of several readers waits longest counts from the start \
        of the call; a kernel may put one that it woke for nothing at the end of the line.",
    "socket buffers beyond what is charged": "Fragments, page pools and control groups limit \
        nothing else.",
    "filters that look at messages": "A filter drops everything or nothing.",
    "options that change nothing on these sockets": "Priorities, marks, busy polling and the like: \
        those that programs set are stored, all others are unknown.",
    // Other systems.
    "the order of service among senders on FreeBSD": "Datagrams come in the order in which they \
        were sent; there, senders with little to say are served first.",
    "what remains of a sender that leaves on FreeBSD": "Its datagrams stay; there, some of those \
        in a buffer of its own are lost.",
    "errors that a peek leaves on FreeBSD": "It takes them, as on Linux; there, a peek at a stream \
        does not, and from FreeBSD 15 on none does.",
    "hang-ups of one direction on FreeBSD 15": "They are told when both are shut; there, when the \
        peer reads no more, to who asks for room.",
    "getpeername on macOS after both directions were shut": "`ENOTCONN`; there, `EINVAL`.",
    "mbuf limits": "The bytes and addresses in a buffer count, not the memory around them.",
    "SCM_TIMESTAMP and SCM_BINTIME of FreeBSD": "Their order among other items is not known.",
    "bindat, connectat": "A path is looked up from the working directory.",
    "SO_NOSIGPIPE": "The flag of a single send does the same.",
    "LOCAL_PEERPID, LOCAL_PEERTOKEN": "Options of macOS that need an audit token.",
    "guarded descriptors of macOS": "Passing one kills the process; none can be made.",
    // The internet.
    "IPv6": "No cause needs it that IPv4 has not.",
    "windows and congestion of TCP": "No cause is about them; a send never waits.",
    "names of internet sockets": "No cause is about them; `getsockname` and its kin give none.",
}
