//! States of connected sockets that follow from each other: what each side has sent, together with
//! what each side then shut or closed.

const SENT: [(&str, &str); 4] = [
    ("nothing sent", ""),
    ("sent to it", "send p \"hello\"\n"),
    ("sent by it", "send s \"world\"\n"),
    ("sent by both", "send p \"hello\"\nsend s \"world\"\n"),
];

const ENDED: [(&str, &str); 15] = [
    ("shut for reading", "shutdown s read"),
    ("shut for writing", "shutdown s write"),
    ("shut", "shutdown s both"),
    ("peer shut for reading", "shutdown p read"),
    ("peer shut for writing", "shutdown p write"),
    ("peer shut", "shutdown p both"),
    ("both shut for reading", "shutdown s read\nshutdown p read"),
    ("both shut for writing", "shutdown s write\nshutdown p write"),
    ("both shut", "shutdown s both\nshutdown p both"),
    ("peer closed", "close p"),
    ("peer shut for writing, then closed", "shutdown p write\nclose p"),
    ("peer shut for reading, then closed", "shutdown p read\nclose p"),
    ("shut for writing, then peer closed", "shutdown s write\nclose p"),
    ("shut for reading, then peer closed", "shutdown s read\nclose p"),
    ("shut, then peer closed", "shutdown s both\nclose p"),
];

/// Every combination.
pub fn all() -> impl Iterator<Item = (String, String)> {
    SENT.iter().flat_map(|(sent, sends)| {
        ENDED.iter().map(move |(ended, ends)| {
            let way = format!("s, p = socketpair KIND\n{sends}{ends}");
            (format!("{sent}, {ended}"), way)
        })
    })
}
