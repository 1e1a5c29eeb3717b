//! Every cause of `bind` to a UNIX domain address.

mod scene;

use scene::*;
use sunpath_core::fact::arguments::{AddressArgument, Family};
use sunpath_core::fact::path::{End, FileKind, Mount, Space, Step};
use sunpath_core::fact::socket::State;
use sunpath_core::fact::{Seen, Target, Unseen};
use sunpath_core::{Call, Errno, Facts, Platform, SocketType, diagnose, diagnose_on};

const IN_USE: Errno = Errno::EADDRINUSE;

/// Nothing is at the path, and the caller may make something there.
fn free() -> Facts {
    let mut facts = missing();
    file(&mut facts).mode = 0o777;
    facts
}

fn freed(change: impl FnOnce(&mut Step)) -> Facts {
    let mut facts = free();
    change(file(&mut facts));
    facts
}

#[test]
fn what_works_raises_no_alarm() {
    let other_type = named(|n| n.bound = Seen::Known(vec![datagram(b"\0app", 0)]));
    let autobind = |state| {
        let mut facts = holding(healthy(), state);
        facts.target = Target::None;
        facts.arguments.address = Some(AddressArgument { length: 2, family: Some(Family::Unix) });
        facts
    };
    let mut bound = own(State::Unconnected);
    bound.name = b"\0a1b2c".to_vec();
    let mut namesake_elsewhere = free();
    namesake(&mut namesake_elsewhere, |_| ());
    let everyone = [
        ("a free name", free()),
        ("a free abstract name", abstract_name()),
        ("a name of another type", other_type),
        ("an automatic name", autobind(own(State::Unconnected))),
        ("an automatic name a second time", autobind(bound)),
        ("a server whose file is gone", namesake_elsewhere),
        ("an unseen mount", freed(|s| s.mount = Seen::default())),
    ];
    for (what, facts) in &everyone {
        works(Call::Bind, SocketType::Stream, facts, what);
    }
}

#[test]
fn taken_names() {
    bind(IN_USE, "bind/live-socket", healthy()).both();
    bind(IN_USE, "bind/live-socket", serving(|s| s.state = State::Unconnected)).both();
    bind(IN_USE, "bind/live-socket", healthy()).socket(SocketType::Datagram).both();
    bind(IN_USE, "bind/stale-socket", stale()).both();
    let mut narrow = stale();
    path(&mut narrow).everywhere = Seen::Unseen(Unseen::Denied { needs: "CAP_SYS_ADMIN" });
    bind(IN_USE, "bind/stale-socket", narrow).likely().both();
    let remnant = serving(|s| s.state = State::Connected);
    bind(IN_USE, "bind/stale-socket", remnant).likely().both();
    let blind = with(|f| path(f).attached = Seen::default());
    bind(IN_USE, "bind/live-socket", blind).likely().both();
    for kind in [FileKind::Regular, FileKind::Directory, FileKind::Fifo] {
        bind(IN_USE, "bind/not-a-socket", with(|f| file(f).kind = kind)).both();
    }
    let slash = with(|f| {
        walk(f).steps.truncate(1);
        walk(f).named = None;
    });
    bind(IN_USE, "bind/not-a-socket", slash).both();

    let linked = |end: End| {
        let mut facts = missing();
        walk(&mut facts).steps.push(link(b"/run/app.sock", b"/run/gone"));
        walk(&mut facts).named = Some(2);
        walk(&mut facts).end = end;
        facts
    };
    let at = Some(b"/run/app.sock".to_vec());
    let gone = End::Missing { name: b"gone".to_vec(), last: true, link: at };
    bind(IN_USE, "bind/dangling-symlink", linked(gone.clone())).both();
    bind(IN_USE, "bind/dangling-symlink", linked(End::TooManyLinks)).both();
    let d = diagnose_on(Platform::MacOs, Call::Bind, SocketType::Stream, None, &linked(gone));
    assert!(d.causes.iter().all(|r| r.cause.id != "bind/dangling-symlink"));
    // A slash behind a name that exists changes nothing for bind.
    let slashed = |kind| {
        with(|f| {
            file(f).kind = kind;
            walk(f).end = End::NotDirectory;
        })
    };
    bind(IN_USE, "bind/not-a-socket", slashed(FileKind::Regular)).both();
    bind(IN_USE, "bind/live-socket", slashed(FileKind::Socket)).likely().both();
    let mut to_file = slashed(FileKind::Regular);
    walk(&mut to_file).steps.insert(2, link(b"/run/l", b"app.sock"));
    bind(IN_USE, "bind/not-a-socket", to_file).both();
    let mut to_live = healthy();
    walk(&mut to_live).steps.insert(2, link(b"/run/l", b"/run/app.sock"));
    bind(IN_USE, "bind/live-socket", to_live).both();

    let name = named(|n| n.bound = Seen::Known(vec![listener(b"\0app", 0)]));
    bind(IN_USE, "bind/abstract-in-use", name).both();
}

#[test]
fn bound_sockets() {
    let mut bound = own(State::Unconnected);
    bound.name = b"/run/other".to_vec();
    let einval = |facts| bind(Errno::EINVAL, "bind/already-bound", facts);
    einval(holding(free(), bound.clone())).both();
    einval(holding(abstract_name(), bound.clone())).both();
    let taken = named(|n| n.bound = Seen::Known(vec![listener(b"\0app", 0)]));
    einval(holding(taken, bound.clone())).both();
    let exists = holding(stale(), bound.clone());
    bind(IN_USE, "bind/exists-and-already-bound", exists).both();
    einval(free()).likely().explained();

    let mut again = holding(free(), bound);
    again.target = Target::None;
    again.arguments.address = Some(AddressArgument { length: 2, family: Some(Family::Unix) });
    let symptom = Some(Errno::EINVAL.into());
    let d = diagnose_on(Platform::FreeBsd15, Call::Bind, SocketType::Stream, symptom, &again);
    assert!(d.causes.iter().any(|r| r.cause.id == "bind/already-bound-autobind"));
}

#[test]
fn directories_that_let_nothing_be_made() {
    let ended = |end: End| {
        let mut facts = free();
        walk(&mut facts).end = end;
        facts
    };
    let absent = End::Missing { name: b"x".to_vec(), last: false, link: None };
    bind(Errno::ENOENT, "bind/missing-directory", ended(absent)).both();
    bind(Errno::ENOENT, "bind/missing-directory", freed(|s| s.removed = true)).both();
    bind(Errno::ENOTDIR, "bind/not-a-directory", ended(End::NotDirectory)).both();
    bind(Errno::ELOOP, "bind/symlink-loop", ended(End::TooManyLinks)).both();
    let long = End::ComponentTooLong { link: None };
    bind(Errno::ENAMETOOLONG, "connect/component-too-long", ended(long)).both();
    bind(Errno::ENOTCONN, "connect/dead-fuse-mount", ended(End::Disconnected)).both();
    let mut slash = free();
    path(&mut slash).given = b"/run/app.sock/".to_vec();
    bind(Errno::ENOENT, "connect/no-such-file", slash).both();

    let closed = || freed(|s| s.mode = 0o755);
    bind(Errno::EACCES, "bind/no-write-permission", closed()).both();
    let mut unsearchable = ended(End::NoSearch);
    file(&mut unsearchable).mode = 0o700;
    bind(Errno::EACCES, "bind/no-write-permission", unsearchable).both();
    bind(Errno::EACCES, "connect/security-module", free()).likely().explained();
    let mut own_asked = closed();
    file(&mut own_asked).kernel_allows = Seen::Known(true);
    bind(Errno::EACCES, "bind/no-write-permission", own_asked).both();

    let on = |m: Mount| freed(|s| s.mount = Seen::Known(m));
    let read_only = Mount { read_only: true, ..mount("ext4", b"/") };
    bind(Errno::EROFS, "bind/read-only-filesystem", on(read_only.clone())).both();
    // Read-only comes before the modes, and an existing name before both.
    let mut both = on(read_only);
    file(&mut both).mode = 0o555;
    bind(Errno::EROFS, "bind/read-only-filesystem", both).both();

    bind(Errno::ENOENT, "connect/no-such-file", on(mount("proc", b"/proc"))).both();

    let immutable = freed(|s| s.immutable = Seen::Known(true));
    bind(Errno::EPERM, "bind/immutable-directory", immutable).both();
    bind(Errno::EPERM, "bind/filesystem-without-sockets", on(mount("sysfs", b"/sys"))).both();
}

#[test]
fn nothing_left() {
    let mut facts = free();
    path(&mut facts).space = Seen::Known(Space { inodes: 3, free_inodes: 0, free_bytes: 1 });
    bind(Errno::ENOSPC, "bind/no-space", facts).both();
    bind(Errno::ENOSPC, "bind/no-space", free()).likely().explained();
    let mut crowded = holding(healthy(), own(State::Unconnected));
    crowded.target = Target::None;
    crowded.arguments.address = Some(AddressArgument { length: 2, family: Some(Family::Unix) });
    crowded.system.unix_sockets = Seen::Known(1 << 20);
    bind(Errno::ENOSPC, "bind/no-free-name", crowded.clone()).likely().explained();
    crowded.system.unix_sockets = Seen::Known(300);
    let symptom = Some(Errno::ENOSPC.into());
    let d = diagnose(Call::Bind, SocketType::Stream, symptom, &crowded);
    assert!(d.causes.iter().all(|r| r.cause.id != "bind/no-free-name"));
}
