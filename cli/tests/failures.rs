//! What a user reads when the system refuses something: what was tried, on what, the meaning and
//! the name of the error, and what helps; never a bare number.

mod common;

use common::{Dir, Run, output, sunpath};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

/// A run that fails, with all that must be in what it says.
fn fails(command: &mut Command, says: &[&str]) -> Run {
    let shown = format!("{command:?}");
    let run = Run::from(output(command).unwrap());
    assert_ne!(run.code, 0, "{shown}: {}", run.err);
    assert!(!run.err.contains("os error"), "{shown}: {}", run.err);
    run.assert_calm();
    for part in says {
        assert!(run.err.contains(part), "{shown}: not \"{part}\" in: {}", run.err);
    }
    run
}

fn at(dir: &Dir, args: &[&str]) -> Command {
    let mut command = sunpath();
    command.current_dir(dir.join("")).args(args);
    command
}

#[test]
fn files_that_cannot_be_used_are_told() {
    let dir = Dir::new();
    let _listener = UnixListener::bind(dir.join("s")).unwrap();
    fs::create_dir(dir.join("dir")).unwrap();
    fs::write(dir.join("story.trace"), "").unwrap();
    let none = "no such file or directory (ENOENT)";
    let make = "make the directory first: mkdir -p -- none";
    let directory = "is a directory (EISDIR); name a file in it";
    let cases: &[(&[&str], &[&str])] = &[
        (&["connect", "--send-fd", "none/x", "s"], &["cannot open none/x", none, make]),
        (&["connect", "--send-fd", "77", "s"], &["descriptor 77", "(EBADF)", "3< FILE"]),
        (&["connect", "--send-fd", "s", "s"], &["cannot open s", "(ENXIO)", "sunpath connect s"]),
        (&["connect", "--save-fds", "story.trace", "s"], &["story.trace is no directory"]),
        (&["listen", "--save-fds", "none/here", "l"], &["no directory in which to make none/here"]),
        (&["tap", "-o", "none/log", "t", "s"], &["cannot write to none/log", none, make]),
        (&["tap", "-o", "dir", "t", "s"], &["cannot write to dir", directory]),
        (&["tap", "-o", "story.trace/x", "t", "s"], &["(ENOTDIR)", "namei story.trace/x"]),
        (&["play", "stroy.trace"], &["stroy.trace: no such", "did you mean story.trace?"]),
        (&["play", "none/x.trace"], &["cannot read none/x.trace", none, make]),
        (&["play", "s"], &["cannot read s", "(ENXIO)"]),
        (&["map", "--svg", "none/map.svg"], &["cannot write none/map.svg", none, make]),
        (&["map", "--html", "dir"], &["cannot write dir", directory]),
        (&["man", "--dir", "story.trace/man"], &["cannot make the directory story.trace/man"]),
        (&["man", "--dir", "story.trace"], &["cannot make the directory", "(EEXIST)"]),
    ];
    for (args, says) in cases {
        fails(&mut at(&dir, args), says);
    }
}

#[test]
fn a_full_disk_is_told_by_every_command_that_prints() {
    let dir = Dir::new();
    fs::write(dir.join("story.trace"), "linux\nspawn a\n").unwrap();
    for args in [
        &["ls"][..],
        &["ls", "--json"],
        &["ls", "--files", "."],
        &["map"],
        &["map", "--dot"],
        &["top", "--once"],
        &["explain"],
        &["why", "none"],
        &["man"],
        &["completions", "bash"],
    ] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let mut command = at(&dir, args);
        // `output` would replace standard output.
        let run = Run::from(
            common::spawn(command.stdout(full).stderr(std::process::Stdio::piped()))
                .and_then(std::process::Child::wait_with_output)
                .unwrap(),
        );
        assert_eq!(run.code, 4, "{args:?}: {}", run.err);
        let says = "cannot write to standard output: no space left on device (ENOSPC); make room";
        assert!(run.err.contains(says), "{args:?}: {}", run.err);
    }
}

#[test]
fn a_command_that_cannot_be_started_is_told() {
    let dir = Dir::new();
    let _listener = UnixListener::bind(dir.join("s")).unwrap();
    let mut command = at(&dir, &["connect", "--exec", "true", "s"]);
    fails(command.env("PATH", "/none"), &["cannot run true", "(ENOENT)", "there is no sh in PATH"]);
}

#[test]
fn a_file_that_may_not_be_read_or_written_is_told() {
    let dir = Dir::new();
    let _listener = UnixListener::bind(dir.join("s")).unwrap();
    fs::write(dir.join("secret.trace"), "").unwrap();
    fs::set_permissions(dir.join("secret.trace"), PermissionsExt::from_mode(0o000)).unwrap();
    let cases: &[(&[&str], &str)] = &[
        (&["connect", "--send-fd", "secret.trace", "s"], "cannot open secret.trace"),
        (&["play", "secret.trace"], "cannot read secret.trace"),
        (&["tap", "-o", "secret.trace", "@unused", "s"], "cannot write to secret.trace"),
        (&["map", "--svg", "secret.trace"], "cannot write secret.trace"),
    ];
    for (args, says) in cases {
        let mut command = match sunpath::sys::process::user() {
            0 => {
                let mut command = Command::new("setpriv");
                command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]);
                command.arg(env!("CARGO_BIN_EXE_sunpath"));
                command
            }
            _ => sunpath(),
        };
        command.args(*args).current_dir(dir.join(""));
        if !starts(&command) {
            eprintln!("skipped: setpriv cannot be run, or the binary by nobody else");
            return;
        }
        fails(&mut command, &[says, "permission denied (EACCES); who may: namei -l secret.trace"]);
    }
}

/// Whether the program of a command can be run as this user.
fn starts(command: &Command) -> bool {
    let mut version = Command::new(command.get_program());
    let own = Path::new(env!("CARGO_BIN_EXE_sunpath")).as_os_str();
    version.args(command.get_args().take_while(|arg| arg != &own));
    let own = (command.get_program() != own).then_some(own);
    version.args(own).arg(OsStr::new("--version"));
    output(&mut version).is_ok_and(|output| output.status.success())
}
