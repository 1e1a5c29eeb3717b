//! The path leads nowhere.

use crate::conform::{Make, Need, Recipe, Scene};
use crate::stage::{Stage, Step, Trouble, endpoint, place};
use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::os::unix::fs::symlink;
use sunpath::sys::namespace::{self, mount::MountFlags};

/// The recipes of this file.
pub const RECIPES: &[Recipe] = &[
    Recipe { id: "connect/no-such-file", needs: &[], make: Make::Scene(no_such_file) },
    Recipe { id: "connect/missing-directory", needs: &[], make: Make::Scene(missing_directory) },
    Recipe { id: "connect/dangling-symlink", needs: &[], make: Make::Scene(dangling_symlink) },
    Recipe { id: "connect/not-a-directory", needs: &[], make: Make::Scene(not_a_directory) },
    Recipe { id: "connect/symlink-loop", needs: &[], make: Make::Scene(symlink_loop) },
    Recipe { id: "connect/component-too-long", needs: &[], make: Make::Scene(long_component) },
    Recipe { id: "connect/path-too-long", needs: &[], make: Make::Scene(path_too_long) },
    Recipe {
        id: "connect/dead-fuse-mount",
        needs: &[Need::Root, Need::Device("/dev/fuse")],
        make: Make::Scene(dead_fuse_mount),
    },
];

fn no_such_file(stage: &mut Stage) -> Result<Scene, Trouble> {
    Ok(Scene::connect(endpoint(stage.path("app.sock"))))
}

fn missing_directory(stage: &mut Stage) -> Result<Scene, Trouble> {
    Ok(Scene::connect(endpoint(stage.path("run/app.sock"))))
}

fn dangling_symlink(stage: &mut Stage) -> Result<Scene, Trouble> {
    let link = stage.path("app.sock");
    symlink(stage.path("gone.sock"), &link).step("make a symbolic link")?;
    Ok(Scene::connect(endpoint(link)))
}

fn not_a_directory(stage: &mut Stage) -> Result<Scene, Trouble> {
    let file = stage.path("run");
    fs::write(&file, "").step("write a file")?;
    Ok(Scene::connect(endpoint(file.join("app.sock"))))
}

fn symlink_loop(stage: &mut Stage) -> Result<Scene, Trouble> {
    let (here, there) = (stage.path("here.sock"), stage.path("there.sock"));
    symlink(&there, &here).step("make a symbolic link")?;
    symlink(&here, &there).step("make a symbolic link")?;
    Ok(Scene::connect(endpoint(here)))
}

fn long_component(stage: &mut Stage) -> Result<Scene, Trouble> {
    let link = stage.path("app.sock");
    symlink("a".repeat(300), &link).step("make a symbolic link")?;
    Ok(Scene::connect(endpoint(link)))
}

fn path_too_long(stage: &mut Stage) -> Result<Scene, Trouble> {
    let path = stage.path("a".repeat(100));
    Ok(Scene::connect(endpoint(path)))
}

/// The process that serves a FUSE file system dies.
fn dead_fuse_mount(stage: &mut Stage) -> Result<Scene, Trouble> {
    place::own_mounts()?;
    let target = stage.subdir("fuse")?;
    let server = File::options().read(true).write(true).open("/dev/fuse").step("open /dev/fuse")?;
    let options = format!("fd={},rootmode=40000,user_id=0,group_id=0", server.as_raw_fd());
    let options = std::ffi::CString::new(options).step("encode the mount options")?;
    let flags = MountFlags::NOSUID | MountFlags::NODEV;
    namespace::mount("fuse", "sunpath", &target, flags, &options).if_possible("mount FUSE")?;
    drop(server);
    Ok(Scene::connect(endpoint(target.join("app.sock"))))
}
