//! `sendmsg(2)` and `recvmsg(2)`.

use super::{Failed, Outcome, name};
use crate::op::{Bytes, Control, ControlOut, Ids, Message, Received, Ret, Want};
use crate::sys::bare::{self, Spread};
use crate::sys::control::{self, Item, Meaning, Writer};
use crate::sys::{self, errno, libc};
use std::ffi::c_int;
use sunpath_core::Errno;

pub(super) fn send(message: &Message) -> Outcome {
    let control = control_bytes(&message.control);
    let name = message.to.as_ref().map(name::encode);
    let flags = message.flags;
    let bits = bit(flags.dont_wait, libc::MSG_DONTWAIT)
        | bit(flags.no_signal, libc::MSG_NOSIGNAL)
        | bit(flags.urgent, libc::MSG_OOB)
        | bit(flags.end_of_record, libc::MSG_EOR);
    let spread = Spread { buffers: message.buffers as usize, bad: message.unmapped };
    let name = name.as_ref().map(|name| name.in_message());
    let sent = bare::sendmsg(message.fd, name, (&message.data, spread), &control, bits);
    sent.map(Ret::Count).map_err(|errno| {
        let signal = errno == sys::Errno::PIPE && bare::take_pipe_signal();
        Failed { signal, ..Failed::from(errno) }
    })
}

const fn bit(on: bool, bit: c_int) -> c_int {
    if on { bit } else { 0 }
}

/// The control messages one after the other, mistakes included.
fn control_bytes(items: &[Control]) -> Vec<u8> {
    let mut all = Vec::new();
    for item in items {
        match item {
            Control::Rights(fds) => {
                // A number of the process's own is not open to the script.
                let numbers = fds.iter().map(|fd| bare::allowed(*fd).unwrap_or(bare::RESERVED - 1));
                let payload: Vec<_> = numbers.flat_map(c_int::to_ne_bytes).collect();
                push(&mut all, libc::SOL_SOCKET, libc::SCM_RIGHTS, &payload);
            }
            Control::Credentials(ids) => {
                let ids = [ids.pid.to_ne_bytes(), ids.uid.to_ne_bytes(), ids.gid.to_ne_bytes()];
                push(&mut all, libc::SOL_SOCKET, libc::SCM_CREDENTIALS, ids.as_flattened());
            }
            Control::MalformedCredentials => {
                push(&mut all, libc::SOL_SOCKET, libc::SCM_CREDENTIALS, &[0; 4]);
            }
            Control::Malformed => {
                let start = all.len();
                push(&mut all, libc::SOL_SOCKET, libc::SCM_RIGHTS, &0i32.to_ne_bytes());
                // Longer than everything that there is.
                let length = (1usize << 16).to_ne_bytes();
                all[start..][..length.len()].copy_from_slice(&length);
            }
            Control::UnknownType => push(&mut all, libc::SOL_SOCKET, 0x7f, &[0; 4]),
            Control::ForeignLevel => push(&mut all, libc::IPPROTO_IP, 1, &[0; 4]),
            Control::Filler(bytes) => {
                let payload = bytes.saturating_sub(control::HEADER);
                push(&mut all, libc::IPPROTO_IP, 1, &vec![0; payload]);
            }
        }
    }
    all
}

fn push(all: &mut Vec<u8>, level: c_int, kind: c_int, payload: &[u8]) {
    let start = all.len();
    all.resize(start + control::space(payload.len()), 0);
    let mut writer = Writer::new(&mut all[start..]);
    // The room is exactly that of this message.
    let _ = writer.raw(level, kind, payload);
}

pub(super) fn recv(want: &Want) -> Outcome {
    let flags = want.flags;
    let bits = bit(flags.dont_wait, libc::MSG_DONTWAIT)
        | bit(flags.peek, libc::MSG_PEEK)
        | bit(flags.truncate, libc::MSG_TRUNC)
        | bit(flags.wait_all, libc::MSG_WAITALL)
        | bit(flags.urgent, libc::MSG_OOB)
        | bit(flags.close_on_exec, libc::MSG_CMSG_CLOEXEC);
    let spread = Spread { buffers: want.buffers as usize, bad: want.unmapped };
    let arrived = bare::recvmsg(want.fd, (want.length, spread), want.control, bits)?;
    let said = |flag: c_int| arrived.flags & flag != 0;
    Ok(Ret::Received(Received {
        data: Bytes::from(arrived.data),
        returned: arrived.returned,
        truncated: said(libc::MSG_TRUNC),
        control_truncated: said(libc::MSG_CTRUNC),
        urgent: said(libc::MSG_OOB),
        end_of_record: said(libc::MSG_EOR),
        from: (!arrived.name.is_empty()).then(|| name::decode(&arrived.name)),
        control: control_items(&arrived.control),
    }))
}

fn control_items(bytes: &[u8]) -> Vec<ControlOut> {
    control::items(bytes).filter_map(|item| control_item(bytes, &item)).collect()
}

fn control_item(bytes: &[u8], item: &Item) -> Option<ControlOut> {
    let whole = match item.kind {
        libc::SCM_RIGHTS => 0,
        libc::SCM_CREDENTIALS => control::CREDENTIALS,
        libc::SCM_TIMESTAMP => control::TIMESTAMP,
        _ => size_of::<c_int>(),
    };
    if item.payload.len() < whole {
        return Some(ControlOut::Cut(item.payload.len()));
    }
    match control::meaning(bytes, item) {
        Meaning::Rights(payload) => Some(ControlOut::Rights(control::numbers(payload).collect())),
        Meaning::Credentials(ids) => {
            Some(ControlOut::Credentials(Ids { pid: ids.pid, uid: ids.uid, gid: ids.gid }))
        }
        Meaning::Pidfd(payload) => control::numbers(payload).next().map(|fd| match fd {
            0.. => ControlOut::Pidfd(fd),
            _ => ControlOut::NoPidfd(errno::named(-fd).unwrap_or(Errno::EIO)),
        }),
        Meaning::Unread(bytes) => Some(ControlOut::Inq(bytes as usize)),
        Meaning::Time => Some(ControlOut::Timestamp),
        Meaning::Label | Meaning::Unknown => None,
    }
}
