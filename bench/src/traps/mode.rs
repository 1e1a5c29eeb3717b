//! The mode of a socket file: `bind` makes the file with the umask's mode, and until it is changed
//! others can connect. `fchmod` of the socket before `bind` has no such window, but it only
//! removes bits, and the umask still applies.

use super::cell::path;
use super::peers::{self, Said};
use super::{Outcome, trap};
use interprocess::local_socket::{GenericFilePath, ListenerOptions, ToFsName};
use interprocess::os::unix::local_socket::ListenerOptionsExt;
use std::any::Any;
use std::fs::Permissions;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

trap! {
    WINDOW, "mode-window", "mode 0600 from the first moment";
    run {
        Std: || window(|path| then_chmod(path, peers::std_listen(path), 0o600)),
        Nix: || window(|path| then_chmod(path, peers::nix_listen(path), 0o600)),
        Rustix: || window(|path| then_chmod(path, peers::rustix_listen(path), 0o600)),
        Uds: || window(|path| then_chmod(path, peers::uds_listen(path), 0o600)),
        Socket2: || window(|path| then_chmod(path, peers::socket2_listen(path), 0o600)),
        Tokio: || window(|path| then_chmod(path, peers::tokio_listen(path), 0o600)),
        TokioSeqpacket: || {
            window(|path| then_chmod(path, peers::tokio_seqpacket_listen(path), 0o600))
        },
        Interprocess: || window(|path| interprocess_listen(path, 0o600)),
        Sunpath: || window(|path| sunpath_listen(path, 0o600)),
    }
    absent {
        "picks its names itself": IpcChannel;
        "leaves binding to others": Sendfd Passfd UnixAncillary;
    }
}

trap! {
    UMASK, "mode-umask", "mode 0666 although the umask is 022";
    run {
        Std: || umask(|path| then_chmod(path, peers::std_listen(path), 0o666)),
        Nix: || umask(|path| then_chmod(path, peers::nix_listen(path), 0o666)),
        Rustix: || umask(|path| then_chmod(path, peers::rustix_listen(path), 0o666)),
        Uds: || umask(|path| then_chmod(path, peers::uds_listen(path), 0o666)),
        Socket2: || umask(|path| then_chmod(path, peers::socket2_listen(path), 0o666)),
        Tokio: || umask(|path| then_chmod(path, peers::tokio_listen(path), 0o666)),
        TokioSeqpacket: || {
            umask(|path| then_chmod(path, peers::tokio_seqpacket_listen(path), 0o666))
        },
        Interprocess: || umask(|path| interprocess_listen(path, 0o666)),
        Sunpath: || umask(|path| sunpath_listen(path, 0o666)),
    }
    absent {
        "picks its names itself": IpcChannel;
        "leaves binding to others": Sendfd Passfd UnixAncillary;
    }
}

/// Libraries without a mode for `bind`: the program changes it afterwards.
fn then_chmod(path: &Path, bound: Said<Box<dyn Any>>, mode: u32) -> Said<Box<dyn Any>> {
    let listener = bound?;
    std::fs::set_permissions(path, Permissions::from_mode(mode))?;
    Ok(listener)
}

fn interprocess_listen(path: &Path, mode: u32) -> Said<Box<dyn Any>> {
    let name = path.to_fs_name::<GenericFilePath>()?;
    Ok(Box::new(ListenerOptions::new().name(name).mode(mode).create_sync()?))
}

fn sunpath_listen(path: &Path, mode: u32) -> Said<Box<dyn Any>> {
    Ok(Box::new(sunpath::Listener::options().mode(mode).bind(path)?))
}

/// For how long a window is looked for.
const LOOK: Duration = Duration::from_secs(1);

/// The mode of a file, without its type.
fn mode_of(path: &Path) -> Option<u32> {
    std::fs::symlink_metadata(path).ok().map(|status| status.mode() & 0o777)
}

/// Binds again and again, while another thread looks at the file.
fn window(bind: fn(&Path) -> Said<Box<dyn Any>>) -> io::Result<Outcome> {
    rustix::process::umask(0o022.into());
    let path = path("app.sock")?;
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                if let Some(mode) = mode_of(&path).filter(|mode| mode & 0o177 != 0) {
                    return Some(mode);
                }
            }
            None
        });
        let deadline = Instant::now() + LOOK;
        while Instant::now() < deadline && !watcher.is_finished() {
            let bound = bind(&path);
            if bound.is_err() || mode_of(&path) != Some(0o600) {
                done.store(true, Ordering::Relaxed);
                return Ok(Outcome::fails("the mode is not 0600 in the end"));
            }
            drop(bound);
            let _ = std::fs::remove_file(&path);
        }
        done.store(true, Ordering::Relaxed);
        Ok(match watcher.join() {
            Ok(Some(mode)) => Outcome::fails(format!("0{mode:o} for a moment")),
            _ => Outcome::ok("never more"),
        })
    })
}

fn umask(bind: fn(&Path) -> Said<Box<dyn Any>>) -> io::Result<Outcome> {
    rustix::process::umask(0o022.into());
    let path = path("app.sock")?;
    let _listener = match bind(&path) {
        Ok(listener) => listener,
        Err(error) => return Ok(Outcome::fails(error.to_string())),
    };
    Ok(match mode_of(&path) {
        Some(0o666) => Outcome::ok("0666"),
        Some(mode) => Outcome::fails(format!("becomes 0{mode:o}")),
        None => Outcome::fails("there is no file"),
    })
}
