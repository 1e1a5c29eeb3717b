//! Notes on what was probably meant where the path, as given, leads nowhere.

use crate::nearest::nearest;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileTypeExt;
use sunpath::Call;
use sunpath::fact::PathTarget;
use sunpath::fact::path::End;
use sunpath::text::escape;

/// Names in a directory that are compared at most.
const MOST: usize = 1000;

/// The notes. `here` says whether the caller looks names up from where this process does, and
/// `home` is its home directory, if known.
pub fn notes(path: &PathTarget, call: Call, here: bool, home: Option<&OsStr>) -> Vec<String> {
    let walk = path.walk.known().map(|walk| &walk.end);
    let Some(End::Missing { name, last, link: None }) = walk else { return Vec::new() };
    if let Some(note) = unexpanded(&path.given, name, home) {
        return vec![note];
    }
    if *last && here && call != Call::Bind {
        return similar(&path.given, name).into_iter().collect();
    }
    Vec::new()
}

/// What only a shell understands, and a program takes literally.
fn unexpanded(given: &[u8], missing: &[u8], home: Option<&OsStr>) -> Option<String> {
    const WHO: &str = "expanded by a shell only: a program that reads them from a configuration \
                       file takes them literally";
    let [first, .., end] = given else { return None };
    if b"\"'".contains(first) && first == end && given.len() > 2 {
        let inside = escape(&given[1..given.len() - 1]);
        return Some(format!("Quotes are removed by a shell only; {inside} was probably meant."));
    }
    if given.starts_with(missing) && missing.first() == Some(&b'~') {
        let rest = (missing == b"~").then(|| &given[1..]);
        let meant = home.zip(rest).map(|(home, rest)| [home.as_bytes(), rest].concat());
        let meant = meant.map_or_else(
            || "the path of the home directory was probably meant".to_string(),
            |path| format!("{} was probably meant", escape(&path)),
        );
        return Some(format!("~ and $VAR are {WHO}; {meant}."));
    }
    let variable = |pair: &[u8]| {
        pair[0] == b'$' && (pair[1] == b'{' || pair[1] == b'_' || pair[1].is_ascii_alphabetic())
    };
    missing.windows(2).any(variable).then(|| {
        format!("~ and $VAR are {WHO}; the path with the value of the variable was probably meant.")
    })
}

/// A socket file in the same directory whose name is nearly the missing one.
fn similar(given: &[u8], missing: &[u8]) -> Option<String> {
    let missing = std::str::from_utf8(missing).ok()?;
    let directory = given.strip_suffix(missing.as_bytes())?;
    let place = if directory.is_empty() { b"." } else { directory };
    let entries = std::fs::read_dir(OsStr::from_bytes(place)).ok()?.take(MOST).flatten();
    let sockets = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_socket()));
    let names: Vec<_> = sockets.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    let stems: Vec<_> = names.iter().map(|name| stem(name)).collect();
    let near = nearest(&stem(missing), stems.iter().map(String::as_str))?;
    let name = &names[stems.iter().position(|stem| stem == near)?];
    let meant = [directory, name.as_bytes()].concat();
    Some(format!("Did you mean {}?", escape(&meant)))
}

/// The name in lower case, without the endings that most sockets share, and which say nothing.
fn stem(name: &str) -> String {
    let lower = name.to_lowercase();
    let endings = [".sock", ".socket"];
    endings.iter().find_map(|end| lower.strip_suffix(end)).unwrap_or(&lower).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_shell_would_have_done_is_told() {
        let of = |given: &str, missing: &str| {
            unexpanded(given.as_bytes(), missing.as_bytes(), Some(OsStr::new("/home/me")))
        };
        assert!(of("~/x.sock", "~").unwrap().contains(" /home/me/x.sock was probably meant"));
        assert!(of("~you/x.sock", "~you").unwrap().contains("home directory was probably"));
        assert!(of("$XDG_RUNTIME_DIR/bus", "$XDG_RUNTIME_DIR").unwrap().contains("variable"));
        assert!(of("/run/${APP}.sock", "${APP}.sock").unwrap().contains("variable"));
        assert!(of("\"/tmp/a.sock\"", "\"").unwrap().contains(" /tmp/a.sock was probably"));
        for (given, missing) in [("/run/x~", "x~"), ("/run/a$", "a$"), ("\"", "\""), ("x", "x")] {
            assert_eq!(of(given, missing), None, "{given}");
        }
    }
}
