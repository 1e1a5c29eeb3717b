//! Recipes for ancillary data: descriptors and credentials.

use super::pair::{each, not_waiting, pair, send_byte};
use super::{Look, Make, Need, Observed, Recipe, failed};
use crate::failure::Told;
use crate::stage::place::become_ordinary;
use crate::stage::{NOBODY, Stage, Step, Trouble};
use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use sunpath::fact::arguments::Control as Item;
use sunpath::fact::{Arguments, Descriptor, Seen};
use sunpath::sys::control::{CONTROL_ROOM, Writer};
use sunpath::sys::libc::{SCM_CREDENTIALS, SCM_RIGHTS, SOL_SOCKET};
use sunpath::sys::message::{Inbox, recvmsg, sendmsg};
use sunpath::sys::option::{self, Credentials, SO_PASSRIGHTS};
use sunpath::sys::probe::{self, Memory, Message};
use sunpath::sys::socket::{RecvFlags, SendFlags};
use sunpath::sys::{self, Errno, process};
use sunpath::{Call, SocketType, Symptom};

/// The recipes of this file.
pub const RECIPES: &[Recipe] = &[
    direct("rights/too-many", too_many),
    direct("rights/bad-descriptor", bad_descriptor),
    direct("rights/not-passable", not_passable),
    direct("rights/too-many-in-flight", too_many_in_flight),
    direct("rights/refused-by-receiver", refused_by_receiver),
    direct("rights/dropped-with-empty-send", dropped_with_empty_send),
    direct("ancillary/malformed", malformed),
    direct("ancillary/unknown-type", unknown_type),
    direct("credentials/malformed", malformed_credentials),
    direct("credentials/not-permitted", not_permitted),
    Recipe {
        id: "credentials/no-such-process",
        needs: &[Need::Root],
        make: Make::Direct(no_such_process),
    },
];

const fn direct(id: &'static str, make: fn(&mut Stage) -> Result<Observed, Trouble>) -> Recipe {
    Recipe { id, needs: &[], make: Make::Direct(make) }
}

const UNIX: &[SocketType] = &[SocketType::Stream, SocketType::SeqPacket, SocketType::Datagram];

/// Sends these bytes with this ancillary data.
fn send(fd: &OwnedFd, data: &[u8], control: &[u8]) -> sys::Result<usize> {
    sendmsg(fd, None, &[IoSlice::new(data)], control, SendFlags::DONTWAIT)
}

/// Control messages: level, type and payload of each.
fn control(items: &[(i32, i32, &[u8])]) -> Result<Vec<u8>, Trouble> {
    let mut room = [0; 2 * CONTROL_ROOM];
    let mut writer = Writer::new(&mut room);
    for (level, kind, payload) in items {
        let written = writer.raw(*level, *kind, payload);
        written.map_err(|_| Trouble::Failed("too much ancillary data".into()))?;
    }
    Ok(writer.into_bytes().to_vec())
}

/// Control messages with these descriptors in each.
fn rights(items: &[&[BorrowedFd<'_>]]) -> Result<Vec<u8>, Trouble> {
    let numbers = |fds: &&[BorrowedFd<'_>]| -> Vec<u8> {
        fds.iter().flat_map(|fd| fd.as_raw_fd().to_ne_bytes()).collect()
    };
    let payloads: Vec<_> = items.iter().map(numbers).collect();
    let items: Vec<_> = payloads.iter().map(|p| (SOL_SOCKET, SCM_RIGHTS, &p[..])).collect();
    control(&items)
}

/// A control message with these ids.
fn credentials(claimed: Credentials) -> Result<Vec<u8>, Trouble> {
    let ids = [claimed.pid.to_ne_bytes(), claimed.uid.to_ne_bytes(), claimed.gid.to_ne_bytes()];
    control(&[(SOL_SOCKET, SCM_CREDENTIALS, ids.as_flattened())])
}

/// What came of a send with these items.
fn observed(
    kind: SocketType,
    fd: &OwnedFd,
    items: &[Item],
    symptom: Option<Symptom>,
) -> Result<Observed, Trouble> {
    let arguments = Arguments { control: items.to_vec(), length: Some(1), ..not_waiting() };
    Observed::of(Look::new(Call::Send, kind).descriptor(fd).arguments(arguments), symptom)
}

/// The same send on a pair of each type.
fn on_each_type(id: &str, control: &[u8], items: &[Item]) -> Result<Observed, Trouble> {
    each(id, UNIX, |kind| {
        let (a, _b) = pair(kind)?;
        observed(kind, &a, items, failed(send(&a, b"x", control)))
    })
}

fn valid(count: u64) -> Item {
    Item::Rights { count, not_open: Vec::new(), not_passable: Vec::new() }
}

/// In one item, and in two.
fn too_many(_: &mut Stage) -> Result<Observed, Trouble> {
    const MOST: usize = 253;
    let (own, _other) = pair(SocketType::Stream)?;
    let fds: Vec<BorrowedFd<'_>> = vec![own.as_fd(); MOST + 1];
    each("rights/too-many", &[MOST + 1, MOST], |first| {
        let (control, items) = match first {
            MOST => (rights(&[&fds[..MOST], &fds[..1]])?, vec![valid(MOST as u64), valid(1)]),
            more => (rights(&[&fds[..more]])?, vec![valid(more as u64)]),
        };
        on_each_type("rights/too-many", &control, &items)
    })
}

fn bad_descriptor(_: &mut Stage) -> Result<Observed, Trouble> {
    each("rights/bad-descriptor", &[RawFd::MAX, -1], |number| {
        let control = control(&[(SOL_SOCKET, SCM_RIGHTS, &number.to_ne_bytes())])?;
        let item = Item::Rights { count: 1, not_open: vec![number], not_passable: Vec::new() };
        on_each_type("rights/bad-descriptor", &control, &[item])
    })
}

fn not_passable(_: &mut Stage) -> Result<Observed, Trouble> {
    let ring = match probe::ring() {
        Ok(ring) => ring,
        Err(Errno::NOSYS | Errno::PERM) => {
            return Err(Trouble::NotHere("io_uring is switched off".into()));
        }
        Err(errno) => return Err(Trouble::Failed(format!("make a ring: {}", errno.told()))),
    };
    let control = rights(&[&[ring.as_fd()]])?;
    let not_passable = vec![ring.as_raw_fd()];
    let item = Item::Rights { count: 1, not_open: Vec::new(), not_passable };
    on_each_type("rights/not-passable", &control, &[item])
}

/// As a user of its own, so that what others have in flight does not count.
fn too_many_in_flight(_: &mut Stage) -> Result<Observed, Trouble> {
    const LIMIT: u64 = 40;
    const NOBODY_ELSE: u32 = 54_321;
    become_ordinary(NOBODY_ELSE)?;
    process::limit_descriptors(LIMIT).step("lower the limit")?;
    let (a, _b) = pair(SocketType::Stream)?;
    let control = rights(&[&[a.as_fd()]])?;
    // The limit is exceeded by one before the kernel refuses.
    for _ in 0..=LIMIT + 1 {
        if let Err(errno) = send(&a, b"x", &control) {
            return observed(SocketType::Stream, &a, &[valid(1)], failed::<()>(Err(errno)));
        }
    }
    observed(SocketType::Stream, &a, &[valid(1)], None)
}

/// The recipe holds both ends, so it can say what the sender cannot see.
fn refused_by_receiver(_: &mut Stage) -> Result<Observed, Trouble> {
    each("rights/refused-by-receiver", UNIX, |kind| {
        let (a, b) = pair(kind)?;
        match option::set_switch(&b, SO_PASSRIGHTS, false) {
            Err(Errno::NOPROTOOPT) => {
                return Err(Trouble::NotHere("SO_PASSRIGHTS came with Linux 6.16".into()));
            }
            done => done.step("switch SO_PASSRIGHTS off")?,
        }
        let control = rights(&[&[a.as_fd()]])?;
        let symptom = failed(send(&a, b"x", &control));
        let mut observed = observed(kind, &a, &[valid(1)], symptom)?;
        if let Seen::Known(Descriptor::Socket(own)) = &mut observed.facts.descriptor
            && let Seen::Known(Some(peer)) = &mut own.peer
        {
            peer.refuses_rights = option::switch(&b, SO_PASSRIGHTS).is_ok_and(|on| !on).into();
        }
        Ok(observed)
    })
}

/// Nothing arrives, and a byte that is sent afterwards comes without descriptors.
fn dropped_with_empty_send(_: &mut Stage) -> Result<Observed, Trouble> {
    let (a, b) = pair(SocketType::Stream)?;
    let control = rights(&[&[a.as_fd()]])?;
    send(&a, b"", &control).step("send nothing with a descriptor")?;
    send_byte(&a).step("send a byte")?;
    let (mut byte, mut inbox) = ([0; 1], Inbox::new(CONTROL_ROOM, 1));
    let buffers = &mut [IoSliceMut::new(&mut byte)];
    recvmsg(&b, None, buffers, &mut inbox, RecvFlags::DONTWAIT).step("receive")?;
    let symptom = (inbox.arrived() == 0).then_some(Symptom::DescriptorsLost);
    let mut observed = observed(SocketType::Stream, &a, &[valid(1)], symptom)?;
    observed.facts.arguments.length = Some(0);
    Ok(observed)
}

/// An item one byte shorter than its header.
fn malformed(_: &mut Stage) -> Result<Observed, Trouble> {
    each("ancillary/malformed", UNIX, |kind| {
        let (a, _b) = pair(kind)?;
        let mut bytes = Vec::from(15usize.to_ne_bytes());
        bytes.extend(SOL_SOCKET.to_ne_bytes());
        bytes.extend(SCM_RIGHTS.to_ne_bytes());
        bytes.resize(24, 0);
        let control = Some((Memory::Bytes(&bytes), bytes.len()));
        let message = Message { control, ..Message::default() };
        let symptom = failed(probe::sendmsg(a.as_raw_fd(), message));
        observed(kind, &a, &[Item::Malformed], symptom)
    })
}

fn unknown_type(_: &mut Stage) -> Result<Observed, Trouble> {
    const NOBODY_KNOWS: i32 = 77;
    let control = control(&[(SOL_SOCKET, NOBODY_KNOWS, &[0; 4])])?;
    on_each_type("ancillary/unknown-type", &control, &[Item::UnknownType(NOBODY_KNOWS)])
}

/// Too short, and with a user id that no namespace maps.
fn malformed_credentials(_: &mut Stage) -> Result<Observed, Trouble> {
    let short = control(&[(SOL_SOCKET, SCM_CREDENTIALS, &[0; 8])])?;
    let pid = std::process::id().cast_signed();
    let unmapped = credentials(Credentials { pid, uid: u32::MAX, gid: u32::MAX })?;
    each("credentials/malformed", &[&short, &unmapped], |control| {
        on_each_type("credentials/malformed", control, &[Item::MalformedCredentials])
    })
}

/// What came of claiming these ids, of which a process does or does not exist.
fn claim(
    id: &str,
    claimed: Credentials,
    exists: bool,
    permitted: bool,
) -> Result<Observed, Trouble> {
    let control = credentials(claimed)?;
    let item = Item::Credentials {
        pid: claimed.pid,
        uid: claimed.uid,
        gid: claimed.gid,
        exists: exists.into(),
        permitted: permitted.into(),
    };
    on_each_type(id, &control, &[item])
}

/// No process has this id: the kernel gives out none above 4194304.
const NO_PROCESS: i32 = 4_194_305;

/// Another process, another user, another group, and a process that does not exist.
fn not_permitted(_: &mut Stage) -> Result<Observed, Trouble> {
    become_ordinary(NOBODY)?;
    // A pair records who made it.
    let own = option::peer_credentials(pair(SocketType::Stream)?.0).step("read the own ids")?;
    let claims = [
        Credentials { pid: 1, ..own },
        Credentials { uid: 0, ..own },
        Credentials { gid: 0, ..own },
        Credentials { pid: NO_PROCESS, ..own },
    ];
    each("credentials/not-permitted", &claims, |claimed| {
        claim("credentials/not-permitted", claimed, claimed.pid != NO_PROCESS, false)
    })
}

fn no_such_process(_: &mut Stage) -> Result<Observed, Trouble> {
    let claimed = Credentials { pid: NO_PROCESS, uid: 0, gid: 0 };
    claim("credentials/no-such-process", claimed, false, true)
}
