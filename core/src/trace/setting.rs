//! What happens around the processes.

use super::cursor::{Cursor, Of, Read};
use super::word;
use super::writer::Writer;
use crate::op::{Internet, Manner, Mount, Restriction, Route, Setting};
use alloc::format;

const SWITCH: &[(&str, bool)] = &[("on", true), ("off", false)];

const ROUTES: &[(&str, Route)] = &[
    ("hosts", Route::Hosts),
    ("broadcast", Route::Broadcast),
    ("unreachable", Route::Unreachable),
    ("prohibit", Route::Prohibit),
    ("blackhole", Route::Blackhole),
];

const MANNERS: &[(&str, Manner)] = &[
    ("accepts", Manner::Accepts),
    ("refuses", Manner::Refuses),
    ("resets", Manner::Resets),
    ("silent", Manner::Silent),
    ("unreachable", Manner::Unreachable),
];

const MOUNTS: &[&str] =
    &["read-only", "full", "without-sockets", "dead-fuse", "view=\"path\"", "bind=\"path\""];

const RESTRICTIONS: &[&str] =
    &["abstract-scope", "no-unix-sockets", "user-namespace", "denied=\"path\"", "covered=\"path\""];

/// `mount "/data" read-only`
pub(super) fn write(w: &mut Writer<'_>, setting: &Setting) {
    match setting {
        Setting::Mount { at, how } => {
            w.word("mount");
            word::write_path(w, at);
            write_mount(w, how);
        }
        Setting::Immutable { path, on } => {
            w.word("immutable");
            word::write_path(w, path);
            switch(w, *on);
        }
        Setting::ProtectedSymlinks { on } => {
            w.word("protected-symlinks");
            switch(w, *on);
        }
        Setting::Member { uid, gid } => w.word(format!("member {uid}:{gid}")),
        Setting::Restrict { task, how } => {
            w.word("restrict ");
            w.reference(task);
            write_restriction(w, how);
        }
        Setting::Stop { task, on } => {
            w.word(if *on { "stop " } else { "continue " });
            w.reference(task);
        }
        Setting::Busy { task, fd, on } => {
            w.word("busy ");
            w.reference(task);
            w.fd(*fd);
            switch(w, *on);
        }
        Setting::KernelMemory { allocations: None } => w.word("kernel-memory unlimited"),
        Setting::KernelMemory { allocations: Some(number) } => {
            w.word(format!("kernel-memory {number}"));
        }
        Setting::SystemLimit { files } => w.word(format!("system-limit {files}")),
        Setting::Internet(internet) => write_internet(w, internet),
    }
}

fn switch(w: &mut Writer<'_>, on: bool) {
    w.word(if on { "on" } else { "off" });
}

fn write_mount(w: &mut Writer<'_>, how: &Mount) {
    match how {
        Mount::ReadOnly => w.word("read-only"),
        Mount::Full => w.word("full"),
        Mount::WithoutSockets => w.word("without-sockets"),
        Mount::DeadFuse => w.word("dead-fuse"),
        Mount::View { of } => {
            w.key("view");
            word::write_bytes(w, of);
        }
        Mount::Bind { of } => {
            w.key("bind");
            word::write_bytes(w, of);
        }
    }
}

fn write_restriction(w: &mut Writer<'_>, how: &Restriction) {
    match how {
        Restriction::AbstractScope => w.word("abstract-scope"),
        Restriction::NoUnixSockets => w.word("no-unix-sockets"),
        Restriction::UserNamespace => w.word("user-namespace"),
        Restriction::Denied { path } => {
            w.key("denied");
            word::write_bytes(w, path);
        }
        Restriction::Covered { path } => {
            w.key("covered");
            word::write_bytes(w, path);
        }
    }
}

fn write_internet(w: &mut Writer<'_>, internet: &Internet) {
    match internet {
        Internet::Route { to: [a, b, c, d], bits, leads } => {
            w.word(format!("route {a}.{b}.{c}.{d}/{bits}"));
            w.word(name_of(ROUTES, *leads));
        }
        Internet::Host { address: [a, b, c, d], manner } => {
            w.word(format!("host {a}.{b}.{c}.{d}"));
            w.word(name_of(MANNERS, *manner));
        }
        Internet::Ports { first, last } => w.word(format!("ports {first}-{last}")),
        Internet::Destroy { task, fd } => {
            w.word("destroy ");
            w.reference(task);
            w.fd(*fd);
        }
    }
}

fn name_of<T: PartialEq>(table: &[(&'static str, T)], value: T) -> &'static str {
    table.iter().find(|(_, v)| *v == value).map_or("", |(name, _)| name)
}

/// What follows after this word, with which a setting begins.
pub(super) fn read(c: &mut Cursor<'_>, word: &str) -> Read<Setting> {
    Ok(match word {
        "mount" => Setting::Mount { at: word::read_path(c)?, how: read_mount(c)? },
        "immutable" => Setting::Immutable { path: word::read_path(c)?, on: read_switch(c)? },
        "protected-symlinks" => Setting::ProtectedSymlinks { on: read_switch(c)? },
        "member" => {
            let (uid, gid) = word::read_owner(c)?;
            Setting::Member { uid, gid }
        }
        "restrict" => Setting::Restrict { task: read_task(c)?, how: read_restriction(c)? },
        "stop" | "continue" => Setting::Stop { task: read_task(c)?, on: word == "stop" },
        "busy" => Setting::Busy { task: read_task(c)?, fd: word::read_fd(c)?, on: read_switch(c)? },
        "kernel-memory" => {
            c.skip();
            let unlimited = c.peek_word() == "unlimited";
            if unlimited {
                c.take("unlimited");
                return Ok(Setting::KernelMemory { allocations: None });
            }
            Setting::KernelMemory { allocations: Some(c.number_of("a number, or unlimited")?) }
        }
        "system-limit" => {
            c.skip();
            Setting::SystemLimit { files: c.number_of("a number of files")? }
        }
        "route" => {
            let to = word::read_host(c)?;
            c.expect("/")?;
            let bits = c.number_of("a number of bits")?;
            c.skip();
            let leads = c.one_of("where it leads", ROUTES)?;
            Setting::Internet(Internet::Route { to, bits, leads })
        }
        "host" => {
            let address = word::read_host(c)?;
            c.skip();
            let manner = c.one_of("how it behaves", MANNERS)?;
            Setting::Internet(Internet::Host { address, manner })
        }
        "ports" => {
            c.skip();
            let first = c.number_of("the first port")?;
            c.expect("-")?;
            let last = c.number_of("the last port")?;
            Setting::Internet(Internet::Ports { first, last })
        }
        _ => Setting::Internet(Internet::Destroy { task: read_task(c)?, fd: word::read_fd(c)? }),
    })
}

fn read_task(c: &mut Cursor<'_>) -> Read<u32> {
    c.skip();
    word::read_reference(c, Of::Task, "a process")
}

fn read_switch(c: &mut Cursor<'_>) -> Read<bool> {
    c.skip();
    c.one_of("a switch", SWITCH)
}

fn read_mount(c: &mut Cursor<'_>) -> Read<Mount> {
    c.skip();
    let word = c.peek_word();
    let plain = match word {
        "read-only" => Mount::ReadOnly,
        "full" => Mount::Full,
        "without-sockets" => Mount::WithoutSockets,
        "dead-fuse" => Mount::DeadFuse,
        "view" | "bind" => {
            c.take(word);
            c.expect("=")?;
            let of = word::read_bytes(c)?;
            return Ok(if word == "view" { Mount::View { of } } else { Mount::Bind { of } });
        }
        _ => {
            return c.none_of("a file system", MOUNTS);
        }
    };
    c.take(word);
    Ok(plain)
}

fn read_restriction(c: &mut Cursor<'_>) -> Read<Restriction> {
    c.skip();
    let word = c.peek_word();
    let plain = match word {
        "abstract-scope" => Restriction::AbstractScope,
        "no-unix-sockets" => Restriction::NoUnixSockets,
        "user-namespace" => Restriction::UserNamespace,
        "denied" | "covered" => {
            c.take(word);
            c.expect("=")?;
            let path = word::read_bytes(c)?;
            let denied = word == "denied";
            return Ok(if denied {
                Restriction::Denied { path }
            } else {
                Restriction::Covered { path }
            });
        }
        _ => return c.none_of("a restriction", RESTRICTIONS),
    };
    c.take(word);
    Ok(plain)
}
