//! Messages in a sequence of bytes: how standard input is split, and standard output written.

use crate::args::Form;
use sunpath::SocketType;

/// The longest message, in bytes, that is read or received: far more than sockets carry unless an
/// administrator wants it.
pub const LONGEST: usize = 16 << 20;

/// How messages stand among bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Framing {
    /// Not at all: what comes at once goes on at once.
    None,
    /// These bytes follow each message.
    Delimited(Vec<u8>),
    /// The length precedes each message: four bytes, big-endian.
    Prefixed,
    /// A line of hexadecimal digits each.
    Hex,
}

impl Framing {
    /// As the command line wants it.
    ///
    /// # Errors
    /// A stream has no messages.
    pub fn of(form: &Form, socket: SocketType) -> Result<Framing, String> {
        let stream = socket == SocketType::Stream;
        let misplaced = match form {
            Form { delimiter: Some(_), .. } => Some("--delimiter"),
            Form { length_prefixed: true, .. } => Some("--length-prefixed"),
            _ => None,
        };
        match (form, misplaced) {
            (_, Some(option)) if stream => Err(format!(
                "{option} is for messages, and a stream has none: it passes all bytes on as they \
                 are; for messages add --type seqpacket or --type datagram"
            )),
            (Form { hex: true, .. }, _) => Ok(Framing::Hex),
            (Form { length_prefixed: true, .. }, _) => Ok(Framing::Prefixed),
            (Form { delimiter: Some(bytes), .. }, _) => Ok(Framing::Delimited(bytes.0.clone())),
            _ if stream => Ok(Framing::None),
            _ => Ok(Framing::Delimited(b"\n".to_vec())),
        }
    }

    /// Appends a message as it is to stand among others.
    ///
    /// # Errors
    /// It is longer than a length of four bytes can tell.
    pub fn write(&self, message: &[u8], out: &mut Vec<u8>) {
        match self {
            Framing::None => out.extend_from_slice(message),
            Framing::Delimited(end) => {
                out.extend_from_slice(message);
                out.extend_from_slice(end);
            }
            Framing::Prefixed => {
                // What is received is never longer than LONGEST.
                let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
                out.extend_from_slice(&length.to_be_bytes());
                out.extend_from_slice(message);
            }
            Framing::Hex => {
                let digit = |nibble: u8| b"0123456789abcdef"[usize::from(nibble)];
                out.extend(message.iter().flat_map(|b| [digit(b >> 4), digit(b & 15)]));
                out.push(b'\n');
            }
        }
    }
}

/// Splits bytes into messages as they come.
#[derive(Debug)]
pub struct Splitter {
    framing: Framing,
    held: Vec<u8>,
    /// Bytes at the start that were given out.
    given: usize,
    /// Bytes behind those in which no end was found.
    searched: usize,
    /// How many messages were given out.
    count: u64,
}

impl Splitter {
    pub fn new(framing: Framing) -> Splitter {
        Splitter { framing, held: Vec::new(), given: 0, searched: 0, count: 0 }
    }

    /// Adds bytes. Call it only when [`next`](Splitter::next) has given out all there was, so that no
    /// more than a message and these bytes are held.
    pub fn push(&mut self, bytes: &[u8]) {
        self.held.drain(..self.given);
        self.given = 0;
        self.held.extend_from_slice(bytes);
    }

    /// The next whole message.
    ///
    /// # Errors
    /// The bytes are not what they should be; the sentence says which message it was.
    pub fn next(&mut self) -> Result<Option<Vec<u8>>, String> {
        let rest = &self.held[self.given..];
        let (message, taken) = match &self.framing {
            Framing::None if rest.is_empty() => return Ok(None),
            Framing::None => (rest.to_vec(), rest.len()),
            Framing::Prefixed => match rest.split_first_chunk::<4>() {
                None => return Ok(None),
                Some((length, behind)) => {
                    let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
                    self.fits(length)?;
                    match behind.get(..length) {
                        None => return Ok(None),
                        Some(message) => (message.to_vec(), 4 + length),
                    }
                }
            },
            Framing::Delimited(_) | Framing::Hex => {
                let end: &[u8] = match &self.framing {
                    Framing::Delimited(end) => end,
                    _ => b"\n",
                };
                match find(&rest[self.searched..], end) {
                    None => {
                        let length = rest.len();
                        self.fits(length / self.width())?;
                        self.searched = (length + 1).saturating_sub(end.len());
                        return Ok(None);
                    }
                    Some(at) => {
                        let length = self.searched + at;
                        (self.decoded(&rest[..length])?, length + end.len())
                    }
                }
            }
        };
        self.given += taken;
        self.searched = 0;
        self.count += 1;
        Ok(Some(message))
    }

    /// What is left at the end of the bytes: a last message without its end.
    ///
    /// # Errors
    /// It is cut off.
    pub fn finish(&mut self) -> Result<Option<Vec<u8>>, String> {
        let rest = self.held.split_off(self.given.min(self.held.len()));
        (self.given, self.searched) = (0, 0);
        self.held.clear();
        if rest.is_empty() {
            return Ok(None);
        }
        match self.framing {
            Framing::Prefixed => Err(format!("the input ends within message {}", self.count + 1)),
            _ => self.decoded(&rest).map(Some),
        }
    }

    /// Bytes of input for each byte of a message, at least.
    fn width(&self) -> usize {
        if self.framing == Framing::Hex { 2 } else { 1 }
    }

    fn fits(&self, length: usize) -> Result<(), String> {
        if length <= LONGEST {
            return Ok(());
        }
        let number = self.count + 1;
        Err(format!("message {number} of the input is longer than {LONGEST} bytes"))
    }

    fn decoded(&self, message: &[u8]) -> Result<Vec<u8>, String> {
        if self.framing != Framing::Hex {
            return Ok(message.to_vec());
        }
        let digits = message.iter().filter(|b| !b.is_ascii_whitespace());
        let digits: Option<Vec<u8>> = digits.map(|b| hex(*b)).collect();
        let pairs = digits.filter(|digits| digits.len() % 2 == 0);
        let bytes = pairs.map(|d| d.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect());
        bytes.ok_or_else(|| {
            format!("line {} of the input is not pairs of hexadecimal digits", self.count + 1)
        })
    }
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// Where `end` begins.
fn find(bytes: &[u8], end: &[u8]) -> Option<usize> {
    match end {
        [one] => bytes.iter().position(|b| b == one),
        _ => bytes.windows(end.len()).position(|window| window == end),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn split(framing: Framing, pieces: &[&[u8]]) -> Result<Vec<Vec<u8>>, String> {
        let mut splitter = Splitter::new(framing);
        let mut all = Vec::new();
        for piece in pieces {
            splitter.push(piece);
            while let Some(message) = splitter.next()? {
                all.push(message);
            }
        }
        all.extend(splitter.finish()?);
        Ok(all)
    }

    #[test]
    fn empty_messages_are_messages() {
        let lines = Framing::Delimited(b"\n".to_vec());
        let none: Vec<Vec<u8>> = vec![];
        assert_eq!(split(lines.clone(), &[b"a\n\nb\n"]).unwrap(), [&b"a"[..], b"", b"b"]);
        assert_eq!(split(lines.clone(), &[b"\n"]).unwrap(), [b""]);
        assert_eq!(split(lines.clone(), &[b""]).unwrap(), none);
        assert_eq!(split(lines, &[b"la", b"st"]).unwrap(), [b"last"]);
        assert_eq!(split(Framing::Hex, &[b"\n 0 a FF\n"]).unwrap(), [&b""[..], b"\x0a\xff"]);
        assert_eq!(
            split(Framing::Prefixed, &[&[0; 5], &[0, 0, 1, 7]]).unwrap(),
            [&b""[..], b"\x07"]
        );
    }

    #[test]
    fn a_delimiter_may_come_in_pieces() {
        let framing = Framing::Delimited(b"\r\n".to_vec());
        assert_eq!(
            split(framing, &[b"a\r", b"\nb\nc\r", b"\r\n"]).unwrap(),
            [&b"a"[..], b"b\nc\r"]
        );
    }

    #[test]
    fn what_makes_no_sense_is_said() {
        let wrong = |framing, bytes: &[u8]| split(framing, &[bytes]).unwrap_err();
        assert!(wrong(Framing::Hex, b"00\n0\n").starts_with("line 2"));
        assert!(wrong(Framing::Hex, b"0g").starts_with("line 1"));
        assert!(wrong(Framing::Prefixed, b"\0\0\0\x01a\0\0").contains("within message 2"));
        assert!(wrong(Framing::Prefixed, b"\xff\xff\xff\xff").contains("longer than"));
    }

    proptest! {
        #[test]
        fn what_is_written_is_split_again(
            messages in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..50), 0..20),
            cut in 1_usize..40,
        ) {
            for framing in [Framing::Hex, Framing::Prefixed] {
                let mut bytes = Vec::new();
                messages.iter().for_each(|message| framing.write(message, &mut bytes));
                let pieces: Vec<&[u8]> = bytes.chunks(cut).collect();
                prop_assert_eq!(split(framing, &pieces).unwrap(), messages.clone());
            }
        }

        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>, cut in 1_usize..40, end in proptest::collection::vec(any::<u8>(), 1..3)) {
            for framing in [Framing::None, Framing::Delimited(end), Framing::Prefixed, Framing::Hex] {
                let pieces: Vec<&[u8]> = bytes.chunks(cut).collect();
                let _ = split(framing, &pieces);
            }
        }
    }
}
