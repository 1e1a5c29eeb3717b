//! Every cause of `connect`: named first under its facts, and not under others.

mod scene;

use scene::*;
use sunpath_core::fact::arguments::{AddressArgument, Creation, Family};
use sunpath_core::fact::caller::{Capabilities, Group, IdRange, Ids, Seccomp, UserNamespace};
use sunpath_core::fact::path::{Acl, End, FileId, FileKind, Mount};
use sunpath_core::fact::process::ProcessState;
use sunpath_core::fact::socket::{Backlog, Directions, State};
use sunpath_core::fact::{Seen, Unseen};
use sunpath_core::{Call, Errno, Facts, Platform, SocketType, diagnose, diagnose_on};

const REFUSED: Errno = Errno::ECONNREFUSED;

#[test]
fn what_works_raises_no_alarm() {
    let mut link_first = healthy();
    walk(&mut link_first).steps.insert(2, link(b"/run/l", b"/run/app.sock"));
    let relative = with(|f| path(f).given = b"app.sock".to_vec());
    let hard_link = with(|f| path(f).given = b"/run/other".to_vec());
    let long_queue = serving(|s| {
        s.backlog = Some(Backlog { pending: 128, limit: 128 });
        s.stuck_ms = Seen::Known(0);
    });
    let busy = serving(|s| {
        s.backlog = Some(Backlog { pending: 5, limit: 128 });
        s.stuck_ms = Seen::Known(50);
    });
    let unlooked = serving(|s| {
        s.backlog = Some(Backlog { pending: 5, limit: 128 });
        s.stuck_ms = Seen::default();
        s.owners = Seen::Unseen(Unseen::Denied { needs: "CAP_SYS_PTRACE" });
    });
    let write_only = with(|f| file(f).mode = 0o222);
    let by_group = with(|f| {
        file(f).mode = 0o660;
        file(f).gid = 27;
    });
    let by_root = with(|f| {
        f.caller.ids = Seen::Known(Ids::default());
        f.caller.capabilities = Seen::Known(Capabilities(u64::MAX));
        file(f).mode = 0o600;
        file(f).uid = 5;
    });
    let by_list = with(|f| {
        file(f).mode = 0o660;
        let acl = Acl { users: vec![(1000, 6)], owning_group: 0, mask: 6, ..Acl::default() };
        file(f).acl = Seen::Known(Some(acl));
    });
    let read_only = with(|f| {
        let mount = Mount { read_only: true, fs_read_only: true, ..mount("ext4", b"/") };
        file(f).mount = Seen::Known(mount);
    });
    let filtered = with(|f| f.caller.seccomp = Seen::Known(Seccomp::Filter));
    let stopped_worker = serving(|s| {
        let stopped = ProcessState::Stopped;
        let worker = sunpath_core::fact::Process { state: Seen::Known(stopped), ..server() };
        s.owners = Seen::Known(vec![server(), worker]);
    });
    let with_accepted = with(|f| {
        let mut accepted = listener(b"/run/app.sock", INODE);
        accepted.state = State::Connected;
        accepted.backlog = None;
        attached(f).insert(0, accepted);
    });
    let overlay = with(|f| file(f).mount = Seen::Known(mount("overlay", b"/")));
    let rebound_live = with(|f| namesake(f, |_| ()));
    let flag_unseen = with(|f| file(f).immutable = Seen::default());
    let bound_name = named(|n| n.bound = Seen::Known(vec![listener(b"\0app", 0)]));
    let everyone = [
        ("plain", healthy()),
        ("symbolic link", link_first),
        ("relative", relative),
        ("hard link", hard_link),
        ("long queue", long_queue),
        ("busy", busy),
        ("owners hidden", unlooked),
        ("w is enough", write_only),
        ("group", by_group),
        ("root", by_root),
        ("access control list", by_list),
        ("read-only file system", read_only),
        ("a filter that lets it pass", filtered),
        ("one stopped worker", stopped_worker),
        ("accepted connections", with_accepted),
        ("overlay", overlay),
        ("rebound, and both live", rebound_live),
        ("flag unseen", flag_unseen),
        ("abstract", bound_name),
    ];
    for (what, facts) in &everyone {
        works(Call::Connect, SocketType::Stream, facts, what);
    }
    let log = with(|f| path(f).attached = Seen::Known(vec![datagram(b"/run/app.sock", INODE)]));
    works(Call::Connect, SocketType::Datagram, &log, "datagram");
}

#[test]
fn paths_that_lead_nowhere() {
    connect(Errno::ENOENT, "connect/no-such-file", missing()).both();
    let directory = || {
        let mut facts = missing();
        walk(&mut facts).end = End::Missing { name: b"x".to_vec(), last: false, link: None };
        facts
    };
    connect(Errno::ENOENT, "connect/missing-directory", directory()).both();
    let mut dangling = missing();
    walk(&mut dangling).steps.push(link(b"/run/app.sock", b"/run/gone"));
    let at = Some(b"/run/app.sock".to_vec());
    walk(&mut dangling).end = End::Missing { name: b"gone".to_vec(), last: true, link: at };
    connect(Errno::ENOENT, "connect/dangling-symlink", dangling).both();
    let ends = [
        (End::NotDirectory, Errno::ENOTDIR, "connect/not-a-directory"),
        (End::TooManyLinks, Errno::ELOOP, "connect/symlink-loop"),
        (End::ComponentTooLong { link: None }, Errno::ENAMETOOLONG, "connect/component-too-long"),
        (End::Disconnected, Errno::ENOTCONN, "connect/dead-fuse-mount"),
    ];
    for (end, errno, id) in ends {
        connect(errno, id, with(|f| walk(f).end = end.clone())).both();
        let sent = with(|f| walk(f).end = end.clone());
        connect(errno, id, sent).call(Call::Send).socket(SocketType::Datagram).both();
    }
}

#[test]
fn without_sight_of_namesakes_a_missing_file_is_only_likely() {
    let mut facts = missing();
    path(&mut facts).namesakes = Seen::default();
    let expect = connect(Errno::ENOENT, "connect/no-such-file", facts).likely().explained();
    let d = diagnose(Call::Connect, SocketType::Stream, Some(expect.symptom), &expect.facts);
    assert!(d.unseen.iter().any(|u| u.decides == "connect/unlinked-live"));
}

#[test]
fn near_misses() {
    let near = |change: fn(&mut Facts)| {
        let mut facts = missing();
        change(&mut facts);
        facts
    };
    let trimmed = near(|f| {
        path(f).given = b"/run/app.sock\n".to_vec();
        path(f).variants.trimmed = Seen::Known(Some(b"/run/app.sock".to_vec()));
    });
    connect(Errno::ENOENT, "connect/stray-whitespace", trimmed).both();
    let slashed = near(|f| {
        path(f).given = b"run/app.sock".to_vec();
        path(f).variants.slashed = Seen::Known(Some(b"/run/app.sock".to_vec()));
    });
    connect(Errno::ENOENT, "connect/lost-leading-slash", slashed).both();
    let at = near(|f| {
        path(f).given = b"@app".to_vec();
        path(f).variants.abstract_name = Seen::Known(vec![listener(b"\0app", 0)]);
    });
    connect(Errno::ENOENT, "connect/abstract-written-as-path", at).both();
}

#[test]
fn removed_or_in_another_view() {
    let with_namesake = |mount: Option<u64>, device: u64, name: &'static [u8]| {
        let mut facts = missing();
        namesake(&mut facts, |s| {
            let mut owner = server();
            owner.mount_namespace = mount.map_or_else(Seen::default, Seen::Known);
            s.owners = Seen::Known(vec![owner]);
            s.name = Some(name.to_vec());
            s.file = Some(FileId { device, inode: 555 });
        });
        facts
    };
    let name = b"/run/app.sock";
    let removed = "connect/unlinked-live";
    let elsewhere = "connect/other-mount-namespace";
    let expect = |id, facts| connect(Errno::ENOENT, id, facts);
    expect(removed, with_namesake(Some(HERE), DISK, name)).both();
    expect(removed, with_namesake(Some(HERE), 7, name)).likely().both();
    expect(removed, with_namesake(Some(HERE), DISK, b"app.sock")).likely().both();
    expect(removed, with_namesake(None, DISK, name)).likely().both();
    expect(elsewhere, with_namesake(Some(ELSEWHERE), 7, name)).both();
    expect(elsewhere, with_namesake(Some(ELSEWHERE), DISK, name)).likely().both();
    expect(elsewhere, with_namesake(None, 7, name)).likely().both();
    let mut jailed = with_namesake(Some(HERE), 7, name);
    if let Seen::Known(sockets) = &mut path(&mut jailed).namesakes
        && let Seen::Known(owners) = &mut sockets[0].owners
    {
        owners[0].root = Seen::Known(b"/srv/jail".to_vec());
    }
    expect(elsewhere, jailed).both();
}

#[test]
fn denied_by_modes() {
    let eacces = |id, change: fn(&mut Facts)| connect(Errno::EACCES, id, with(change));
    let closed: fn(&mut Facts) = |f| {
        walk(f).steps.pop();
        walk(f).end = End::NoSearch;
        file(f).mode = 0o700;
    };
    eacces("connect/no-search-permission", closed).both();
    eacces("connect/no-write-permission", |f| file(f).mode = 0o755).both();
    eacces("connect/no-write-permission", |f| file(f).mode = 0o444).both();
    eacces("connect/no-write-permission", |f| {
        file(f).mode = 0o755;
        file(f).acl = Seen::default();
    })
    .likely()
    .both();
    eacces("connect/no-search-permission", |f| {
        walk(f).steps.pop();
        walk(f).end = End::NoSearch;
        file(f).mount = Seen::Known(mount("fuse.sshfs", b"/run"));
    })
    .both();
    // A file that is not a socket, and may not be written to either: the modes come first.
    eacces("connect/no-write-permission", |f| {
        file(f).kind = FileKind::Regular;
        file(f).mode = 0o644;
    })
    .both();
    eacces("connect/group-not-in-credentials", |f| {
        file(f).mode = 0o660;
        file(f).gid = 998;
        let docker = Group { gid: 998, name: "docker".into() };
        f.caller.account_groups = Seen::Known(vec![docker]);
    })
    .both();
    eacces("connect/user-namespace", |f| {
        file(f).mode = 0o660;
        f.caller.capabilities = Seen::Known(Capabilities(u64::MAX));
        let one = vec![IdRange { inside: 0, outside: 1000, count: 1 }];
        let space = UserNamespace { initial: false, uid_map: one.clone(), gid_map: one };
        f.caller.user_namespace = Seen::Known(space);
    })
    .both();
    eacces("connect/protected-symlink", |f| {
        walk(f).steps.pop();
        walk(f).steps.push(link(b"/run/app.sock", b"/x"));
        walk(f).end = End::ProtectedLink;
    })
    .both();
}

#[test]
fn denied_beyond_modes() {
    let refused = with(|f| file(f).kernel_allows = Seen::Known(false));
    connect(Errno::EACCES, "connect/security-module", refused).likely().both();
    connect(Errno::EACCES, "connect/security-module", healthy()).likely().explained();
    let name = named(|n| n.bound = Seen::Known(vec![listener(b"\0app", 0)]));
    connect(Errno::EACCES, "connect/security-module", name.clone()).likely().explained();
    // The kernel knows better than the modes.
    let allowed = with(|f| {
        file(f).mode = 0o600;
        file(f).kernel_allows = Seen::Known(true);
    });
    works(Call::Connect, SocketType::Stream, &allowed, "the kernel allows it");

    connect(Errno::EPERM, "connect/immutable", with(|f| file(f).immutable = Seen::Known(true)))
        .both();
    connect(Errno::EPERM, "connect/landlock-scope", name.clone()).likely().explained();
    let mut domain = name;
    domain.caller.landlock = Seen::Known(true);
    connect(Errno::EPERM, "connect/landlock-scope", domain).explained();

    let filtered = with(|f| {
        f.caller.seccomp = Seen::Known(Seccomp::Filter);
        let creation =
            Creation { family: Family::Unix, family_known: Some(true), kind: 1, protocol: 0 };
        f.arguments.creation = Some(creation);
    });
    connect(Errno::EAFNOSUPPORT, "connect/family-denied", filtered)
        .call(Call::Socket)
        .explained()
        .call(Call::Connect)
        .explained();
}

#[test]
fn refused_by_what_is_at_the_path() {
    let refused = |id, facts| connect(REFUSED, id, facts);
    for kind in [FileKind::Regular, FileKind::Directory, FileKind::Fifo, FileKind::CharDevice] {
        let facts = with(|f| file(f).kind = kind);
        refused("connect/not-a-socket", facts.clone()).both();
        refused("connect/not-a-socket", facts).socket(SocketType::Datagram).both();
    }
    let mut through = stale();
    file(&mut through).mount = Seen::Known(mount("sockfs", b""));
    path(&mut through).open = Seen::Known(attached(&mut healthy()).clone());
    refused("connect/link-to-open-socket", through.clone()).both();
    path(&mut through).open = Seen::default();
    refused("connect/link-to-open-socket", through).both();
    refused("connect/stale-socket", stale()).both();
    let mut narrow = stale();
    path(&mut narrow).everywhere = Seen::Unseen(Unseen::Denied { needs: "CAP_SYS_ADMIN" });
    refused("connect/stale-socket", narrow).likely().both();
    let remnant = serving(|s| s.state = State::Connected);
    refused("connect/stale-socket", remnant).likely().both();
    refused("connect/not-listening", serving(|s| s.state = State::Unconnected)).both();
    let drained = serving(|s| s.shutdown = Directions { read: true, write: true });
    refused("connect/listener-shut-down", drained).both();
    let log = with(|f| path(f).attached = Seen::Known(vec![datagram(b"/run/app.sock", INODE)]));
    connect(Errno::EPROTOTYPE, "connect/wrong-type", log).both();
    connect(Errno::EPROTOTYPE, "connect/wrong-type", healthy())
        .socket(SocketType::SeqPacket)
        .both();
    // The type is compared before anybody asks whether the socket listens.
    connect(Errno::EPROTOTYPE, "connect/wrong-type", serving(|s| s.state = State::Unconnected))
        .socket(SocketType::Datagram)
        .both();
    let mut waited = own(State::Unconnected);
    waited.history.blocked = true;
    for facts in [stale(), abstract_name()] {
        let facts = holding(facts, waited.clone());
        refused("connect/listener-closed-while-waiting", facts).explained();
    }
}

#[test]
fn writing_to_a_file_on_a_read_only_file_system_says_so() {
    let facts = with(|f| {
        file(f).kind = FileKind::Regular;
        let mount = Mount { read_only: true, fs_read_only: true, ..mount("squashfs", b"/") };
        file(f).mount = Seen::Known(mount);
    });
    connect(Errno::EROFS, "bind/read-only-filesystem", facts).both();
}

#[test]
fn the_file_is_not_the_servers() {
    let refused = |id, facts| connect(REFUSED, id, facts);
    let mut rebound = stale();
    namesake(&mut rebound, |_| ());
    refused("connect/path-rebound", rebound.clone()).both();
    let mut hidden = rebound.clone();
    namesake(&mut hidden, |s| s.owners = Seen::Unseen(Unseen::Denied { needs: "root" }));
    refused("connect/path-rebound", hidden).likely().both();
    // A server of the same name in a container does not make this file anything but stale.
    let mut container = stale();
    namesake(&mut container, |s| {
        let mut owner = server();
        owner.mount_namespace = Seen::Known(ELSEWHERE);
        s.owners = Seen::Known(vec![owner]);
    });
    refused("connect/stale-socket", container).both();

    let mounted = |root: &'static [u8]| {
        let mut facts = stale();
        let mount = Mount { root: root.to_vec(), ..mount("ext4", b"/run/app.sock") };
        file(&mut facts).mount = Seen::Known(mount);
        facts
    };
    refused("connect/stale-bind-mount", mounted(b"/srv/app.sock//deleted")).both();
    refused("connect/stale-socket", mounted(b"/srv/app.sock")).both();

    let mut seen = stale();
    file(&mut seen).mount = Seen::Known(mount("overlay", b"/run"));
    refused("connect/stale-socket", seen.clone()).both();
    path(&mut seen).lookalikes = Seen::Known(vec![listener(b"/lower/app.sock", INODE)]);
    refused("connect/other-filesystem-view", seen).both();
    // The layer of an overlay, or by chance the same number on another file system.
    let mut layer = stale();
    path(&mut layer).lookalikes = Seen::Known(vec![listener(b"/merged/app.sock", INODE)]);
    refused("connect/stale-socket", layer).likely().both();
    let mut shared = stale();
    file(&mut shared).mount = Seen::Known(mount("virtiofs", b"/run"));
    refused("connect/other-filesystem-view", shared).likely().both();
}

#[test]
fn abstract_names() {
    let refused = |id, facts| connect(REFUSED, id, facts);
    refused("connect/abstract-nobody", abstract_name()).both();
    let other_type = named(|n| n.bound = Seen::Known(vec![datagram(b"\0app", 0)]));
    refused("connect/abstract-nobody", other_type).both();
    let padded = named(|n| n.padded = Seen::Known(vec![listener(b"\0app\0\0\0", 0)]));
    refused("connect/abstract-padded", padded).both();
    let elsewhere = named(|n| n.elsewhere = Seen::Known(vec![listener(b"\0app", 0)]));
    refused("connect/abstract-other-namespace", elsewhere).both();
    let narrow = named(|n| {
        n.elsewhere = Seen::default();
        n.everywhere = Seen::Unseen(Unseen::Denied { needs: "CAP_SYS_ADMIN" });
    });
    let d = diagnose(Call::Connect, SocketType::Stream, Some(REFUSED.into()), &narrow);
    assert!(d.causes.iter().all(|r| r.certainty != sunpath_core::Certainty::Certain));
    let idle = named(|n| {
        let mut socket = listener(b"\0app", 0);
        socket.state = State::Unconnected;
        n.bound = Seen::Known(vec![socket]);
    });
    refused("connect/not-listening", idle).both();
}

#[test]
fn addresses_that_are_not_valid() {
    let passed = |length, family| {
        with(|f| f.arguments.address = Some(AddressArgument { length, family: Some(family) }))
    };
    let einval = |id, facts| connect(Errno::EINVAL, id, facts);
    for length in [-1, 0, 1, 2, 111, 129] {
        einval("connect/bad-address-length", passed(length, Family::Unix)).both();
    }
    einval("connect/wrong-family", passed(110, Family::Inet)).both();
    einval("connect/wrong-family", passed(110, Family::Unspec)).both();
    let dissolve = passed(2, Family::Unspec);
    let d = diagnose(Call::Connect, SocketType::Datagram, Some(Errno::EINVAL.into()), &dissolve);
    assert!(d.causes.iter().all(|r| r.cause.id != "connect/wrong-family"));
    let long = |length| with(|f| path(f).given = vec![b'x'; length]);
    einval("connect/path-too-long", long(109)).both();
    einval("connect/path-too-long", long(1 << 20)).both();
    einval("connect/path-too-long", long(108)).likely().foreseen();
    works(Call::Connect, SocketType::Stream, &long(107), "107 bytes");
    einval("connect/path-too-long", named(|n| n.name = vec![b'x'; 108])).both();
}

#[test]
fn states_of_both_ends() {
    let connected = holding(healthy(), own(State::Connected));
    connect(Errno::EISCONN, "connect/already-connected", connected.clone()).both();
    let mut gone = connected;
    gone.target = missing().target;
    connect(Errno::ENOENT, "connect/no-such-file", gone).both();
    let listening = holding(healthy(), own(State::Listening));
    connect(Errno::EINVAL, "connect/from-listener", listening).both();
    let mut waited = own(State::Unconnected);
    waited.history.blocked = true;
    let interrupted = holding(healthy(), waited);
    connect(Errno::EINTR, "connect/interrupted", interrupted).explained();
    let taken = with(|f| {
        let mut socket = datagram(b"/run/app.sock", INODE);
        socket.state = State::Connected;
        socket.peer = Some(77);
        path(f).attached = Seen::Known(vec![socket]);
    });
    connect(Errno::EPERM, "connect/receiver-has-another-peer", taken)
        .socket(SocketType::Datagram)
        .both();
}

#[test]
fn other_systems() {
    let facts = serving(|s| s.backlog = Some(Backlog { pending: 2, limit: 1 }));
    let on = |platform, errno: Errno, id: &str, facts: &Facts| {
        let symptom = Some(errno.into());
        let d = diagnose_on(platform, Call::Connect, SocketType::Stream, symptom, facts);
        assert!(d.causes.iter().any(|r| r.cause.id == id), "{platform} {id}: {:?}", d.causes);
    };
    let mut quick = facts.clone();
    quick.arguments.nonblocking = Some(true);
    on(Platform::FreeBsd15, REFUSED, "connect/backlog-full", &quick);
    on(Platform::FreeBsd14, Errno::EINPROGRESS, "connect/in-progress-unix", &facts);
    on(Platform::FreeBsd14, Errno::ECONNRESET, "connect/reset", &facts);
    on(Platform::MacOs, Errno::EALREADY, "connect/concurrent-connect", &facts);
    let long = with(|f| {
        walk(f).steps.insert(2, link(b"/run/l", &[b'x'; 1024]));
    });
    on(Platform::FreeBsd14, Errno::ENAMETOOLONG, "connect/path-too-long-after-symlinks", &long);
    let regular = with(|f| file(f).kind = FileKind::Regular);
    on(Platform::MacOs, Errno::ENOTSOCK, "connect/not-a-socket", &regular);
    let symptom = Some(Errno::EADDRINUSE.into());
    let d = diagnose_on(Platform::MacOs, Call::Connect, SocketType::Tcp, symptom, &facts);
    assert!(d.causes.iter().any(|r| r.cause.id == "connect/address-in-use"));
}
