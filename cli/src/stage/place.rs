//! Namespaces and mounts of a process's own, and what this process may do.

use super::{Stage, Step, Trouble};
use std::ffi::{CStr, CString, OsStr};
use std::fs;
use std::io::{PipeWriter, Read, pipe};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use sunpath::sys::namespace::{self, New, mount::MountFlags};
use sunpath::sys::process::{self, Child};

/// The effective capabilities, and whether they count in the whole machine: those of a user
/// namespace's root do not.
pub fn powers() -> (u64, bool) {
    let initial = fs::read_to_string("/proc/self/uid_map")
        .is_ok_and(|map| map.split_whitespace().eq(["0", "0", "4294967295"]));
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let effective = field(&status, "CapEff:").and_then(|hex| u64::from_str_radix(hex, 16).ok());
    (effective.unwrap_or(0), initial)
}

/// `CAP_SETGID` and `CAP_SETUID`.
const BECOME_OTHERS: u64 = 1 << 6 | 1 << 7;

/// Whether this process has the powers of root in the initial user namespace: it may make
/// namespaces, mount, and become other users.
pub fn is_root() -> bool {
    const CHOWN: u64 = 1 << 0;
    const DAC_OVERRIDE: u64 = 1 << 1;
    const NET_ADMIN: u64 = 1 << 12;
    const SYS_ADMIN: u64 = 1 << 21;
    const NEEDED: u64 = CHOWN | DAC_OVERRIDE | BECOME_OTHERS | NET_ADMIN | SYS_ADMIN;
    let (effective, initial) = powers();
    initial && effective & NEEDED == NEEDED
}

/// Makes this process one of an ordinary user: of this one, unless it belongs to one already.
pub fn become_ordinary(uid: u32) -> Result<(), Trouble> {
    match powers() {
        (0, _) => Ok(()),
        (effective, true) if effective & BECOME_OTHERS == BECOME_OTHERS => {
            process::become_user(uid, uid, &[]).step("become an ordinary user")?;
            // Without this the files of its own /proc directory would belong to root.
            process::allow_inspection().step("let its user look at the process")
        }
        _ => Err(Trouble::NotHere("needs an ordinary user, or root who can become one".into())),
    }
}

fn field<'a>(status: &'a str, name: &str) -> Option<&'a str> {
    status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim)
}

/// Moves this process into a network namespace of its own, in which only loopback exists, up.
pub fn own_network() -> Result<(), Trouble> {
    namespace::unshare(New::NETWORK).if_possible("make a network namespace")?;
    namespace::loopback_up().step("bring loopback up")
}

/// Moves this process into a mount namespace of its own, from which no mount gets out.
pub fn own_mounts() -> Result<(), Trouble> {
    namespace::unshare(New::MOUNT).if_possible("make a mount namespace")?;
    namespace::make_mounts_private().step("make the mounts private")
}

/// Makes this process root of a user namespace of its own, in which only its own ids have names.
pub fn own_users() -> Result<(), Trouble> {
    let status = fs::read_to_string("/proc/self/status").step("read the own ids")?;
    let id = |name| {
        let ids = field(&status, name).and_then(|ids| ids.split_whitespace().nth(1)?.parse().ok());
        ids.ok_or_else(|| Trouble::Failed("the own ids cannot be read".into()))
    };
    let outside = (id("Uid:")?, id("Gid:")?);
    namespace::unshare(New::USER).if_possible("make a user namespace")?;
    namespace::map_ids((0, 0), outside).step("map the ids")
}

/// Mounts a `tmpfs` with these options, for example `nr_inodes=3`.
pub fn mount_tmpfs(target: &Path, options: &CStr) -> Result<(), Trouble> {
    let flags = MountFlags::NOSUID | MountFlags::NODEV;
    namespace::mount("tmpfs", "sunpath", target, flags, options).if_possible("mount a tmpfs")
}

/// Moves this process into a mount namespace of its own and mounts an ext4 image there: the
/// image, and where it is mounted.
pub fn mount_image(stage: &Stage) -> Result<(PathBuf, PathBuf), Trouble> {
    const SIZE: u64 = 4 << 20;
    own_mounts()?;
    let (image, dir) = (stage.path("image"), stage.subdir("disk")?);
    fs::File::create(&image).and_then(|f| f.set_len(SIZE)).step("make an image")?;
    run("mkfs.ext4", &["-q".as_ref(), "-F".as_ref(), image.as_os_str()])?;
    run("mount", &["-oloop".as_ref(), image.as_os_str(), dir.as_os_str()])
        .if_possible("mount an image")?;
    Ok((image, dir))
}

/// Moves this process into a mount namespace of its own and mounts an overlay; where. `fill` puts
/// something into the lower directory before.
pub fn mount_overlay(
    stage: &mut Stage,
    fill: impl FnOnce(&mut Stage, &Path) -> Result<(), Trouble>,
) -> Result<PathBuf, Trouble> {
    own_mounts()?;
    let (lower, merged) = (stage.subdir("lower")?, stage.subdir("merged")?);
    fill(stage, &lower)?;
    let mut options = [b"lowerdir=", lower.as_os_str().as_bytes()].concat();
    for (key, name) in [(",upperdir=", "upper"), (",workdir=", "work")] {
        options.extend_from_slice(key.as_bytes());
        options.extend_from_slice(stage.subdir(name)?.as_os_str().as_bytes());
    }
    let options = CString::new(options).step("encode the mount options")?;
    namespace::mount("overlay", "overlay", &merged, MountFlags::empty(), &options)
        .if_possible("mount an overlay")?;
    Ok(merged)
}

/// Runs a program to its end, in silence.
pub fn run(program: &str, arguments: &[&OsStr]) -> Result<(), Trouble> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null());
    let output = command.output().step(&format!("run {program}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Trouble::Failed(format!("{program}: {}", said.trim())))
}

impl Stage {
    /// Gives a switch of the whole machine a value until the stage ends. Others who use the same
    /// switch wait meanwhile. The old value comes back even if this process is killed: a process
    /// in a session of its own sees to it.
    pub fn set_sysctl(&mut self, path: &str, value: &str) -> Result<(), Trouble> {
        let switch =
            fs::File::options().read(true).write(true).open(path).if_possible("open a switch")?;
        switch.lock().step("lock a switch")?;
        let old = fs::read_to_string(path).step("read a switch")?;
        if old.trim() == value {
            self.keep(switch);
            return Ok(());
        }
        let (mut told, tells) = pipe().step("make a pipe")?;
        let mut tells = Some(tells);
        let child = process::fork(|| {
            // Closes the child's copy only.
            drop(tells.take());
            let lone = process::own_session().is_ok();
            // The pipe ends with the last process of the stage.
            let ended = told.read_to_end(&mut Vec::new()).is_ok();
            let done = fs::write(path, old).is_ok();
            i32::from(!(lone && ended && done))
        });
        let child = child.step("start the process that restores a switch")?;
        self.keep(Switch { tells, child: Some(child), _lock: switch });
        fs::write(path, value).step("set a switch")
    }
}

/// A switch that is restored when this is dropped.
struct Switch {
    tells: Option<PipeWriter>,
    child: Option<Child>,
    _lock: fs::File,
}

impl Drop for Switch {
    fn drop(&mut self) {
        drop(self.tells.take());
        // Nothing can be done about a child that failed: it had the rights to write the switch.
        let _ = self.child.take().map(Child::wait);
    }
}
