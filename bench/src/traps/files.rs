//! Files that are not the library's own: what `bind` may replace, and what a drop may remove.

use super::cell::path;
use super::peers::{self, Listen, Said};
use super::tools::{self, brief};
use super::{Outcome, trap};
use interprocess::local_socket::{GenericFilePath, ListenerOptions, ToFsName};
use rustix::net::{SocketAddrUnix, SocketFlags, SocketType};
use std::any::Any;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

trap! {
    REGULAR_FILE, "overwrites-file", "replacing bind meets a regular file";
    run {
        Interprocess: || regular_file(interprocess_replace),
        Sunpath: || regular_file(sunpath_replace),
    }
    absent {
        "replaces nothing": Std Nix Rustix Uds Socket2 Tokio TokioSeqpacket IpcChannel;
        "leaves binding to others": Sendfd Passfd UnixAncillary;
    }
}

trap! {
    DEAD_SERVER, "replaces-dead-server", "replacing bind meets a dead server's file";
    run {
        Interprocess: || dead_server(interprocess_replace),
        Sunpath: || dead_server(sunpath_replace),
    }
    absent {
        "replaces nothing": Std Nix Rustix Uds Socket2 Tokio TokioSeqpacket IpcChannel;
        "leaves binding to others": Sendfd Passfd UnixAncillary;
    }
}

trap! {
    LIVE_SERVER, "replaces-live-server", "replacing bind meets a live server";
    run {
        Interprocess: || live_server(interprocess_replace),
        Sunpath: || live_server(sunpath_replace),
    }
    absent {
        "replaces nothing": Std Nix Rustix Uds Socket2 Tokio TokioSeqpacket IpcChannel;
        "leaves binding to others": Sendfd Passfd UnixAncillary;
    }
}

trap! {
    SUCCESSOR, "unlinks-successor", "dropping a listener spares its successor";
    run {
        Std: || successor(peers::std_listen),
        Nix: || successor(peers::nix_listen),
        Rustix: || successor(peers::rustix_listen),
        Uds: || successor(peers::uds_listen),
        Socket2: || successor(peers::socket2_listen),
        Tokio: || successor(peers::tokio_listen),
        TokioSeqpacket: || successor(peers::tokio_seqpacket_listen),
        Interprocess: || successor(peers::interprocess_listen),
        Sunpath: || successor(peers::sunpath_listen),
    }
    absent {
        "picks its names itself": IpcChannel;
        "leaves binding to others": Sendfd Passfd UnixAncillary;
    }
}

fn interprocess_replace(path: &Path) -> Said<Box<dyn Any>> {
    let name = path.to_fs_name::<GenericFilePath>()?;
    Ok(Box::new(ListenerOptions::new().name(name).try_overwrite(true).create_sync()?))
}

fn sunpath_replace(path: &Path) -> Said<Box<dyn Any>> {
    Ok(Box::new(sunpath::Listener::options().replace_dead().bind(path)?))
}

fn regular_file(replace: Listen) -> io::Result<Outcome> {
    let path = path("app.sock")?;
    std::fs::write(&path, "precious")?;
    let bound = replace(&path);
    let spared = std::fs::read(&path).is_ok_and(|bytes| bytes == b"precious");
    Ok(match bound {
        Err(error) if spared => Outcome::ok(format!("refuses: {}", brief(&error))),
        Ok(_) if spared => Outcome::fails("spares it, but says that it is bound"),
        _ => Outcome::fails("deletes the file"),
    })
}

fn dead_server(replace: Listen) -> io::Result<Outcome> {
    let path = path("app.sock")?;
    drop(tools::listener(SocketType::STREAM, &path)?);
    let bound = replace(&path);
    let client = tools::socket(SocketType::STREAM, SocketFlags::NONBLOCK)?;
    Ok(match (bound, rustix::net::connect(&client, &SocketAddrUnix::new(&path)?)) {
        (Ok(_), Ok(())) => Outcome::ok("serves in its place"),
        (Ok(_), Err(errno)) => Outcome::fails(format!("bound, but clients get {errno}")),
        (Err(error), _) => Outcome::fails(format!("refuses: {}", brief(&error))),
    })
}

fn live_server(replace: Listen) -> io::Result<Outcome> {
    let path = path("app.sock")?;
    let server = tools::listener(SocketType::STREAM, &path)?;
    let bound = replace(&path);
    let client = tools::socket(SocketType::STREAM, SocketFlags::NONBLOCK)?;
    let connected = rustix::net::connect(&client, &SocketAddrUnix::new(&path)?);
    rustix::io::ioctl_fionbio(&server, true)?;
    let mut arrived = connected.is_ok() && tools::accept(&server).is_ok();
    // The library's own probe may be first in the queue.
    arrived |= tools::accept(&server).is_ok();
    Ok(match bound {
        Err(error) if arrived => Outcome::ok(format!("refuses: {}", brief(&error))),
        _ => Outcome::fails("takes its clients away"),
    })
}

fn successor(listen: Listen) -> io::Result<Outcome> {
    let said = |error: Box<dyn std::error::Error>| io::Error::other(error.to_string());
    let (own, shared) = (path("own.sock")?, path("app.sock")?);
    drop(listen(&own).map_err(said)?);
    let removes_its_own = !own.exists();
    let old = listen(&shared).map_err(said)?;
    std::fs::remove_file(&shared)?;
    let _new = tools::listener(SocketType::STREAM, &shared)?;
    let inode = std::fs::symlink_metadata(&shared)?.ino();
    drop(old);
    let there = std::fs::symlink_metadata(&shared).is_ok_and(|status| status.ino() == inode);
    Ok(match (there, removes_its_own) {
        (true, true) => Outcome::ok("spares it, removes its own"),
        (true, false) => Outcome::ok("never removes a file, its own neither"),
        (false, _) => Outcome::fails("removes the successor's file"),
    })
}
