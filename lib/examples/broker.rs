//! A descriptor broker: a process with privileges opens files for one that has dropped them.
//! `cargo run --example broker`, as root to see ids really dropped.
//!
//! The worker handles untrusted input and should be able to open nothing by itself. It asks the
//! broker by name; the broker decides, opens, and passes the descriptor. What is opened is decided
//! in one place, by code that never sees the untrusted input.

use rustix::fs::{Mode, OFlags, ResolveFlags};
use std::error::Error;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Permissions};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;
use sunpath::{Ancillary, AncillaryBuffer, Credentials, SeqPacket, SeqPacketListener};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// An account without rights, by the number that Linux uses for ids that have no name.
const NOBODY: u32 = 65534;

/// For how long either side waits for the other.
const PATIENCE: Duration = Duration::from_secs(4);

fn main() -> ExitCode {
    // The worker is this program again, with the broker's socket for an argument.
    let (role, done) = match std::env::args_os().nth(1) {
        None => ("broker", broker()),
        Some(socket) => ("worker", worker(socket)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The alternate form looks at the system and says why.
            eprintln!("{role}: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn broker() -> Result<()> {
    let directory = Directory::new()?;
    let public = directory.0.join("public");
    fs::create_dir(&public)?;
    fs::write(public.join("notice"), "read me\n")?;
    fs::write(directory.0.join("secret"), "do not read me\n")?;
    std::os::unix::fs::symlink("../secret", public.join("link"))?;
    // Only the owner can read; the worker gets at the files through us alone.
    for file in [public.join("notice"), directory.0.join("secret")] {
        fs::set_permissions(file, Permissions::from_mode(0o600))?;
    }

    let us = Credentials::current();
    let user = if us.uid == 0 { NOBODY } else { us.uid };
    let socket = directory.0.join("broker.sock");
    // Connecting takes write permission. Mode and owner are set before anybody can connect.
    let listener = SeqPacketListener::options().mode(0o600).owner(user).bind(&socket)?;

    let mut command = Command::new("/proc/self/exe");
    command.arg(&socket);
    if us.uid == 0 {
        command.uid(NOBODY).gid(NOBODY); // and no supplementary groups
    } else {
        println!("broker: not root, so the worker runs unprivileged but under the same user");
    }
    let mut worker = command.spawn()?;

    let served = accept(&listener, user, worker.id())
        .and_then(|client| serve(&client, &File::open(&public)?));
    if served.is_err() {
        let _ = worker.kill(); // it waits for an answer that will not come
    }
    let status = worker.wait()?;
    served?;
    if status.success() { Ok(()) } else { Err(format!("the worker failed: {status}").into()) }
}

/// The worker's connection, and nobody else's.
fn accept(listener: &SeqPacketListener, user: u32, process: u32) -> Result<SeqPacket> {
    // A worker that never connects must not hold us for ever; nor one that asks nothing.
    listener.sockopt().set_receive_timeout(Some(PATIENCE))?;
    loop {
        let client = listener.accept()?;
        // The kernel vouches for these ids: they are those of the process when it connected.
        let peer = client.peer().credentials()?;
        if (peer.uid, peer.pid) == (user, i32::try_from(process)?) {
            client.sockopt().set_receive_timeout(Some(PATIENCE))?;
            return Ok(client);
        }
        println!("broker: refused process {} of user {}", peer.pid, peer.uid);
    }
}

/// Answers requests until the worker is done: a descriptor beside `ok`, or words alone.
fn serve(client: &SeqPacket, public: &File) -> Result<()> {
    let mut name = [0; 255];
    loop {
        let request = client.recv(&mut name)?;
        if request.end_of_file {
            return Ok(());
        }
        let opened = match request.length > request.bytes {
            true => Err(io::ErrorKind::InvalidFilename.into()),
            false => open(public, OsStr::from_bytes(&name[..request.bytes])),
        };
        match opened {
            // Ours is closed at the end of this arm; the worker has its own.
            Ok(file) => client.send_with(b"ok", &Ancillary::descriptors(&[file.as_fd()]))?,
            Err(error) => client.send(format!("refused: {error}").as_bytes())?,
        }
    }
}

/// The policy: to read, below one directory, through no symbolic link, regular files only.
///
/// `RESOLVE_BENEATH` makes the kernel check each step of the path. Comparing strings cannot do
/// that: there are `..` and links, and both may change between the check and the open.
fn open(public: &File, name: &OsStr) -> io::Result<File> {
    // `O_NONBLOCK`: opening a pipe that somebody put there must not hold us.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NONBLOCK;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
    let file = File::from(rustix::fs::openat2(public, name, flags, Mode::empty(), resolve)?);
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::ErrorKind::PermissionDenied.into()) }
}

fn worker(socket: OsString) -> Result<()> {
    let us = Credentials::current();
    println!("worker: user {}, group {}", us.uid, us.gid);
    let broker = SeqPacket::connect(&socket)?;
    broker.sockopt().set_pass_rights(true)?; // a socket takes descriptors only if told to
    broker.sockopt().set_receive_timeout(Some(PATIENCE))?;

    let notice = Path::new(&socket).with_file_name("public").join("notice");
    match File::open(&notice) {
        Err(error) => println!("worker: opening the file itself: {error}"),
        Ok(file) if file.metadata()?.uid() == us.uid => {
            println!("worker: opening the file itself works: it belongs to the same user");
        }
        Ok(_) => return Err("the file is open to everyone".into()),
    }
    let mut text = String::new();
    ask(&broker, "notice")?
        .map_err(|words| format!("notice: {words}"))?
        .read_to_string(&mut text)?;
    println!("worker: notice: {text:?}");
    for name in ["missing", "../secret", "link", "/etc/passwd", ".", ""] {
        match ask(&broker, name)? {
            Err(words) => println!("worker: {name:?}: {words}"),
            Ok(_) => return Err(format!("{name:?} was opened").into()),
        }
    }
    Ok(io::stdout().flush()?)
}

/// Asks for a file: an open one, or what the broker says.
fn ask(broker: &SeqPacket, name: &str) -> Result<std::result::Result<File, String>> {
    broker.send(name.as_bytes())?;
    let mut words = [0; 256];
    let mut ancillary = AncillaryBuffer::new(1);
    let reply = broker.recv_with(&mut words, &mut ancillary)?;
    if reply.end_of_file {
        return Err("the broker hung up".into());
    }
    let descriptor: Option<OwnedFd> = ancillary.take_descriptors().next();
    let words = String::from_utf8_lossy(&words[..reply.bytes]).into_owned();
    Ok(descriptor.map(File::from).ok_or(words))
}

/// A private directory: the worker may pass through it, but cannot change what is in it.
struct Directory(PathBuf);

impl Directory {
    fn new() -> io::Result<Directory> {
        let path = std::env::temp_dir().join(format!("sunpath-broker-{}", std::process::id()));
        fs::create_dir(&path)?;
        fs::set_permissions(&path, Permissions::from_mode(0o711))?;
        Ok(Directory(path))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
