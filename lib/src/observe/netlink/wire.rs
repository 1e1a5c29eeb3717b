//! Netlink messages and attributes as bytes. Nothing here trusts a length that it reads: whatever
//! does not fit ends the iteration.

use std::ops::Range;

/// `sizeof(struct nlmsghdr)`
pub(crate) const HEADER: usize = 16;
/// `sizeof(struct nlattr)`
const ATTRIBUTE_HEADER: usize = 4;
/// The bits of an attribute's type that are its number: not `NLA_F_NESTED`, not
/// `NLA_F_NET_BYTEORDER`.
const TYPE_MASK: u16 = 0x3fff;

/// Messages and attributes start at multiples of four bytes.
const fn align(length: usize) -> usize {
    length.saturating_add(3) & !3
}

/// The bytes of a fixed field, if the structure is long enough to have it.
pub(crate) fn field<const N: usize>(bytes: &[u8], offset: usize) -> Option<[u8; N]> {
    let end = offset.checked_add(N)?;
    bytes.get(offset..end)?.try_into().ok()
}

fn u16_at(bytes: &[u8], offset: usize) -> Option<u16> {
    field(bytes, offset).map(u16::from_ne_bytes)
}

fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    field(bytes, offset).map(u32::from_ne_bytes)
}

/// One message of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Message<'a> {
    /// `nlmsg_type`
    pub kind: u16,
    /// `nlmsg_flags`
    pub flags: u16,
    /// `nlmsg_seq`
    pub sequence: u32,
    /// What follows the header.
    pub payload: &'a [u8],
}

/// The messages in a received datagram.
pub(crate) struct Messages<'a>(pub &'a [u8]);

impl<'a> Iterator for Messages<'a> {
    type Item = Message<'a>;

    fn next(&mut self) -> Option<Message<'a>> {
        let bytes = self.0;
        let length = u32_at(bytes, 0)? as usize;
        let payload = bytes.get(HEADER..length)?;
        let message = Message {
            kind: u16_at(bytes, 4)?,
            flags: u16_at(bytes, 6)?,
            sequence: u32_at(bytes, 8)?,
            payload,
        };
        self.0 = bytes.get(align(length)..).unwrap_or_default();
        Some(message)
    }
}

/// The attributes that follow a message's fixed part: number and value.
pub(crate) struct Attributes<'a>(pub &'a [u8]);

impl<'a> Iterator for Attributes<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<(u16, &'a [u8])> {
        let bytes = self.0;
        let length = usize::from(u16_at(bytes, 0)?);
        let kind = u16_at(bytes, 2)? & TYPE_MASK;
        let value = bytes.get(ATTRIBUTE_HEADER..length)?;
        self.0 = bytes.get(align(length)..).unwrap_or_default();
        Some((kind, value))
    }
}

/// A request: header, then `body` (the fixed part and attributes).
pub(crate) fn request(kind: u16, flags: u16, sequence: u32, body: &[u8]) -> Vec<u8> {
    let length = HEADER + body.len();
    let mut out = Vec::with_capacity(align(length));
    out.extend_from_slice(&(length as u32).to_ne_bytes());
    out.extend_from_slice(&kind.to_ne_bytes());
    out.extend_from_slice(&flags.to_ne_bytes());
    out.extend_from_slice(&sequence.to_ne_bytes());
    out.extend_from_slice(&0u32.to_ne_bytes());
    out.extend_from_slice(body);
    out.resize(align(length), 0);
    out
}

/// Appends an attribute to a request's body.
pub(crate) fn request_attribute(body: &mut Vec<u8>, kind: u16, value: &[u8]) {
    body.resize(align(body.len()), 0);
    let length = ATTRIBUTE_HEADER + value.len();
    body.extend_from_slice(&(length as u16).to_ne_bytes());
    body.extend_from_slice(&kind.to_ne_bytes());
    body.extend_from_slice(value);
    body.resize(align(body.len()), 0);
}

/// The errno in an error message, or in the message that ends a dump: 0 means success.
pub(crate) fn errno_of(payload: &[u8]) -> Option<i32> {
    const NUMBER: Range<usize> = 0..4;
    let number = i32::from_ne_bytes(payload.get(NUMBER)?.try_into().ok()?);
    Some(number.checked_neg().unwrap_or(i32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_request_reads_back_as_one_message() {
        let mut body = vec![7, 8, 9];
        request_attribute(&mut body, 5, b"eth0\0");
        request_attribute(&mut body, 6, &[]);
        let bytes = request(20, 0x301, 42, &body);
        assert_eq!(bytes.len() % 4, 0);
        let found: Vec<_> = Messages(&bytes).collect();
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].kind, found[0].flags, found[0].sequence), (20, 0x301, 42));
        let attributes: Vec<_> = Attributes(&found[0].payload[4..]).collect();
        assert_eq!(attributes, [(5, &b"eth0\0"[..]), (6, &[][..])]);
    }

    #[test]
    fn flags_of_an_attribute_are_no_part_of_its_number() {
        let mut body = Vec::new();
        request_attribute(&mut body, 0x8000 | 3, b"abcd");
        assert_eq!(Attributes(&body).next(), Some((3, &b"abcd"[..])));
    }

    #[test]
    fn lengths_that_lie_end_the_iteration() {
        for length in [0u32, 1, 15, 17, 1000, u32::MAX] {
            let mut bytes = request(1, 0, 0, &[]);
            bytes[..4].copy_from_slice(&length.to_ne_bytes());
            assert_eq!(Messages(&bytes).count(), 0, "length {length}");
        }
        for length in [0u16, 1, 3, 6, 5000, u16::MAX] {
            let mut bytes = Vec::new();
            request_attribute(&mut bytes, 1, &[]);
            bytes[..2].copy_from_slice(&length.to_ne_bytes());
            assert_eq!(Attributes(&bytes).count(), 0, "length {length}");
        }
    }

    #[test]
    fn the_smallest_error_number_does_not_overflow() {
        assert_eq!(errno_of(&i32::MIN.to_ne_bytes()), Some(i32::MAX));
        assert_eq!(errno_of(&(-2i32).to_ne_bytes()), Some(2));
        assert_eq!(errno_of(&[0, 0]), None);
    }

    proptest! {
        /// Whatever arrives: no panic, every part lies inside, and the iteration ends.
        #[test]
        fn any_bytes_are_read_within_their_bounds(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let mut total = 0;
            for message in Messages(&bytes) {
                total += HEADER + message.payload.len();
                let inner: usize = Attributes(message.payload).map(|(_, v)| v.len() + 4).sum();
                prop_assert!(inner <= message.payload.len());
            }
            prop_assert!(total <= bytes.len());
            prop_assert!(Attributes(&bytes).count() <= bytes.len() / 4);
        }

        /// Valid attributes survive, also when the end is cut off: then a prefix of them does.
        #[test]
        fn attributes_come_back(
            given in prop::collection::vec((0u16..0x3fff, prop::collection::vec(any::<u8>(), 0..40)), 0..8),
            cut in any::<prop::sample::Index>(),
        ) {
            let mut bytes = Vec::new();
            for (kind, value) in &given {
                request_attribute(&mut bytes, *kind, value);
            }
            let back: Vec<_> = Attributes(&bytes).map(|(k, v)| (k, v.to_vec())).collect();
            prop_assert_eq!(&back, &given);
            let shorter = &bytes[..cut.index(bytes.len() + 1)];
            let part: Vec<_> = Attributes(shorter).map(|(k, v)| (k, v.to_vec())).collect();
            prop_assert!(given.starts_with(&part));
        }
    }
}
