//! The bytes of a message.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::num::NonZero;
use core::ops::Deref;

/// The bytes of a message, which the queue that holds it and its reader have without copying them.
///
/// Up to 64 bytes lie in the value itself, so that short messages need no memory of their own;
/// longer ones are shared.
///
/// ```
/// use sunpath_core::op::Bytes;
///
/// let long = Bytes::from(vec![7; 65]);
/// assert_eq!(long.clone().as_ptr(), long.as_ptr());
/// assert_eq!(&*Bytes::from("hello"), b"hello");
/// ```
#[derive(Clone)]
pub struct Bytes(Held);

#[derive(Clone)]
enum Held {
    Short(Short),
    Long(Arc<[u8]>),
}

/// Bytes in place. Their length comes last and as a whole word, so that the processor hands a
/// value that was just written to whoever copies it, in the same pieces.
#[derive(Clone, Copy)]
#[repr(C)]
struct Short {
    bytes: [u8; Bytes::SHORT],
    /// Their number and one: zero is left to say that they are long.
    length: NonZero<usize>,
}

impl Bytes {
    /// No bytes.
    pub const EMPTY: Bytes =
        Bytes(Held::Short(Short { bytes: [0; Bytes::SHORT], length: NonZero::<usize>::MIN }));

    /// As many lie in the value itself.
    const SHORT: usize = 64;
}

impl Default for Bytes {
    fn default() -> Bytes {
        Bytes::EMPTY
    }
}

impl Deref for Bytes {
    type Target = [u8];
    #[inline(always)]
    fn deref(&self) -> &[u8] {
        match &self.0 {
            Held::Short(short) => &short.bytes[..short.length.get() - 1],
            Held::Long(bytes) => bytes,
        }
    }
}

impl From<&[u8]> for Bytes {
    #[inline(always)]
    fn from(slice: &[u8]) -> Bytes {
        let length = NonZero::<usize>::MIN.saturating_add(slice.len());
        let mut bytes = [0; Bytes::SHORT];
        match bytes.get_mut(..slice.len()) {
            Some(place) => place.copy_from_slice(slice),
            None => return Bytes(Held::Long(Arc::from(slice))),
        }
        Bytes(Held::Short(Short { bytes, length }))
    }
}

impl<const N: usize> From<&[u8; N]> for Bytes {
    #[inline(always)]
    fn from(bytes: &[u8; N]) -> Bytes {
        bytes.as_slice().into()
    }
}

impl From<&str> for Bytes {
    fn from(text: &str) -> Bytes {
        text.as_bytes().into()
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Bytes {
        bytes.as_slice().into()
    }
}

impl PartialEq for Bytes {
    fn eq(&self, other: &Bytes) -> bool {
        **self == **other
    }
}

impl Eq for Bytes {}

impl PartialOrd for Bytes {
    fn partial_cmp(&self, other: &Bytes) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Bytes {
    fn cmp(&self, other: &Bytes) -> Ordering {
        (**self).cmp(&**other)
    }
}

impl Hash for Bytes {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", crate::text::escape(self))
    }
}
