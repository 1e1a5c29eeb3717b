//! File permissions forbid it.

use crate::conform::{Make, Need, Recipe, Scene};
use crate::stage::server::{Server, Then};
use crate::stage::{NOBODY, Stage, Step, Trouble, address, chmod, endpoint, place};
use std::fs;
use std::os::unix::fs::{DirBuilderExt, chown, lchown, symlink};
use std::path::PathBuf;
use sunpath::sys::namespace;

/// The recipes of this file.
pub const RECIPES: &[Recipe] = &[
    Recipe { id: "connect/no-search-permission", needs: &[], make: Make::Scene(no_search) },
    Recipe { id: "connect/no-write-permission", needs: &[], make: Make::Scene(no_write) },
    Recipe {
        id: "connect/group-not-in-credentials",
        needs: &[Need::Root],
        make: Make::Scene(group_not_in_credentials),
    },
    Recipe {
        id: "connect/user-namespace",
        needs: &[Need::Root],
        make: Make::Scene(user_namespace),
    },
    Recipe {
        id: "connect/protected-symlink",
        needs: &[Need::Root],
        make: Make::Scene(protected_symlink),
    },
    Recipe {
        id: "connect/immutable",
        needs: &[
            Need::Root,
            Need::Tool("mkfs.ext4"),
            Need::Tool("mount"),
            Need::Tool("umount"),
            Need::Tool("debugfs"),
        ],
        make: Make::Scene(immutable),
    },
];

fn live(stage: &mut Stage, path: PathBuf, mode: u32) -> Result<PathBuf, Trouble> {
    stage.serve(Server::new(&address(&path)).then(Then::Accepts))?;
    chmod(&path, mode)?;
    Ok(path)
}

fn no_search(stage: &mut Stage) -> Result<Scene, Trouble> {
    let dir = stage.subdir("private")?;
    let path = live(stage, dir.join("app.sock"), 0o777)?;
    chmod(&dir, 0o666)?;
    Ok(Scene::connect(endpoint(path)).by(NOBODY))
}

/// Permission to read is not enough.
fn no_write(stage: &mut Stage) -> Result<Scene, Trouble> {
    let path = live(stage, stage.path("app.sock"), 0o555)?;
    Ok(Scene::connect(endpoint(path)).by(NOBODY))
}

/// The group database was changed after the user's session began. Only processes of this stage
/// see the change: it is made in a mount namespace.
fn group_not_in_credentials(stage: &mut Stage) -> Result<Scene, Trouble> {
    const GROUP: u32 = 1_987_654;
    let name = user_name(NOBODY)?;
    let mut groups = fs::read_to_string("/etc/group").step("read the group database")?;
    groups.push_str(&format!("\nsunpath-demo:x:{GROUP}:{name}\n"));
    let changed = stage.path("group");
    fs::write(&changed, groups.trim_start()).step("write a group database")?;
    chmod(&changed, 0o644)?;
    place::own_mounts()?;
    namespace::bind(&changed, "/etc/group".as_ref()).step("mount the group database")?;
    let path = live(stage, stage.path("app.sock"), 0o660)?;
    chown(&path, None, Some(GROUP)).step("give the socket to the group")?;
    Ok(Scene::connect(endpoint(path)).by(NOBODY))
}

fn user_name(uid: u32) -> Result<String, Trouble> {
    let users = fs::read_to_string("/etc/passwd").step("read the user database")?;
    let line = users.lines().find(|l| l.split(':').nth(2) == Some(&uid.to_string()));
    let name = line.and_then(|l| l.split(':').next());
    let name = name.ok_or_else(|| Trouble::NotHere(format!("user {uid} has no name here")))?;
    Ok(name.to_string())
}

/// Root of a user namespace is not root of the machine.
fn user_namespace(stage: &mut Stage) -> Result<Scene, Trouble> {
    let path = live(stage, stage.path("app.sock"), 0o660)?;
    Ok(Scene::connect(endpoint(path)).by(NOBODY).inside(place::own_users))
}

/// Another user's link in a directory such as /tmp.
fn protected_symlink(stage: &mut Stage) -> Result<Scene, Trouble> {
    stage.set_sysctl("/proc/sys/fs/protected_symlinks", "1")?;
    let path = live(stage, stage.path("app.sock"), 0o777)?;
    let shared = stage.path("shared");
    fs::DirBuilder::new().mode(0o700).create(&shared).step("make a directory")?;
    chmod(&shared, 0o1777)?;
    let link = shared.join("app.sock");
    symlink(path, &link).step("make a symbolic link")?;
    lchown(&link, Some(NOBODY), Some(NOBODY)).step("give the link away")?;
    Ok(Scene::connect(endpoint(link)))
}

/// `chattr` cannot set the flag of a socket, because a socket cannot be opened. So it is set in
/// an image of a file system, while that is not mounted.
fn immutable(stage: &mut Stage) -> Result<Scene, Trouble> {
    let (image, dir) = place::mount_image(stage)?;
    let path = dir.join("app.sock");
    let server = stage.serve(Server::new(&address(&path)))?;
    stage.end(server)?;
    place::run("umount", &[dir.as_os_str()])?;
    let request = "set_inode_field /app.sock flags 0x10";
    place::run("debugfs", &["-w".as_ref(), "-R".as_ref(), request.as_ref(), image.as_os_str()])?;
    place::run("mount", &["-oloop".as_ref(), image.as_os_str(), dir.as_os_str()])?;
    Ok(Scene::connect(endpoint(path)))
}
