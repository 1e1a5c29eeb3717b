//! What an error of `connect` tells, and paths that do not fit into an address.

use super::cell::path;
use super::peers::{self, Connect};
use super::tools::{self, brief};
use super::{Outcome, trap};
use rustix::net::{SocketAddrUnix, SocketType};
use std::error::Error;
use std::io;
use std::os::fd::AsRawFd;

trap! {
    NAMES_THE_PATH, "error-names-path", "the error of connect names the path";
    run {
        Std: || names_the_path(peers::std_connect),
        Nix: || names_the_path(peers::nix_connect),
        Rustix: || names_the_path(peers::rustix_connect),
        Uds: || names_the_path(peers::uds_connect),
        Socket2: || names_the_path(peers::socket2_connect),
        Tokio: || names_the_path(peers::tokio_connect),
        TokioSeqpacket: || names_the_path(peers::tokio_seqpacket_connect),
        Interprocess: || names_the_path(peers::interprocess_connect),
        IpcChannel: || names_the_path(peers::ipc_channel_connect),
        Sunpath: || names_the_path(peers::sunpath_connect),
    }
    absent { "leaves connecting to others": Sendfd Passfd UnixAncillary; }
}

trap! {
    TOLD_APART, "error-told-apart", "stale socket and regular file told apart";
    run {
        Std: || told_apart(peers::std_connect),
        Nix: || told_apart(peers::nix_connect),
        Rustix: || told_apart(peers::rustix_connect),
        Uds: || told_apart(peers::uds_connect),
        Socket2: || told_apart(peers::socket2_connect),
        Tokio: || told_apart(peers::tokio_connect),
        TokioSeqpacket: || told_apart(peers::tokio_seqpacket_connect),
        Interprocess: || told_apart(peers::interprocess_connect),
        IpcChannel: || told_apart(peers::ipc_channel_connect),
        Sunpath: || told_apart(peers::sunpath_connect),
    }
    absent { "leaves connecting to others": Sendfd Passfd UnixAncillary; }
}

trap! {
    LONG_PATH, "long-path", "connects to a path of 150 bytes";
    run {
        Std: || long_path(SocketType::STREAM, peers::std_connect),
        Nix: || long_path(SocketType::STREAM, peers::nix_connect),
        Rustix: || long_path(SocketType::STREAM, peers::rustix_connect),
        Uds: || long_path(SocketType::SEQPACKET, peers::uds_connect),
        Socket2: || long_path(SocketType::STREAM, peers::socket2_connect),
        Tokio: || long_path(SocketType::STREAM, peers::tokio_connect),
        TokioSeqpacket: || long_path(SocketType::SEQPACKET, peers::tokio_seqpacket_connect),
        Interprocess: || long_path(SocketType::STREAM, peers::interprocess_connect),
        IpcChannel: || long_path(SocketType::SEQPACKET, peers::ipc_channel_connect),
        Sunpath: || long_path(SocketType::STREAM, peers::sunpath_connect),
    }
    absent { "leaves connecting to others": Sendfd Passfd UnixAncillary; }
}

fn names_the_path(connect: Connect) -> io::Result<Outcome> {
    let path = path("no-such.sock")?;
    let Err(error) = connect(&path) else {
        return Ok(Outcome::fails("connects to a file that does not exist"));
    };
    let text = error.to_string();
    Ok(match text.contains("no-such.sock") {
        true => Outcome::ok("names it"),
        false => Outcome::fails(brief(&text)),
    })
}

fn told_apart(connect: Connect) -> io::Result<Outcome> {
    let path = path("app.sock")?;
    drop(tools::bound(SocketType::STREAM, &path)?);
    let stale = connect(&path).err().map(|error| everything(&*error));
    std::fs::remove_file(&path)?;
    std::fs::write(&path, "regular")?;
    let regular = connect(&path).err().map(|error| (everything(&*error), error.to_string()));
    Ok(match (stale, regular) {
        (Some(stale), Some((regular, _))) if stale != regular => Outcome::ok("told apart"),
        (Some(_), Some((_, text))) => Outcome::fails(format!("both {}", brief(&text))),
        _ => Outcome::fails("connects to what is no server"),
    })
}

/// All that an error lets out, in each form in which it can be printed.
fn everything(error: &dyn Error) -> String {
    format!("{error}\n{error:#}\n{error:?}")
}

fn long_path(kind: SocketType, connect: Connect) -> io::Result<Outcome> {
    let directory = path(&"d".repeat(100))?;
    std::fs::create_dir(&directory)?;
    let name = "s".repeat(149 - directory.as_os_str().len().min(148));
    let long = directory.join(&name);
    // Any path can be reached through a descriptor of its directory.
    let handle = std::fs::File::open(&directory)?;
    let short = format!("/proc/self/fd/{}/{name}", handle.as_raw_fd());
    let listener = tools::socket(kind, rustix::net::SocketFlags::empty())?;
    rustix::net::bind(&listener, &SocketAddrUnix::new(short)?)?;
    rustix::net::listen(&listener, 100)?;
    let connected = connect(&long);
    let arrived = {
        rustix::io::ioctl_fionbio(&listener, true)?;
        tools::accept(&listener).is_ok()
    };
    Ok(match connected {
        Ok(_) if arrived => Outcome::ok("connects"),
        Ok(_) => Outcome::fails("connects elsewhere"),
        Err(error) => Outcome::fails(brief(&error)),
    })
}
