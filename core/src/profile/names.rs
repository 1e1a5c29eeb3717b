//! Rules of addresses, `bind` and the files that sockets are bound to.

use super::Cell;

/// Rules of addresses, `bind` and the files that sockets are bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// Names outside the file system, and automatic ones.
    pub abstract_names: Cell<bool>,
    /// The longest path in an address, in bytes, without a NUL at its end.
    pub path_room: Cell<usize>,
    /// The family 0 is taken for that of UNIX domain sockets.
    pub unspecified_is_unix: Cell<bool>,
    /// `bind` looks at whether the socket has a name before it looks at the path.
    pub bound_is_checked_first: Cell<bool>,
    /// `bind` makes the file that a symbolic link at the end of the path leads to.
    pub bind_follows_link: Cell<bool>,
    /// `connect` asks whether the file is a socket before it asks whether it may be written to.
    pub kind_is_checked_first: Cell<bool>,
    /// How many symbolic links are followed on the way.
    pub links: Cell<u32>,
    /// The longest path, in bytes, with the targets of its symbolic links put in.
    pub expanded_path: Cell<Option<usize>>,
    /// A new file gets the group of its directory rather than that of the process.
    pub group_of_directory: Cell<bool>,
    /// `fchmod` of a socket decides the mode of the file that `bind` makes.
    pub socket_has_mode: Cell<bool>,
    /// `getpeername` tells the name of a peer that has closed.
    pub peer_name_after_close: Cell<bool>,
    /// Files can be made immutable, for root too.
    pub immutable_files: Cell<bool>,
    /// There are file systems that cannot hold sockets.
    pub file_systems_without_sockets: Cell<bool>,
    /// There are file systems served by programs.
    pub file_systems_of_programs: Cell<bool>,
    /// There are file systems that show another one's files under inodes of their own.
    pub file_systems_of_images: Cell<bool>,
    /// Single files, and directories, can be mounted elsewhere.
    pub mounts_of_files: Cell<bool>,
    /// Processes can have mounts of their own.
    pub private_mounts: Cell<bool>,
    /// `/proc/self/fd` has a link to each open file of the process that looks.
    pub links_to_open_files: Cell<bool>,
    /// Modules can deny what the modes of files allow.
    pub security_modules: Cell<bool>,
    /// What becomes of a second call that gives one socket a name or a peer.
    pub concurrent: Cell<Concurrent>,
}

/// What becomes of a call on a socket while another thread is in a `bind` or `connect` of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Concurrent {
    /// `bind` waits its turn; `connect` does not mind.
    BindWaits,
    /// `connect` fails.
    ConnectFails,
}

pub(super) const LINUX: Names = Names {
    abstract_names: Cell::measured(true),
    path_room: Cell::measured(108),
    unspecified_is_unix: Cell::measured(false),
    bound_is_checked_first: Cell::measured(false),
    bind_follows_link: Cell::measured(false),
    kind_is_checked_first: Cell::measured(false),
    links: Cell::measured(40),
    expanded_path: Cell::measured(None),
    group_of_directory: Cell::measured(false),
    socket_has_mode: Cell::measured(true),
    peer_name_after_close: Cell::measured(true),
    immutable_files: Cell::measured(true),
    file_systems_without_sockets: Cell::measured(true),
    file_systems_of_programs: Cell::measured(true),
    file_systems_of_images: Cell::measured(true),
    mounts_of_files: Cell::measured(true),
    private_mounts: Cell::measured(true),
    links_to_open_files: Cell::measured(true),
    security_modules: Cell::measured(true),
    concurrent: Cell::measured(Concurrent::BindWaits),
};

pub(super) const FREEBSD_14: Names = Names {
    abstract_names: Cell::source(false, "uipc_usrreq.c: uipc_bindat"),
    path_room: Cell::source(104, "uipc_usrreq.c: uipc_bindat"),
    unspecified_is_unix: Cell::source(false, "uipc_usrreq.c: uipc_bindat"),
    bound_is_checked_first: Cell::source(true, "uipc_usrreq.c: uipc_bindat"),
    bind_follows_link: Cell::source(false, "uipc_usrreq.c: uipc_bindat"),
    kind_is_checked_first: Cell::source(true, "uipc_usrreq.c: unp_connectat"),
    links: Cell::source(32, "vfs_lookup.c: namei_follow_link, MAXSYMLINKS"),
    expanded_path: Cell::source(Some(1023), "vfs_lookup.c: namei_follow_link, MAXPATHLEN"),
    group_of_directory: Cell::source(true, "ufs_vnops.c: ufs_makeinode"),
    socket_has_mode: Cell::inferred(false, "no fo_chmod among the calls of sockets"),
    peer_name_after_close: Cell::source(false, "uipc_syscalls.c: kern_getpeername"),
    immutable_files: Cell::inferred(true, "chflags(1): schg"),
    file_systems_without_sockets: Cell::inferred(true, "msdosfs(5)"),
    file_systems_of_programs: Cell::inferred(true, "fusefs(5)"),
    file_systems_of_images: Cell::inferred(true, "unionfs(8), nfs(5)"),
    mounts_of_files: Cell::inferred(false, "mount_nullfs(8) mounts directories"),
    private_mounts: Cell::inferred(false, "mounts are those of the whole system"),
    links_to_open_files: Cell::inferred(false, "/dev/fd leads to descriptors, not files"),
    security_modules: Cell::inferred(true, "mac(4)"),
    concurrent: Cell::source(
        Concurrent::ConnectFails,
        "uipc_usrreq.c: unp_connectat, UNP_CONNECTING",
    ),
};

pub(super) const FREEBSD_15: Names =
    Names { socket_has_mode: Cell::source(true, "uipc_usrreq.c: uipc_chmod"), ..FREEBSD_14 };

pub(super) const MACOS: Names = Names {
    abstract_names: Cell::source(false, "uipc_usrreq.c: unp_bind"),
    path_room: Cell::source(253, "uipc_usrreq.c: unp_bind"),
    unspecified_is_unix: Cell::source(true, "uipc_usrreq.c: unp_connect"),
    bound_is_checked_first: Cell::source(true, "uipc_usrreq.c: unp_bind"),
    bind_follows_link: Cell::source(true, "uipc_usrreq.c: unp_bind"),
    kind_is_checked_first: Cell::source(true, "uipc_usrreq.c: unp_connect"),
    links: Cell::source(32, "vfs_lookup.c: lookup_handle_symlink, MAXSYMLINKS"),
    expanded_path: Cell::source(Some(1023), "vfs_lookup.c: lookup_handle_symlink"),
    group_of_directory: Cell::inferred(true, "BSD: files get the group of their directory"),
    socket_has_mode: Cell::inferred(false, "fchmod takes descriptors of files only"),
    peer_name_after_close: Cell::source(false, "uipc_syscalls.c: getpeername"),
    immutable_files: Cell::inferred(true, "chflags(1): schg"),
    file_systems_without_sockets: Cell::inferred(true, "mount_msdos(8)"),
    file_systems_of_programs: Cell::inferred(false, "none that the system brings along"),
    file_systems_of_images: Cell::inferred(true, "mount_nfs(8)"),
    mounts_of_files: Cell::inferred(false, "mount(8) mounts file systems"),
    private_mounts: Cell::inferred(false, "mounts are those of the whole system"),
    links_to_open_files: Cell::inferred(false, "/dev/fd leads to descriptors, not files"),
    security_modules: Cell::source(true, "uipc_usrreq.c: mac_vnode_check_uipc_connect"),
    concurrent: Cell::source(Concurrent::ConnectFails, "uipc_syscalls.c: connectit"),
};

pub(super) const OPENSERVER: Names = Names {
    abstract_names: Cell::inferred(false, "4.3BSD: unp_bind"),
    path_room: Cell::inferred(107, "4.3BSD: sun_path of 108 bytes"),
    unspecified_is_unix: Cell::inferred(false, "its list has EAFNOSUPPORT"),
    bound_is_checked_first: Cell::inferred(true, "4.3BSD: unp_bind"),
    bind_follows_link: Cell::inferred(true, "4.3BSD: unp_bind, FOLLOW"),
    kind_is_checked_first: Cell::inferred(false, "4.3BSD: unp_connect, IWRITE before IFSOCK"),
    links: Cell::inferred(8, "4.3BSD: namei, MAXSYMLINKS"),
    expanded_path: Cell::inferred(Some(1023), "4.3BSD: namei, MAXPATHLEN"),
    group_of_directory: Cell::inferred(true, "4.3BSD: maknode"),
    socket_has_mode: Cell::inferred(false, "4.3BSD: fchmod takes descriptors of files only"),
    peer_name_after_close: Cell::inferred(false, "4.3BSD: getpeername"),
    immutable_files: Cell::inferred(false, "4.3BSD has none"),
    file_systems_without_sockets: Cell::inferred(false, "4.3BSD has none"),
    file_systems_of_programs: Cell::inferred(false, "4.3BSD has none"),
    file_systems_of_images: Cell::inferred(false, "4.3BSD has none"),
    mounts_of_files: Cell::inferred(false, "4.3BSD has none"),
    private_mounts: Cell::inferred(false, "4.3BSD has none"),
    links_to_open_files: Cell::inferred(false, "4.3BSD has none"),
    security_modules: Cell::inferred(false, "4.3BSD has none"),
    concurrent: Cell::manual(Concurrent::ConnectFails, "its list of error codes: EALREADY"),
};
