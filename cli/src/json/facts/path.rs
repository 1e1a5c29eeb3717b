//! A path and what it leads to, as JSON.

use super::super::put_bytes;
use super::{all, bytes, seen, socket, with};
use serde_json::{Map, Value, json};
use sunpath::Errno;
use sunpath::fact::PathTarget;
use sunpath::fact::path::{Acl, End, FileKind, Mount, Step, Variants, Walk};

pub(super) fn path(target: &PathTarget) -> Value {
    with(
        with(json!({"kind": "path"}), bytes("given", &target.given)),
        json!({
            "walk": seen(&target.walk, walk),
            "attached": seen(&target.attached, |s| all(s, socket::socket)),
            "namesakes": seen(&target.namesakes, |s| all(s, socket::socket)),
            "lookalikes": seen(&target.lookalikes, |s| all(s, socket::socket)),
            "everywhere": seen(&target.everywhere, |()| true.into()),
            "variants": variants(&target.variants),
            "open": seen(&target.open, |s| all(s, socket::socket)),
            "space": seen(&target.space, |s| {
                json!({"inodes": s.inodes, "free_inodes": s.free_inodes, "free_bytes": s.free_bytes})
            }),
        }),
    )
}

fn variants(variants: &Variants) -> Value {
    let found = |path: &Option<Vec<u8>>| match path {
        Some(path) => bytes("path", path),
        None => Value::Null,
    };
    json!({
        "trimmed": seen(&variants.trimmed, found),
        "slashed": seen(&variants.slashed, found),
        "abstract_name": seen(&variants.abstract_name, |s| all(s, socket::socket)),
    })
}

fn walk(walk: &Walk) -> Value {
    json!({"steps": all(&walk.steps, step), "end": end(&walk.end), "named": walk.named})
}

fn end(end: &End) -> Value {
    let error = |errno: &Option<Errno>| errno.map(Errno::name);
    match end {
        End::Found => json!({"kind": "found"}),
        End::Missing { name, last, link } => {
            let start = with(json!({"kind": "missing"}), bytes("name", name));
            with(with(start, json!({"last": last})), optional("link", link.as_deref()))
        }
        End::NotDirectory => json!({"kind": "not_directory"}),
        End::NoSearch => json!({"kind": "no_search"}),
        End::TooManyLinks => json!({"kind": "too_many_links"}),
        End::ComponentTooLong { link } => {
            with(json!({"kind": "component_too_long"}), optional("link", link.as_deref()))
        }
        End::ProtectedLink => json!({"kind": "protected_link"}),
        End::Disconnected => json!({"kind": "disconnected"}),
        End::Changed => json!({"kind": "changed"}),
        End::Hidden { errno } => json!({"kind": "hidden", "errno": error(errno)}),
        End::Failed { errno } => json!({"kind": "failed", "errno": error(errno)}),
    }
}

/// Bytes below a key, or null.
fn optional(key: &str, value: Option<&[u8]>) -> Value {
    match value {
        Some(value) => bytes(key, value),
        None => json!({key: null}),
    }
}

fn step(step: &Step) -> Value {
    let mut object = Map::new();
    put_bytes(&mut object, "path", &step.path);
    let start = with(
        Value::Object(object),
        json!({
            "kind": kind(step.kind),
            "mode": format!("{:04o}", step.mode),
            "uid": step.uid,
            "gid": step.gid,
            "owner_name": step.owner_name,
            "group_name": step.group_name,
            "device": step.file.device,
            "inode": step.file.inode,
            "removed": step.removed,
            "immutable": super::plain(&step.immutable),
            "acl": seen(&step.acl, |acl| acl.as_ref().map_or(Value::Null, self::acl)),
        }),
    );
    with(
        with(start, optional("link", step.link.as_deref())),
        json!({
            "mount": seen(&step.mount, mount),
            "kernel_allows": super::plain(&step.kernel_allows),
        }),
    )
}

/// The kind as one word.
const fn kind(kind: FileKind) -> &'static str {
    match kind {
        FileKind::Regular => "regular",
        FileKind::Directory => "directory",
        FileKind::Socket => "socket",
        FileKind::Symlink => "symlink",
        FileKind::Fifo => "fifo",
        FileKind::CharDevice => "char_device",
        FileKind::BlockDevice => "block_device",
        FileKind::Other => "other",
    }
}

fn acl(acl: &Acl) -> Value {
    let entry = |(id, bits): &(u32, u8)| json!({"id": id, "bits": bits});
    json!({
        "users": all(&acl.users, entry),
        "groups": all(&acl.groups, entry),
        "owning_group": acl.owning_group,
        "mask": acl.mask,
    })
}

fn mount(mount: &Mount) -> Value {
    let start = with(bytes("point", &mount.point), bytes("root", &mount.root));
    with(
        with(start, json!({"fs_type": mount.fs_type})),
        with(
            bytes("source", &mount.source),
            json!({"read_only": mount.read_only, "fs_read_only": mount.fs_read_only}),
        ),
    )
}
