//! Mounts, from `/proc/PID/mountinfo`.

use super::procfs;
use crate::sys::Result;
use std::collections::HashMap;
use std::os::fd::BorrowedFd;
use sunpath_core::fact::path::Mount;

/// The mounts of a process that are below its root directory, by their ids (`stx_mnt_id`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Mounts(HashMap<u64, Entry>);

/// One mount, with what [`Mount`] leaves out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Entry {
    /// What is told to others.
    pub mount: Mount,
    /// The device of the file system (`major << 32 | minor`): of its superblock, which is what the
    /// socket tables report. `st_dev` may differ, as on btrfs.
    pub device: u64,
    /// Options of the mount, for example `rw,nosymfollow`.
    options: Vec<u8>,
    /// Options of the file system, for example `rw,user_id=1000`.
    super_options: Vec<u8>,
}

/// File systems that answer from this machine's memory and disks. Any other may keep a reader
/// waiting for a server.
const LOCAL: &[&str] = &[
    "autofs",
    "bcachefs",
    "binfmt_misc",
    "bpf",
    "btrfs",
    "cgroup",
    "cgroup2",
    "configfs",
    "debugfs",
    "devpts",
    "devtmpfs",
    "efivarfs",
    "erofs",
    "exfat",
    "ext2",
    "ext3",
    "ext4",
    "f2fs",
    "fusectl",
    "hugetlbfs",
    "iso9660",
    "mqueue",
    "nsfs",
    "ntfs3",
    "overlay",
    "proc",
    "pstore",
    "ramfs",
    "rootfs",
    "securityfs",
    "selinuxfs",
    "squashfs",
    "sysfs",
    "tmpfs",
    "tracefs",
    "udf",
    "vfat",
    "xfs",
    "zfs",
];

impl Mounts {
    /// Reads the mounts of the process whose directory in `/proc` this is.
    pub(crate) fn read(process: BorrowedFd<'_>) -> Result<Mounts> {
        procfs::read(process, b"mountinfo").map(|text| parse(&text))
    }

    /// Adds the mounts that are missing here; an id means the same mount to every process.
    pub(crate) fn or(mut self, others: Mounts) -> Mounts {
        for (id, entry) in others.0 {
            self.0.entry(id).or_insert(entry);
        }
        self
    }

    /// The mount with this id.
    pub(crate) fn get(&self, id: u64) -> Option<&Entry> {
        self.0.get(&id)
    }

    /// Whether every file system answers without a server that may be away.
    pub(crate) fn are_local(&self) -> bool {
        self.0.values().all(|e| is_local(&e.mount.fs_type))
    }
}

/// Whether a file system of this type answers without a server that may be away.
pub(crate) fn is_local(fs_type: &str) -> bool {
    LOCAL.contains(&fs_type)
}

impl Entry {
    /// Whether symbolic links on it are not followed.
    pub(crate) fn forbids_links(&self) -> bool {
        options(&self.options).any(|o| o == b"nosymfollow")
    }

    /// Whether a process of this machine is its server.
    pub(crate) fn is_fuse(&self) -> bool {
        let kind = self.mount.fs_type.as_str();
        kind == "fuse" || kind == "fuseblk" || kind.starts_with("fuse.")
    }

    /// For a FUSE file system that admits nobody but its owner: the owner's user id, in the
    /// observer's user namespace.
    pub(crate) fn only_user(&self) -> Option<u32> {
        if !self.is_fuse() {
            return None;
        }
        let mut owner = None;
        for option in options(&self.super_options) {
            if option == b"allow_other" {
                return None;
            }
            if let Some(id) = option.strip_prefix(b"user_id=") {
                owner = procfs::number(id);
            }
        }
        owner
    }
}

fn options(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    list.split(|b| *b == b',')
}

/// Parses the whole file; lines that make no sense are left out.
pub(crate) fn parse(text: &[u8]) -> Mounts {
    Mounts(text.split(|b| *b == b'\n').filter_map(line).collect())
}

/// `36 35 98:0 /root /point rw,noatime master:1 - ext3 /dev/root rw,errors=continue`; there may be
/// any number of fields before the dash.
fn line(text: &[u8]) -> Option<(u64, Entry)> {
    let mut fields = text.split(|b| *b == b' ');
    let id = procfs::number(fields.next()?)?;
    let _parent = fields.next()?;
    let device = device(fields.next()?)?;
    let root = unescape(fields.next()?);
    let point = unescape(fields.next()?);
    let mount_options = fields.next()?.to_vec();
    fields.find(|f| *f == b"-")?;
    let fs_type = String::from_utf8_lossy(&unescape(fields.next()?)).into_owned();
    let source = unescape(fields.next()?);
    let super_options = fields.next().unwrap_or_default().to_vec();
    let has_ro = |list| options(list).any(|o| o == b"ro");
    let fs_read_only = has_ro(&super_options);
    let read_only = fs_read_only || has_ro(&mount_options);
    let mount = Mount { point, root, fs_type, source, read_only, fs_read_only };
    Some((id, Entry { mount, device, options: mount_options, super_options }))
}

fn device(text: &[u8]) -> Option<u64> {
    let colon = text.iter().position(|b| *b == b':')?;
    let major: u32 = procfs::number(&text[..colon])?;
    let minor: u32 = procfs::number(&text[colon + 1..])?;
    Some(u64::from(major) << 32 | u64::from(minor))
}

/// Replaces `\040` and the like by the byte they stand for.
fn unescape(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        match octal(rest) {
            Some(byte) => {
                out.push(byte);
                rest = &rest[4..];
            }
            None => {
                out.push(*first);
                rest = after;
            }
        }
    }
    out
}

fn octal(text: &[u8]) -> Option<u8> {
    let [b'\\', a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', ..] = text else {
        return None;
    };
    Some((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_line_is_understood() {
        let text = b"36 35 98:17 /part /mnt\\040two ro,nosymfollow master:1 - fuse.sshfs \
                     a\\134b rw,user_id=1000,group_id=5\n";
        let mounts = parse(text);
        let entry = mounts.get(36).unwrap();
        assert_eq!(entry.mount.point, b"/mnt two");
        assert_eq!(entry.mount.root, b"/part");
        assert_eq!(entry.mount.source, b"a\\b");
        assert_eq!(entry.mount.fs_type, "fuse.sshfs");
        assert!(entry.mount.read_only);
        assert_eq!(entry.device, 98 << 32 | 17);
        assert!(entry.forbids_links());
        assert_eq!(entry.only_user(), Some(1000));
        assert!(!mounts.are_local());
    }

    #[test]
    fn an_empty_source_is_a_field_too() {
        let mounts = parse(b"1 0 0:5 / /a rw - tmpfs  rw,allow_other\n");
        assert_eq!(mounts.get(1).unwrap().mount.source, b"");
        assert!(mounts.are_local());
    }

    #[test]
    fn the_real_file_has_the_root_directory() {
        let Ok(me) = procfs::myself() else {
            eprintln!("skipped: no /proc");
            return;
        };
        let mounts = Mounts::read(std::os::fd::AsFd::as_fd(&me)).unwrap();
        assert!(mounts.0.values().any(|e| e.mount.point == b"/"));
    }

    fn escape(bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        for b in bytes {
            match b {
                b' ' | b'\t' | b'\n' | b'\\' | b'#' => out.extend(format!("\\{b:03o}").bytes()),
                b => out.push(*b),
            }
        }
        out
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(text: Vec<u8>) {
            parse(&text);
        }

        #[test]
        fn names_survive_the_escapes(point: Vec<u8>, source: Vec<u8>, id: u64, dev: (u32, u32)) {
            let text = [
                format!("{id} 1 {}:{} / ", dev.0, dev.1).as_bytes(),
                &escape(&point),
                b" rw,relatime shared:4 master:2 - ext4 ",
                &escape(&source),
                b" rw",
            ].concat();
            let mounts = parse(&text);
            let entry = mounts.get(id).unwrap();
            prop_assert_eq!(&entry.mount.point, &point);
            prop_assert_eq!(&entry.mount.source, &source);
            prop_assert_eq!(entry.device, u64::from(dev.0) << 32 | u64::from(dev.1));
        }
    }
}
