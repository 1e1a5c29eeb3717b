//! Namespaces and mounts.

use crate::{is_root, unique};
use rustix::mount::MountFlags;
use std::ffi::CStr;
use std::fs::File;
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use sunpath::sys::namespace::{self, New};
use sunpath::{Address, Errno, Listener, Stream};

crate::tests! {
    an_abstract_name_belongs_to_its_network
    loopback_comes_up_in_a_new_network
    a_read_only_file_system_refuses_socket_files
    a_file_system_can_be_full
    a_directory_shows_in_two_places
    another_root_hides_the_rest
    ids_are_mapped
}

/// New namespaces, in a user namespace of their own if this is not root. `false`: says why not.
pub(crate) fn enter_new(namespaces: New) -> bool {
    let ids = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    let made = if ids.0 == 0 {
        namespace::unshare(namespaces)
    } else {
        namespace::unshare(namespaces.and(New::USER))
    };
    if let Err(errno) = made {
        eprintln!("skipped: no new namespaces here: {errno}");
        return false;
    }
    if ids.0 != 0 {
        namespace::map_ids((0, 0), ids).unwrap();
    }
    true
}

/// A private mount namespace with an empty file system on a directory of its own.
pub(crate) fn scratch(options: &CStr) -> Option<PathBuf> {
    if !enter_new(New::MOUNT) {
        return None;
    }
    namespace::make_mounts_private().unwrap();
    let path = std::env::temp_dir().join(unique("scratch"));
    std::fs::create_dir(&path).unwrap();
    namespace::mount("tmpfs", "scratch", &path, MountFlags::empty(), options).unwrap();
    Some(path)
}

/// Takes the mount away again and removes the directory under it.
fn remove(path: &Path) {
    namespace::unmount(path).unwrap();
    std::fs::remove_dir(path).unwrap();
}

fn an_abstract_name_belongs_to_its_network() {
    if !is_root() {
        return;
    }
    let here = File::open("/proc/self/ns/net").unwrap();
    let name = Address::Abstract(unique("network").into_bytes());
    let _listener = Listener::bind(&name).unwrap();
    namespace::unshare(New::NETWORK).unwrap();
    let error = Stream::connect(&name).unwrap_err();
    assert_eq!(error.errno(), Some(Errno::ECONNREFUSED));
    namespace::enter(here.as_fd(), Some(namespace::Kind::Network)).unwrap();
    Stream::connect(&name).unwrap();
}

fn loopback_comes_up_in_a_new_network() {
    if !enter_new(New::NETWORK) {
        return;
    }
    let unreachable = TcpStream::connect("127.0.0.1:9").unwrap_err();
    assert_eq!(unreachable.raw_os_error(), Some(libc::ENETUNREACH));
    namespace::loopback_up().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    assert_eq!(namespace::set_link("none", true), Err(sunpath::sys::Errno::NODEV));
    assert_eq!(namespace::set_link(&"x".repeat(16), true), Err(sunpath::sys::Errno::INVAL));
}

fn a_read_only_file_system_refuses_socket_files() {
    let Some(path) = scratch(c"") else { return };
    let old = path.join("old");
    let _listener = Listener::bind(&old).unwrap();
    namespace::make_read_only(&path).unwrap();
    let error = Listener::bind(path.join("new")).unwrap_err();
    assert_eq!(error.errno(), Some(Errno::EROFS));
    Stream::connect(&old).unwrap();
    remove(&path);
}

fn a_file_system_can_be_full() {
    let Some(path) = scratch(c"nr_inodes=2") else { return };
    let _first = Listener::bind(path.join("first")).unwrap();
    let error = Listener::bind(path.join("second")).unwrap_err();
    assert_eq!(error.errno(), Some(Errno::ENOSPC));
    remove(&path);
}

fn a_directory_shows_in_two_places() {
    let Some(path) = scratch(c"") else { return };
    let (one, two) = (path.join("one"), path.join("two"));
    std::fs::create_dir(&one).unwrap();
    std::fs::create_dir(&two).unwrap();
    namespace::bind(&one, &two).unwrap();
    let _listener = Listener::bind(one.join("server")).unwrap();
    Stream::connect(two.join("server")).unwrap();
    remove(&path);
}

fn another_root_hides_the_rest() {
    let Some(path) = scratch(c"") else { return };
    let outside = File::open("/").unwrap();
    let _listener = Listener::bind(path.join("server")).unwrap();
    std::fs::create_dir(path.join("inner")).unwrap();
    namespace::pivot(&path).unwrap();
    Stream::connect("/server").unwrap();
    assert!(!Path::new("/proc").exists());
    namespace::change_root(Path::new("/inner")).unwrap();
    assert_eq!(Stream::connect("/server").unwrap_err().errno(), Some(Errno::ENOENT));
    // The directory under the mount is outside: get there through a descriptor.
    namespace::change_root_to(outside.as_fd()).unwrap();
    std::fs::remove_dir(&path).unwrap();
}

fn ids_are_mapped() {
    let before = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    if let Err(errno) = namespace::unshare(New::USER) {
        eprintln!("skipped: no user namespaces here: {errno}");
        return;
    }
    assert_eq!(rustix::process::geteuid().as_raw(), 65534);
    namespace::map_ids((7, 8), before).unwrap();
    let inside = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    assert_eq!(inside, (7, 8));
}
