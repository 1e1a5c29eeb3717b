//! The tool, run by different users.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// An ordinary user.
pub const NOBODY: u32 = 65534;

/// Whether root runs the tests.
pub fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

/// The tool, where every user can run it.
pub enum Tool {
    /// Where it was built.
    InPlace(PathBuf),
    /// A copy, for a build directory that only its owner may enter.
    Copied(Arc<Copied>),
}

impl Tool {
    /// The tool, copied if need be.
    pub fn reachable() -> Self {
        /// The copy lives as long as some test uses it.
        static COPY: Mutex<Weak<Copied>> = Mutex::new(Weak::new());
        let built = Path::new(env!("CARGO_BIN_EXE_sunpath"));
        let open = |path: &Path| {
            fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o005 == 0o005)
        };
        if built.ancestors().all(open) {
            return Tool::InPlace(built.to_path_buf());
        }
        let mut copy = COPY.lock().unwrap_or_else(PoisonError::into_inner);
        let shared = copy.upgrade().unwrap_or_else(|| Arc::new(Copied::new(built)));
        *copy = Arc::downgrade(&shared);
        Tool::Copied(shared)
    }

    /// Where it is.
    pub fn path(&self) -> PathBuf {
        match self {
            Tool::InPlace(path) => path.clone(),
            Tool::Copied(copy) => copy.0.join("sunpath"),
        }
    }

    /// To be run by whoever runs the tests.
    pub fn as_is(&self) -> Command {
        let mut command = Command::new(self.path());
        // Below the root directory a path without its first slash would be right by chance.
        command.current_dir("/usr").stdin(Stdio::null());
        command
    }

    /// To be run by an ordinary user.
    pub fn as_user(&self) -> Command {
        let mut command = self.as_is();
        if is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    }
}

/// A copy of the tool, in a directory of its own.
pub struct Copied(PathBuf);

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
