//! Who looks at a scene, and from where.

use serde_json::Value;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// An ordinary user.
const NOBODY: u32 = 65534;

/// What `sunpath demo ID -- COMMAND` ends with if this system cannot set the scene up.
const NOT_SET_UP: i32 = 120;

/// A way to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Root sets the scene up; the client itself asks.
    Client,
    /// Root sets the scene up, and asks on behalf of a client that waits.
    Onlooker,
    /// Root sets the scene up, and asks on behalf of the user nobody, by name.
    ForNobody,
    /// An ordinary user does everything.
    User,
}

/// The answer of `sunpath why --json` in a scene; `None`, and a word on standard error, if this
/// system or user cannot set it up.
pub fn ask(role: Role, scene: &str, arguments: &[&str]) -> Option<Value> {
    let root = fs::metadata("/proc/self").is_ok_and(|own| uid(&own) == 0);
    if role != Role::User && !root {
        eprintln!("skipped: {scene} as {role:?} needs root");
        return None;
    }
    let binary = Binary::reachable();
    let mut command = Command::new(binary.path());
    command.arg("demo").arg(scene);
    if role == Role::Onlooker || role == Role::ForNobody {
        command.arg("--outside");
    }
    if role == Role::User && root {
        command.uid(NOBODY).gid(NOBODY);
    }
    // Within the scene, the tool's own process leads to its program wherever that is.
    command.args(["--", "/proc/self/exe", "why", "--json"]).args(arguments);
    match role {
        Role::Onlooker => command.args(["--pid", "{pid}"]),
        Role::ForNobody => command.args(["--as", "nobody"]),
        Role::Client | Role::User => &mut command,
    };
    let output = command.arg("{}").current_dir("/usr").output().expect("run sunpath");
    answer(role, scene, &output)
}

fn answer(role: Role, scene: &str, output: &Output) -> Option<Value> {
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(NOT_SET_UP) {
        eprintln!("skipped: {scene} as {role:?}: {}", said.trim());
        return None;
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let value = serde_json::from_str(&text);
    Some(value.unwrap_or_else(|error| panic!("{scene} as {role:?}: {error}: {text}{said}")))
}

/// What matters of an answer when it is not the right one.
pub fn gist(answer: &Value) -> String {
    let causes = answer["causes"].as_array().into_iter().flatten();
    let causes: Vec<String> =
        causes.map(|c| format!("{} ({}): {}", c["id"], c["certainty"], c["because"])).collect();
    format!("{} {} {causes:?} unseen: {}", answer["outcome"], answer["errno"], answer["unseen"])
}

fn uid(file: &fs::Metadata) -> u32 {
    std::os::unix::fs::MetadataExt::uid(file)
}

/// The tool, where every user can run it.
enum Binary {
    /// Where it was built.
    InPlace(PathBuf),
    /// A copy, for a build directory that only its owner may enter.
    Copied(Arc<Copied>),
}

impl Binary {
    fn reachable() -> Self {
        /// The copy lives as long as some test uses it.
        static COPY: Mutex<Weak<Copied>> = Mutex::new(Weak::new());
        let built = Path::new(env!("CARGO_BIN_EXE_sunpath"));
        let open = |path: &Path| {
            fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o005 == 0o005)
        };
        if built.ancestors().all(open) {
            return Binary::InPlace(built.to_path_buf());
        }
        let mut copy = COPY.lock().unwrap_or_else(PoisonError::into_inner);
        let shared = copy.upgrade().unwrap_or_else(|| Arc::new(Copied::new(built)));
        *copy = Arc::downgrade(&shared);
        Binary::Copied(shared)
    }

    fn path(&self) -> OsString {
        match self {
            Binary::InPlace(path) => path.into(),
            Binary::Copied(copy) => copy.0.join("sunpath").into(),
        }
    }
}

struct Copied(PathBuf);

impl Copied {
    fn new(built: &Path) -> Self {
        let name = format!("sunpath-test-{}", std::process::id());
        let dir = std::env::temp_dir().join(name);
        fs::create_dir(&dir).expect("make a directory for the tool");
        let open = |path: &Path| fs::set_permissions(path, fs::Permissions::from_mode(0o755));
        open(&dir).expect("open the directory");
        fs::copy(built, dir.join("sunpath")).expect("copy the tool");
        open(&dir.join("sunpath")).expect("let everybody run the tool");
        Copied(dir)
    }
}

impl Drop for Copied {
    fn drop(&mut self) {
        // What cannot be removed here is in the directory for temporary files.
        let _ = fs::remove_dir_all(&self.0);
    }
}
