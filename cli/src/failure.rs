//! What the system refused, in words: what it means, its name, and what helps.

use crate::nearest::nearest;
use std::error::Error;
use std::fmt::Display;
use std::fs::read_dir;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use sunpath::sys::{Errno, errno};
use sunpath::text::{escape, shell};

/// Names in a directory that are compared at most.
const MOST: usize = 1000;

/// How errors are told to users.
pub trait Told {
    /// Of an error of the system its meaning and name, `permission denied (EACCES)`, and what helps
    /// where that is always the same; others tell it themselves.
    fn told(&self) -> String;
}

impl<E: Error + 'static> Told for E {
    fn told(&self) -> String {
        let error: &(dyn Error + 'static) = self;
        let io = || error.downcast_ref().and_then(Errno::from_io_error);
        match error.downcast_ref::<Errno>().copied().or_else(io) {
            Some(errno) => errno::told(errno) + usually_helps(errno),
            None => error.to_string(),
        }
    }
}

fn usually_helps(errno: Errno) -> &'static str {
    match errno {
        Errno::NOSPC | Errno::DQUOT => "; make room, or write elsewhere",
        Errno::FBIG => "; see ulimit -f",
        Errno::MFILE => "; see ulimit -n",
        Errno::ROFS => "; write elsewhere",
        Errno::ISDIR => "; name a file in it",
        _ => "",
    }
}

/// `cannot read /a/b.trace: no such file or directory (ENOENT); make the directory first: ...`
pub fn on_file(tried: &str, path: &Path, error: &io::Error) -> String {
    let helps = Errno::from_io_error(error).and_then(|errno| helps(path, errno));
    let helps = helps.map(|helps| format!("; {helps}")).unwrap_or_default();
    format!("cannot {tried} {}: {}{helps}", shown(path), error.told())
}

/// As [`on_file`], of what is no file of this path.
pub fn on(tried: impl Display, error: &impl Told) -> String {
    format!("cannot {tried}: {}", error.told())
}

fn shown(path: &Path) -> String {
    escape(path.as_os_str().as_bytes())
}

fn quoted(path: &Path) -> String {
    shell(path.as_os_str().as_bytes())
}

/// What helps with a file.
fn helps(path: &Path, errno: Errno) -> Option<String> {
    let above = path.parent().filter(|above| !above.as_os_str().is_empty());
    let above = above.unwrap_or(Path::new("."));
    match errno {
        Errno::NOENT if !above.exists() => {
            Some(format!("make the directory first: mkdir -p -- {}", quoted(above)))
        }
        Errno::NOENT => {
            let names = read_dir(above).ok()?.take(MOST).flatten();
            let names: Vec<_> = names.filter_map(|e| e.file_name().into_string().ok()).collect();
            let near = nearest(path.file_name()?.to_str()?, names.iter().map(String::as_str))?;
            Some(format!("did you mean {}?", shown(&path.with_file_name(near))))
        }
        Errno::ACCESS | Errno::PERM => Some(format!("who may: namei -l {}", quoted(path))),
        Errno::NOTDIR => Some(format!("see namei {}", quoted(path))),
        Errno::NXIO if path.metadata().is_ok_and(|m| m.file_type().is_socket()) => {
            Some(format!("it is a socket: sunpath connect {}", quoted(path)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_helps_goes_by_what_is_there() {
        let text = |path: &str, errno: Errno| on_file("open", Path::new(path), &errno.into());
        assert_eq!(
            text("/none/here/x", Errno::NOENT),
            "cannot open /none/here/x: no such file or directory (ENOENT); make the directory \
             first: mkdir -p -- /none/here"
        );
        assert!(
            text("/proc/self/stauts", Errno::NOENT).ends_with("did you mean /proc/self/status?")
        );
        assert!(text("/a b", Errno::ACCESS).ends_with("(EACCES); who may: namei -l '/a b'"));
        assert!(text("/tmp", Errno::ISDIR).ends_with("(EISDIR); name a file in it"));
        assert_eq!(text("/x", Errno::IO), "cannot open /x: input/output error (EIO)");
        assert_eq!(on("wait", &Errno::NOSPC), format!("cannot wait: {}", Errno::NOSPC.told()));
    }
}
