//! Control messages (`struct cmsghdr`) as bytes: encoding what is sent, and parsing what came.
//!
//! Pure: nothing here makes a call, owns a descriptor, allocates or needs `unsafe`. Numbers of
//! descriptors are numbers; [`message`](super::message) owns them.
//!
//! Each control message is a header (length, level, type), a payload, and padding up to where the
//! next one may start. The length counts header and payload. The parser trusts none of it: a length
//! that is too small for a header ends the sequence, and a payload that is cut off counts as far as
//! it goes, because the kernel does cut off a security label.

use super::option::Credentials;
use std::ffi::c_int;
use std::mem::size_of;
use std::ops::Range;
use std::os::fd::{AsRawFd, BorrowedFd};

/// `SCM_SECURITY`: the sender's security label, without a NUL at its end.
pub const SCM_SECURITY: c_int = 3;
/// `SCM_PIDFD` (Linux 6.5).
pub const SCM_PIDFD: c_int = 4;
/// `SCM_INQ`: bytes that are left to read (Linux 6.17).
pub const SCM_INQ: c_int = 84;

/// The most descriptors that one message carries on Linux (`SCM_MAX_FD`).
pub const MOST_DESCRIPTORS: usize = 253;

/// Bytes of `struct cmsghdr`.
pub const HEADER: usize = size_of::<libc::cmsghdr>();

const INT: usize = size_of::<c_int>();

/// Bytes of `struct ucred`.
pub const CREDENTIALS: usize = 3 * INT;

/// Bytes that a control message with this payload takes, padding included (`CMSG_SPACE`).
pub const fn space(payload: usize) -> usize {
    aligned(HEADER + payload)
}

/// Bytes that a control message with this many descriptors takes; 0 without any.
pub const fn rights_space(descriptors: usize) -> usize {
    if descriptors == 0 { 0 } else { space(descriptors * INT) }
}

/// Room for all that can be sent with one message: 253 descriptors and credentials.
pub const ROOM_TO_SEND: usize = rights_space(MOST_DESCRIPTORS) + space(CREDENTIALS);

/// Bytes of a time stamp (`struct timeval`, and of those with more bits).
pub const TIMESTAMP: usize = size_of::<[i64; 2]>();

/// Room for what a receive brings beside descriptors and a security label, if everything is switched
/// on: a time stamp, credentials, a pidfd, and the count of bytes left to read.
pub const ROOM_FOR_FIXED: usize = space(TIMESTAMP) + space(CREDENTIALS) + space(INT) + space(INT);

/// Room for the control messages of any message that has no security label.
pub const CONTROL_ROOM: usize = rights_space(MOST_DESCRIPTORS) + ROOM_FOR_FIXED;

/// Rounds up to where the next control message may start (`CMSG_ALIGN`).
const fn aligned(length: usize) -> usize {
    length.next_multiple_of(size_of::<usize>())
}

/// There is not enough room for a control message. Nothing of it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoRoom;

/// Encodes control messages into memory that the caller gives.
#[derive(Debug)]
pub struct Writer<'a> {
    room: &'a mut [u8],
    length: usize,
}

impl<'a> Writer<'a> {
    /// Nothing yet. What is in the memory does not matter.
    pub fn new(room: &'a mut [u8]) -> Writer<'a> {
        Writer { room, length: 0 }
    }

    /// Appends `SCM_RIGHTS`. They stay open here; the receiver gets descriptors of its own.
    pub fn rights(&mut self, fds: &[BorrowedFd<'_>]) -> Result<&mut Self, NoRoom> {
        let payload = self.header(libc::SOL_SOCKET, libc::SCM_RIGHTS, fds.len() * INT)?;
        for (place, fd) in payload.chunks_exact_mut(INT).zip(fds) {
            place.copy_from_slice(&fd.as_raw_fd().to_ne_bytes());
        }
        Ok(self)
    }

    /// Appends `SCM_CREDENTIALS`.
    pub fn credentials(&mut self, claim: Credentials) -> Result<&mut Self, NoRoom> {
        let payload = self.header(libc::SOL_SOCKET, libc::SCM_CREDENTIALS, CREDENTIALS)?;
        let ids = [claim.pid.to_ne_bytes(), claim.uid.to_ne_bytes(), claim.gid.to_ne_bytes()];
        payload.copy_from_slice(ids.as_flattened());
        Ok(self)
    }

    /// Appends a control message of any kind.
    pub fn raw(&mut self, level: c_int, kind: c_int, data: &[u8]) -> Result<&mut Self, NoRoom> {
        self.header(level, kind, data.len())?.copy_from_slice(data);
        Ok(self)
    }

    /// What was encoded.
    pub fn into_bytes(self) -> &'a [u8] {
        &self.room[..self.length]
    }

    /// Writes a header and clears the padding; the place of the payload.
    fn header(&mut self, level: c_int, kind: c_int, payload: usize) -> Result<&mut [u8], NoRoom> {
        let rest = self.room.get_mut(self.length..).unwrap_or_default();
        // A payload larger than the room cannot make the sums overflow.
        if payload > rest.len() || space(payload) > rest.len() {
            return Err(NoRoom);
        }
        self.length += space(payload);
        let (this, _) = rest.split_at_mut(space(payload));
        let (header, body) = this.split_at_mut(HEADER);
        header.fill(0);
        header[..size_of::<usize>()].copy_from_slice(&(HEADER + payload).to_ne_bytes());
        header[HEADER - 2 * INT..HEADER - INT].copy_from_slice(&level.to_ne_bytes());
        header[HEADER - INT..].copy_from_slice(&kind.to_ne_bytes());
        let (body, padding) = body.split_at_mut(payload);
        padding.fill(0);
        Ok(body)
    }
}

/// A control message that came: its level and type, and where its payload is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// `SOL_SOCKET`, for all that a UNIX domain socket delivers.
    pub level: c_int,
    /// The `SCM_*` type.
    pub kind: c_int,
    /// The place of the payload in the control bytes; always within them.
    pub payload: Range<usize>,
}

/// The control messages in the bytes that the kernel wrote.
pub fn items(control: &[u8]) -> impl Iterator<Item = Item> + '_ {
    let mut start = 0;
    std::iter::from_fn(move || {
        let rest = control.get(start..)?;
        let header = rest.get(..HEADER)?;
        let length = usize::from_ne_bytes(*header.first_chunk()?);
        if length < HEADER {
            return None;
        }
        let payload = start + HEADER..start + length.min(rest.len());
        // A length near the end of the address space must not lead back to the beginning.
        start += length.min(rest.len()).next_multiple_of(size_of::<usize>());
        let level = int(&header[HEADER - 2 * INT..])?;
        Some(Item { level, kind: int(&header[HEADER - INT..])?, payload })
    })
}

/// What is known of a control message: its meaning, with the payload still as bytes where its
/// length varies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning<'a> {
    /// `SCM_RIGHTS`: numbers of new descriptors; see [`numbers`].
    Rights(&'a [u8]),
    /// `SCM_PIDFD`: the number of a new descriptor, or a negative errno. Several numbers are not
    /// what the kernel sends, but every one would be a descriptor.
    Pidfd(&'a [u8]),
    /// `SCM_CREDENTIALS`.
    Credentials(Credentials),
    /// `SCM_SECURITY`.
    Label,
    /// `SCM_INQ`.
    Unread(u32),
    /// `SCM_TIMESTAMP`, which only marks that a message came.
    Time,
    /// Anything else, and what has not the length that its type has.
    Unknown,
}

/// What a control message means.
pub fn meaning<'a>(control: &'a [u8], item: &Item) -> Meaning<'a> {
    let data = control.get(item.payload.clone()).unwrap_or_default();
    if item.level != libc::SOL_SOCKET {
        return Meaning::Unknown;
    }
    match item.kind {
        libc::SCM_RIGHTS => Meaning::Rights(data),
        SCM_PIDFD => Meaning::Pidfd(data),
        SCM_SECURITY => Meaning::Label,
        libc::SCM_TIMESTAMP => Meaning::Time,
        libc::SCM_CREDENTIALS if data.len() == CREDENTIALS => credentials(data),
        SCM_INQ if data.len() == INT => {
            int(data).map_or(Meaning::Unknown, |n| Meaning::Unread(n.max(0).cast_unsigned()))
        }
        _ => Meaning::Unknown,
    }
}

fn credentials(data: &[u8]) -> Meaning<'static> {
    let mut ids = data.chunks_exact(INT).filter_map(int);
    match (ids.next(), ids.next(), ids.next()) {
        (Some(pid), Some(uid), Some(gid)) => Meaning::Credentials(Credentials {
            pid,
            uid: uid.cast_unsigned(),
            gid: gid.cast_unsigned(),
        }),
        _ => Meaning::Unknown,
    }
}

/// The whole `int`s of a payload.
pub fn numbers(payload: &[u8]) -> impl Iterator<Item = c_int> + '_ {
    payload.chunks_exact(INT).filter_map(int)
}

fn int(bytes: &[u8]) -> Option<c_int> {
    bytes.first_chunk().map(|bytes| c_int::from_ne_bytes(*bytes))
}

#[cfg(test)]
mod tests;
