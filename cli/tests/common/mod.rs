//! Runs the real binary, and makes places for its sockets.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{PoisonError, RwLock};
use sunpath::sys::process::Signal;

/// What a run printed, and its status.
pub struct Run {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Run {
    /// Standard output as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out)
            .unwrap_or_else(|e| panic!("no JSON: {e}\n{}\n{}", self.out, self.err))
    }

    /// Both outputs hold nothing that a terminal obeys.
    pub fn assert_calm(&self) {
        for text in [&self.out, &self.err] {
            let wild = text.chars().find(|c| c.is_control() && *c != '\n');
            assert_eq!(wild, None, "a control character in {text:?}");
            assert!(!text.contains("panicked"), "{text}");
        }
    }
}

impl From<Output> for Run {
    fn from(output: Output) -> Run {
        Run {
            code: output.status.code().expect("ended by itself"),
            out: String::from_utf8(output.stdout).expect("output is text"),
            err: String::from_utf8(output.stderr).expect("errors are text"),
        }
    }
}

/// Held while a child is made, and alone while a descriptor is closed for good: between `fork` and
/// `exec` a child has every descriptor of this process, and a socket that a test closed would
/// still be open.
static FORKS: RwLock<()> = RwLock::new(());

/// Starts a command and waits until it is a process of its own.
pub fn spawn(command: &mut Command) -> std::io::Result<Child> {
    let _held = FORKS.read().unwrap_or_else(PoisonError::into_inner);
    command.spawn()
}

/// Runs a command to its end.
pub fn output(command: &mut Command) -> std::io::Result<Output> {
    spawn(command.stdout(Stdio::piped()).stderr(Stdio::piped()))?.wait_with_output()
}

/// Closes a socket while no child is being made.
pub fn close<T>(socket: T) {
    let _alone = FORKS.write().unwrap_or_else(PoisonError::into_inner);
    drop(socket);
}

/// What a look gives once it is as wanted, or at the latest after a minute.
pub fn until<T>(look: impl Fn() -> T, wanted: impl Fn(&T) -> bool) -> T {
    let begun = std::time::Instant::now();
    loop {
        let seen = look();
        if wanted(&seen) || begun.elapsed() > std::time::Duration::from_secs(60) {
            return seen;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

/// The binary, in an environment that asks for no colour and no odd width.
pub fn sunpath() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sunpath"));
    for name in ["NO_COLOR", "CLICOLOR_FORCE", "CLICOLOR", "COLUMNS"] {
        command.env_remove(name);
    }
    command.stdin(Stdio::null());
    command
}

/// Runs the binary and checks that its output is fit for a terminal.
pub fn run<S: AsRef<OsStr>>(args: &[S]) -> Run {
    let run = Run::from(output(sunpath().args(args)).expect("the binary runs"));
    run.assert_calm();
    run
}

/// `sunpath why` on an address.
pub fn why(address: impl AsRef<OsStr>) -> Run {
    run(&[OsStr::new("why"), address.as_ref()])
}

/// The id of the first cause.
pub fn first_cause(json: &serde_json::Value) -> Option<&str> {
    json["causes"][0]["id"].as_str()
}

/// Every field's name stands in the documentation.
pub fn every_key_is_documented(value: &serde_json::Value) {
    let text = include_str!("../../../docs/json.md");
    let mut left = vec![value];
    while let Some(value) = left.pop() {
        if let Some(object) = value.as_object() {
            for (key, value) in object {
                let documented = |key: &str| text.contains(&format!("`{key}`"));
                let plain = key.strip_suffix("_bytes").unwrap_or(key);
                assert!(documented(key) || documented(plain), "{key} is not in docs/json.md");
                left.push(value);
            }
        }
        left.extend(value.as_array().into_iter().flatten());
    }
}

/// Whether this process ignores a signal, as programs do then that it starts: a shell without job
/// control has those ignore interrupts that it starts in the background.
pub fn is_ignored(signal: Signal) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap();
    u64::from_str_radix(mask.trim(), 16).unwrap() >> (signal.as_raw() - 1) & 1 == 1
}

/// An interrupt, or where that would be ignored another signal that ends programs.
pub fn interrupt() -> Signal {
    if is_ignored(Signal::INT) { Signal::TERM } else { Signal::INT }
}

/// A private directory that goes away with its value.
pub struct Dir(PathBuf);

impl Dir {
    /// Makes one that every user may enter, with a path short enough for sockets.
    pub fn new() -> Dir {
        Dir::under(&std::env::temp_dir())
    }

    /// The same in another place than where temporary files are.
    pub fn under(place: &Path) -> Dir {
        use std::os::unix::fs::PermissionsExt;
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = place.join(format!("sunpath-{}-{n}", std::process::id()));
        std::fs::create_dir(&path).expect("a directory for the test");
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&path, mode).expect("its mode");
        Dir(path)
    }

    /// A path in it.
    pub fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
