//! What comes beside the bytes: descriptors are listed, saved if wanted, and closed; senders of
//! datagrams are told.

use super::save::Saver;
use super::tell::{Teller, Weight};
use crate::failure::Told;
use crate::json::put_bytes;
use crate::render::text::{count, show};
use serde_json::{Map, Value, json};
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;
use sunpath::sys::{self, file, option};
use sunpath::{Address, AncillaryBuffer, Credentials, MOST_DESCRIPTORS, SockOpt};

/// For how long the conversation waits for a descriptor's file system to do anything. A peer may
/// pass a file on one that never answers.
const PATIENCE: Duration = Duration::from_secs(5);

/// Room for what comes beside the bytes, and what becomes of it.
pub struct Beside {
    pub buffer: AncillaryBuffer,
    saver: Option<Arc<Mutex<Saver>>>,
    /// Grows while something is saved.
    progress: Arc<AtomicU64>,
    sender: Option<Credentials>,
}

impl Beside {
    pub fn new(saver: Option<Saver>) -> Beside {
        let progress = saver.as_ref().map(Saver::progress).unwrap_or_default();
        let saver = saver.map(|saver| Arc::new(Mutex::new(saver)));
        let buffer = AncillaryBuffer::new(MOST_DESCRIPTORS);
        Beside { buffer, saver, progress, sender: None }
    }

    /// Tells what came with the last receive.
    pub fn told(&mut self, teller: &Teller) {
        if let Some(truncation) = self.buffer.truncation() {
            let text = format!("some of what came beside the bytes was lost: {truncation}");
            teller.tell(Weight::News, "lost", json!({ "message": text }), &text);
        }
        if let Some(sender) = self.buffer.credentials().filter(|s| self.sender != Some(*s)) {
            self.sender = Some(sender);
            let runs = self.buffer.pidfd().map(|fd| sys::process::has_ended(fd) == Ok(false));
            super::who::sender(teller, sender, runs);
        }
        let descriptors: Vec<OwnedFd> = self.buffer.take_descriptors().collect();
        if !descriptors.is_empty() {
            self.list(teller, descriptors);
        }
    }

    /// Lists, saves and closes descriptors, on a thread of their own: any of that may take for ever
    /// if the peer wants it so.
    fn list(&self, teller: &Teller, descriptors: Vec<OwnedFd>) {
        let (done, finished) = channel();
        let (saver, own) = (self.saver.clone(), teller.clone());
        let number = descriptors.len();
        let listing = move || {
            for (index, fd) in descriptors.into_iter().enumerate() {
                list_one(&own, (index + 1, number), fd, saver.as_deref());
            }
            // The conversation may have gone on.
            let _ = done.send(());
        };
        let started = thread::Builder::new().spawn(listing);
        let mut progress = self.progress.load(Ordering::Relaxed);
        while started.is_ok() {
            match finished.recv_timeout(PATIENCE) {
                Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {}
            }
            let before = std::mem::replace(&mut progress, self.progress.load(Ordering::Relaxed));
            if before != progress {
                continue;
            }
            return teller.note(&format!(
                "what is behind {} cannot be told yet: a file system does not answer",
                count(number, "descriptor")
            ));
        }
        teller.note("what came beside the bytes cannot be told: there is no thread for it");
    }
}

fn list_one(
    teller: &Teller,
    (index, number): (usize, usize),
    fd: OwnedFd,
    saver: Option<&Mutex<Saver>>,
) {
    let what = What::of(&fd);
    let mut fields = Map::new();
    fields.insert("index".into(), index.into());
    fields.insert("of".into(), number.into());
    fields.insert("kind".into(), what.kind.into());
    fields.insert("access".into(), what.access.into());
    match &what.name {
        Some(name) => put_bytes(&mut fields, "name", name),
        None => drop(fields.insert("name".into(), Value::Null)),
    }
    fields.insert("size".into(), what.size.into());
    let mut text = format!("descriptor {index} of {number}: {}", what.sentence());
    let (mut saved, mut not_saved) = (Value::Null, Value::Null);
    if let Some(saver) = saver {
        let mut saver = saver.lock().unwrap_or_else(PoisonError::into_inner);
        match save(&what, File::from(fd), &mut saver) {
            Ok((object, sentence)) => {
                saved = object;
                text.push_str(&sentence);
            }
            Err(why) => {
                text.push_str(&format!("; not saved: {why}"));
                not_saved = why.into();
            }
        }
    }
    fields.insert("saved".into(), saved);
    fields.insert("not_saved".into(), not_saved);
    teller.tell(Weight::News, "descriptor", Value::Object(fields), &text);
}

fn save(what: &What, file: File, saver: &mut Saver) -> Result<(Value, String), String> {
    if what.kind != "regular file" {
        return Err("it is no regular file".into());
    }
    let saved = saver.save(&file).map_err(|e| e.told())?;
    let mut object = Map::new();
    let path = saved.path.as_os_str().as_bytes();
    put_bytes(&mut object, "path", path);
    object.insert("bytes".into(), saved.bytes.into());
    object.insert("cut".into(), saved.cut.into());
    let cut = if saved.cut { ", cut off at --save-limit" } else { "" };
    let text = format!("; saved as {} ({}{cut})", show(path), bytes(saved.bytes));
    Ok((Value::Object(object), text))
}

fn bytes(number: u64) -> String {
    if number == 1 { "1 byte".into() } else { format!("{number} bytes") }
}

/// What is behind a descriptor.
#[derive(Debug)]
struct What {
    kind: &'static str,
    access: &'static str,
    /// Its name, as the kernel shows it.
    name: Option<Vec<u8>>,
    /// Of a regular file.
    size: Option<u64>,
}

impl What {
    fn of(fd: &OwnedFd) -> What {
        let link = std::fs::read_link(format!("/proc/self/fd/{}", fd.as_raw_fd()));
        let link = link.map(|link| link.into_os_string().into_vec()).ok();
        let mode = file::status(fd.as_fd()).ok();
        let size = mode.as_ref().map(|status| status.stx_size);
        let mode = mode.map(|status| u32::from(status.stx_mode));
        let of_kernel = |prefix: &[u8]| link.as_ref().is_some_and(|link| link.starts_with(prefix));
        let kind = match mode.map(|mode| mode & sys::libc::S_IFMT) {
            _ if of_kernel(b"anon_inode:[pidfd]") || of_kernel(b"pidfd:") => "process",
            _ if of_kernel(b"anon_inode:") => "kernel object",
            Some(sys::libc::S_IFREG) => "regular file",
            Some(sys::libc::S_IFDIR) => "directory",
            Some(sys::libc::S_IFCHR) => "character device",
            Some(sys::libc::S_IFBLK) => "block device",
            Some(sys::libc::S_IFIFO) => "pipe",
            Some(sys::libc::S_IFLNK) => "symbolic link",
            Some(sys::libc::S_IFSOCK) => socket(fd),
            _ => "unknown object",
        };
        let name = match kind {
            "process" => super::who::pid_of(fd).map(|pid| pid.to_string().into_bytes()),
            "pipe" if of_kernel(b"pipe:") => None,
            _ if mode.is_some_and(|mode| mode & sys::libc::S_IFMT == sys::libc::S_IFSOCK) => {
                socket_name(fd)
            }
            _ => link,
        };
        What { kind, access: access(fd), name, size: size.filter(|_| kind == "regular file") }
    }

    /// `regular file /etc/hosts, read-only, 120 bytes`
    fn sentence(&self) -> String {
        let name = self.name.as_ref().map(|name| format!(" {}", show(name))).unwrap_or_default();
        let size = self.size.map(|size| format!(", {}", bytes(size))).unwrap_or_default();
        format!("{}{name}, {}{size}", self.kind, self.access)
    }
}

/// What may be done with it.
fn access(fd: &OwnedFd) -> &'static str {
    let Ok(flags) = option::status_flags(fd) else { return "of unknown access" };
    let flags = flags.bits().cast_signed();
    match flags & sys::libc::O_ACCMODE {
        _ if flags & sys::libc::O_PATH != 0 => "path only",
        sys::libc::O_RDONLY => "read-only",
        sys::libc::O_WRONLY => "write-only",
        _ => "read and write",
    }
}

fn socket(fd: &OwnedFd) -> &'static str {
    let Ok(options) = SockOpt::of(fd) else { return "socket of another family" };
    let listens = options.is_listening().unwrap_or(false);
    match (options.socket_type(), listens) {
        (Ok(sunpath::SocketType::Stream), false) => "stream socket",
        (Ok(sunpath::SocketType::Stream), true) => "listening stream socket",
        (Ok(sunpath::SocketType::SeqPacket), false) => "seqpacket socket",
        (Ok(sunpath::SocketType::SeqPacket), true) => "listening seqpacket socket",
        (Ok(sunpath::SocketType::Datagram), _) => "datagram socket",
        _ => "socket",
    }
}

/// The name that a UNIX domain socket was bound to.
fn socket_name(fd: &OwnedFd) -> Option<Vec<u8>> {
    match sys::socket::getsockname(fd).ok()?.address()? {
        Address::Path(path) => Some(path),
        Address::Abstract(name) => Some([b"@", name.as_slice()].concat()),
        Address::Unnamed => None,
    }
}
