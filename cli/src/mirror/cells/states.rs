//! States of the socket `s`, by the calls that lead there, beside those of
//! [`sunpath::trace::STATES`]. `KIND` stands for the type. There is another socket of that type,
//! `o`, at `other.sock`, which listens if it can.

use sunpath::Sockets;

const ALL: Sockets = Sockets::UNIX;
const CONNECTED: Sockets = Sockets::CONNECTED;
const STREAM: Sockets = Sockets::STREAM;
const DATAGRAM: Sockets = Sockets::DATAGRAM;

/// Name, types, and the way.
pub const STATES: &[(&str, Sockets, &str)] = &[
    ("bound to an abstract name", ALL, "s = socket KIND\nbind s @s"),
    ("bound automatically", ALL, "s = socket KIND\nbind s unnamed"),
    ("bound, and its file removed", ALL, "s = socket KIND\nbind s \"s.sock\"\nunlink \"s.sock\""),
    ("fresh and shut", ALL, "s = socket KIND\nshutdown s both"),
    ("fresh and shut for writing", ALL, "s = socket KIND\nshutdown s write"),
    ("bound and shut for reading", ALL, "s = socket KIND\nbind s \"s.sock\"\nshutdown s read"),
    ("fresh, wants credentials", ALL, "s = socket KIND\nsetsockopt s SO_PASSCRED 1"),
    (
        "listens at an abstract name, with none waiting",
        CONNECTED,
        "s = socket KIND\nbind s @s\nlisten s 0",
    ),
    (
        "listens, and its file is removed",
        CONNECTED,
        "s = socket KIND\nbind s \"s.sock\"\nlisten s 1\nunlink \"s.sock\"",
    ),
    (
        "listens, and as many wait as can",
        CONNECTED,
        "s = socket KIND\nbind s \"s.sock\"\nlisten s 1\nc = socket KIND\nconnect c \"s.sock\"\n\
         d = socket KIND\nconnect d \"s.sock\"",
    ),
    (
        "listens, and one that waits has sent",
        CONNECTED,
        "s = socket KIND\nbind s \"s.sock\"\nlisten s 1\nc = socket KIND\nbind c @c\n\
         connect c \"s.sock\"\nsend c \"hi\" rights=[0]",
    ),
    (
        "listens, and one that waited has sent and closed",
        CONNECTED,
        "s = socket KIND\nbind s \"s.sock\"\nlisten s 1\nc = socket KIND\nconnect c \"s.sock\"\n\
         send c \"hi\"\nclose c",
    ),
    (
        "listens for no more, and one waits",
        CONNECTED,
        "s = socket KIND\nbind s \"s.sock\"\nlisten s 5\nc = socket KIND\nconnect c \"s.sock\"\n\
         shutdown s read",
    ),
    (
        "listens and is shut",
        CONNECTED,
        "s = socket KIND\nbind s \"s.sock\"\nlisten s 1\nshutdown s both",
    ),
    (
        "listens and is shut for writing",
        CONNECTED,
        "s = socket KIND\nbind s \"s.sock\"\nlisten s 1\nshutdown s write",
    ),
    (
        "listens, and will want credentials",
        CONNECTED,
        "s = socket KIND\nbind s \"s.sock\"\nlisten s 1\nsetsockopt s SO_PASSCRED 1\n\
         c = socket KIND\nconnect c \"s.sock\"\nsend c \"hi\"",
    ),
    (
        "connected, with names on both sides",
        CONNECTED,
        "s = socket KIND\nbind s @s\nconnect s \"other.sock\"\np = accept o",
    ),
    (
        "accepted, from one with a name that has sent",
        CONNECTED,
        "p = socket KIND\nbind p \"p.sock\"\nconnect p \"other.sock\"\nsend p \"hello\"\n\
         s = accept o",
    ),
    (
        "accepted, from one that has gone",
        CONNECTED,
        "p = socket KIND\nconnect p \"other.sock\"\nsend p \"hello\"\nclose p\ns = accept o",
    ),
    (
        "not accepted, has sent",
        CONNECTED,
        "s = socket KIND\nconnect s \"other.sock\"\nsend s \"hello\"",
    ),
    (
        "not accepted, shut for writing",
        CONNECTED,
        "s = socket KIND\nconnect s \"other.sock\"\nshutdown s write",
    ),
    (
        "not accepted, and the listener is shut",
        CONNECTED,
        "s = socket KIND\nconnect s \"other.sock\"\nshutdown o read",
    ),
    (
        "has sent, and the listener closed before it accepted",
        CONNECTED,
        "t = socket KIND\nbind t @t\nlisten t 5\ns = socket KIND\nconnect s @t\nsend s \"hi\"\n\
         close t",
    ),
    ("both have sent", ALL, "s, p = socketpair KIND\nsend p \"hello\"\nsend s \"world\""),
    (
        "three messages wait",
        ALL,
        "s, p = socketpair KIND\nsend p \"ab\"\nsend p \"cde\"\nsend p \"f\"",
    ),
    ("a message was read in part", ALL, "s, p = socketpair KIND\nsend p \"hello\"\nrecv s 2"),
    ("peeked at", ALL, "s, p = socketpair KIND\nsend p \"hello\"\nrecv s 2 peek"),
    ("peeked at nothing said", ALL, "s, p = socketpair KIND\nsend p \"\"\nrecv s 2 peek"),
    (
        "peeks from an offset",
        ALL,
        "s, p = socketpair KIND\nsetsockopt s SO_PEEK_OFF 2\nsend p \"hello\"\nsend p \"you\"",
    ),
    (
        "descriptors between other messages",
        ALL,
        "s, p = socketpair KIND\nsend p \"ab\"\nsend p \"cd\" rights=[0, 1]\nsend p \"ef\"",
    ),
    (
        "wants credentials, as the messages came",
        ALL,
        "s, p = socketpair KIND\nsetsockopt s SO_PASSCRED 1\nsend p \"ab\"\nsend p \"c\" rights=[0]",
    ),
    (
        "wants credentials after the messages came",
        ALL,
        "s, p = socketpair KIND\nsend p \"ab\"\nsend p \"c\" rights=[0]\nsetsockopt s SO_PASSCRED 1",
    ),
    (
        "wants everything there is to tell",
        ALL,
        "s, p = socketpair KIND\nsetsockopt s SO_PASSCRED 1\nsetsockopt s SO_PASSPIDFD 1\n\
         setsockopt s SO_TIMESTAMP 1\nsend p \"ab\" rights=[0]",
    ),
    (
        "tells what remains",
        STREAM,
        "s, p = socketpair KIND\nsetsockopt s SO_INQ 1\nsend p \"abc\"\nsend p \"de\"",
    ),
    (
        "takes no descriptors",
        ALL,
        "s, p = socketpair KIND\nsetsockopt s SO_PASSRIGHTS 0\nsend p \"ab\"",
    ),
    (
        "a filter drops what comes",
        ALL,
        "s, p = socketpair KIND\nsetsockopt s SO_ATTACH_FILTER dropping-filter=1",
    ),
    (
        "waits for three bytes",
        ALL,
        "s, p = socketpair KIND\nsetsockopt s SO_RCVLOWAT 3\nsend p \"ab\"",
    ),
    ("can send no more", ALL, "s, p = socketpair KIND\nrepeat send s \"x\"*20000 dontwait"),
    (
        "can send no more small messages",
        ALL,
        "s, p = socketpair KIND\nsetsockopt s SO_SNDBUF 1\nrepeat send s \"x\" dontwait",
    ),
    (
        "could send no more, and some was read",
        ALL,
        "s, p = socketpair KIND\nrepeat send s \"x\"*20000 dontwait\nrecv p 30000",
    ),
    (
        "could send no more, and the peer closed",
        ALL,
        "s, p = socketpair KIND\nrepeat send s \"x\"*20000 dontwait\nclose p",
    ),
    ("full", ALL, "s, p = socketpair KIND\nrepeat send p \"x\"*20000 dontwait"),
    (
        "full on both sides",
        ALL,
        "s, p = socketpair KIND\nrepeat send p \"x\"*50000 dontwait\n\
         repeat send s \"y\"*50000 dontwait",
    ),
    (
        "the error of a peer that closed was told",
        ALL,
        "s, p = socketpair KIND\nsend s \"hello\"\nclose p\ngetsockopt s SO_ERROR",
    ),
    ("an urgent byte alone", STREAM, "s, p = socketpair KIND\nsend p \"!\" oob"),
    (
        "an urgent byte in the midst",
        STREAM,
        "s, p = socketpair KIND\nsend p \"ab!\" oob\nsend p \"cd\"",
    ),
    (
        "at the urgent byte",
        STREAM,
        "s, p = socketpair KIND\nsend p \"ab!\" oob\nsend p \"cd\"\nrecv s 2",
    ),
    (
        "past an urgent byte that was read",
        STREAM,
        "s, p = socketpair KIND\nsend p \"ab!\" oob\nsend p \"cd\"\nrecv s 1 oob",
    ),
    (
        "the urgent byte was read, and nothing came before",
        STREAM,
        "s, p = socketpair KIND\nsend p \"!\" oob\nrecv s 1 oob",
    ),
    (
        "two urgent bytes",
        STREAM,
        "s, p = socketpair KIND\nsend p \"ab!\" oob\nsend p \"cd?\" oob\nsend p \"ef\"",
    ),
    (
        "an urgent byte in line",
        STREAM,
        "s, p = socketpair KIND\nsetsockopt s SO_OOBINLINE 1\nsend p \"ab!\" oob\nsend p \"cd\"",
    ),
    (
        "an urgent byte that nobody took, and the peer closed",
        STREAM,
        "s, p = socketpair KIND\nsend p \"ab!\" oob\nclose p",
    ),
    (
        "has sent an urgent byte that nobody took",
        STREAM,
        "s, p = socketpair KIND\nsend s \"!\" oob",
    ),
    (
        "associated, with a name",
        DATAGRAM,
        "s = socket KIND\nbind s \"s.sock\"\nconnect s \"other.sock\"\nsend s \"hello\"",
    ),
    (
        "associated with each other",
        DATAGRAM,
        "s = socket KIND\nbind s \"s.sock\"\nconnect s \"other.sock\"\nconnect o \"s.sock\"\n\
         send o \"hello\"\nsend s \"world\"",
    ),
    (
        "associated with itself",
        DATAGRAM,
        "s = socket KIND\nbind s \"s.sock\"\nconnect s \"s.sock\"",
    ),
    (
        "associated with itself, has sent",
        DATAGRAM,
        "s = socket KIND\nbind s \"s.sock\"\nconnect s \"s.sock\"\nsend s \"hello\"",
    ),
    (
        "associated no more",
        DATAGRAM,
        "s = socket KIND\nbind s \"s.sock\"\nconnect s \"other.sock\"\nsend s \"x\"\n\
         connect s family=unspecified",
    ),
    (
        "associated with another than before",
        DATAGRAM,
        "t = socket KIND\nbind t @t\ns = socket KIND\nconnect s @t\nsend s \"x\"\n\
         connect s \"other.sock\"",
    ),
    (
        "of a pair, and turned away",
        DATAGRAM,
        "s, p = socketpair KIND\nsend p \"hello\"\nconnect s \"other.sock\"",
    ),
    (
        "the peer is closed, and its name is another's",
        DATAGRAM,
        "t = socket KIND\nbind t @t\ns = socket KIND\nconnect s @t\nclose t\nd = socket KIND\n\
         bind d @t",
    ),
    (
        "has messages from one with a name and one without",
        DATAGRAM,
        "s = socket KIND\nbind s \"s.sock\"\nc = socket KIND\nsend c \"1\" to \"s.sock\"\n\
         bind c @c\nsend c \"2\" to \"s.sock\"\nclose c",
    ),
    (
        "has messages from one that is bound afterwards",
        DATAGRAM,
        "s = socket KIND\nbind s \"s.sock\"\nc = socket KIND\nsend c \"1\" to \"s.sock\"\nbind c @c",
    ),
    (
        "its queue is full",
        DATAGRAM,
        "s = socket KIND\nbind s \"s.sock\"\nc = socket KIND\n\
         repeat send c \"x\" to \"s.sock\" dontwait",
    ),
    (
        "the queue of its peer is full",
        DATAGRAM,
        "s = socket KIND\nconnect s \"other.sock\"\nrepeat send s \"x\" dontwait",
    ),
    (
        "the queue of its peer was full",
        DATAGRAM,
        "s = socket KIND\nconnect s \"other.sock\"\nrepeat send s \"x\" dontwait\nrecv o 1",
    ),
    (
        "the queue of its peer is full, and that is shut",
        DATAGRAM,
        "s = socket KIND\nconnect s \"other.sock\"\nrepeat send s \"x\" dontwait\nshutdown o both",
    ),
];
