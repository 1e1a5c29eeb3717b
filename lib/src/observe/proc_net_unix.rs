//! `/proc/net/unix`: the table of UNIX domain sockets where `sock_diag` is missing.
//!
//! It shows less, and a name may lie: a newline in a name begins a new line of the table, a NUL
//! is shown as `@`, and the file is not shown at all. Names that may have been garbled so are
//! left out.

use super::diag::kind_of;
use crate::SocketType;
use crate::fact::socket::State;

/// A line of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line<'a> {
    pub inode: u32,
    pub kind: SocketType,
    pub state: State,
    /// A path, or `@` and an abstract name; `None` if it has none or may be garbled.
    pub name: Option<&'a [u8]>,
}

/// Reads the table. Lines that are no sockets are taken for the rest of a name with a newline:
/// the socket before them loses its name.
pub(crate) fn parse(table: &[u8]) -> Vec<Line<'_>> {
    let mut lines: Vec<Line<'_>> = Vec::new();
    let table = table.strip_suffix(b"\n").unwrap_or(table);
    for text in table.split(|b| *b == b'\n').skip(1) {
        match (line(text), lines.last_mut()) {
            (Some(line), _) => lines.push(line),
            (None, Some(before)) => before.name = None,
            (None, None) => {}
        }
    }
    // A forged line can name an inode that the table has already: neither is to be believed.
    let mut seen: Vec<u32> = lines.iter().map(|l| l.inode).filter(|i| *i != 0).collect();
    seen.sort_unstable();
    let twice: Vec<u32> = seen.windows(2).filter(|w| w[0] == w[1]).map(|w| w[0]).collect();
    lines.retain(|l| l.inode != 0 && twice.binary_search(&l.inode).is_err());
    lines
}

/// `Num RefCount Protocol Flags Type St Inode [Path]`
fn line(text: &[u8]) -> Option<Line<'_>> {
    let (number, mut rest) = split(text)?;
    let digits = number.strip_suffix(b":")?;
    if digits.len() < 8 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let mut words = [&[][..]; 5];
    for word in &mut words {
        (*word, rest) = split(rest)?;
    }
    let [_references, _protocol, flags, kind, state] = words;
    let (inode, name) = match split(rest) {
        Some((inode, name)) => (inode, Some(name)),
        None => (rest.trim_ascii(), None),
    };
    const LISTENS: u64 = 1 << 16;
    let state = match (hex(flags)? & LISTENS != 0, hex(state)?) {
        (true, _) => State::Listening,
        (false, 3) => State::Connected,
        (false, _) => State::Unconnected,
    };
    let inode = std::str::from_utf8(inode).ok()?.parse().ok()?;
    let kind = kind_of(u8::try_from(hex(kind)?).ok()?)?;
    Some(Line { inode, kind, state, name: name.filter(|n| !n.is_empty()) })
}

/// The first word, and what follows the one space after it: numbers are padded on the left, but a
/// name may begin with a space.
fn split(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let start = text.iter().position(|b| *b != b' ')?;
    let length = text[start..].iter().position(|b| *b == b' ')?;
    Some((&text[start..start + length], &text[start + length + 1..]))
}

fn hex(word: &[u8]) -> Option<u64> {
    u64::from_str_radix(std::str::from_utf8(word).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HEADER: &str = "Num       RefCount Protocol Flags    Type St Inode Path\n";

    fn table(lines: &str) -> Vec<u8> {
        [HEADER, lines].concat().into_bytes()
    }

    #[test]
    fn listener_datagram_and_unnamed() {
        let text = table(
            "0000000000000000: 00000002 00000000 00010000 0001 01 20480 /run/a b\n\
             0000000000000000: 00000003 00000000 00000000 0002 01   481 @name\n\
             0000000000000000: 00000003 00000000 00000000 0005 03 482\n",
        );
        let lines = parse(&text);
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[0].name, Some(&b"/run/a b"[..]));
        assert_eq!(lines[0].state, State::Listening);
        assert_eq!((lines[1].kind, lines[1].name), (SocketType::Datagram, Some(&b"@name"[..])));
        assert_eq!((lines[2].state, lines[2].name), (State::Connected, None));
    }

    #[test]
    fn a_newline_in_a_name_takes_the_name_away() {
        let text = table(
            "0000000000000000: 00000002 00000000 00010000 0001 01 1 /run/a\n\
             b\n\
             0000000000000000: 00000002 00000000 00010000 0001 01 2 /run/c\n\
             \n",
        );
        let names: Vec<_> = parse(&text).into_iter().map(|l| (l.inode, l.name)).collect();
        assert_eq!(names, [(1, None), (2, None)]);
    }

    #[test]
    fn a_forged_line_discredits_its_double() {
        let text = table(
            "0000000000000000: 00000002 00000000 00010000 0001 01 1 /run/a\n\
             0000000000000000: 00000002 00000000 00010000 0001 01 2 /run/x\n\
             0000000000000000: 00000002 00000000 00010000 0001 01 1 /run/evil\n",
        );
        let inodes: Vec<_> = parse(&text).into_iter().map(|l| l.inode).collect();
        assert_eq!(inodes, [2]);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(lines in "[0-9a-f: /@\n]{0,300}", tail in prop::collection::vec(any::<u8>(), 0..50)) {
            let mut bytes = table(&lines);
            bytes.extend_from_slice(&tail);
            for line in parse(&bytes) {
                prop_assert!(line.inode != 0);
            }
        }
    }
}
