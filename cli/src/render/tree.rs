//! A path, drawn component by component, with the place where it breaks marked.

use super::page::Page;
use super::text::{calm, columns, pad, show, wrap};
use super::{BAD, DIM, GOOD, paint};
use sunpath::fact::path::{End, FileKind, Mount, PathTarget, Step, Walk};
use sunpath::text::escape;

/// What is said about the end of the path.
pub struct Mark {
    /// Whether it is the reason for a failure.
    pub bad: bool,
    /// A few words.
    pub text: String,
}

/// Steps shown at most; the middle of a longer walk is left out.
const MOST: usize = 16;
/// Levels of indentation at most.
const DEEPEST: usize = 10;

/// Draws the walk. The mark stands below the last step, or at the component that is missing.
pub fn draw(page: &mut Page, path: &PathTarget, mark: Option<&Mark>) {
    let walk = match path.walk.known() {
        Some(walk) => walk,
        None => {
            let why = path.walk.unseen().map(ToString::to_string).unwrap_or_default();
            page.para(&format!("The path could not be walked: {}.", calm(&why)), 2);
            return;
        }
    };
    let rows = rows(walk);
    let widest = |i: usize| rows.iter().map(|r| columns(&r.cells[i])).max().unwrap_or(0);
    let names = widest(0).min(page.width() / 2);
    let (kinds, owners) = (widest(1), widest(2));
    for (i, row) in rows.iter().enumerate() {
        let left_out = rows.len().saturating_sub(MOST);
        if left_out > 0 && (MOST / 2..MOST / 2 + left_out).contains(&i) {
            if i == MOST / 2 {
                page.line(&format!("  {}", paint(DIM, &format!("[... {left_out} steps ...]"))));
            }
            continue;
        }
        let [name, kind, owner, mode, mount] = &row.cells;
        let details = format!("{}  {}  {mode}", pad(kind, kinds), pad(owner, owners));
        let left = " ".repeat(names);
        let start = if columns(name) > names {
            page.line(&format!("  {name}"));
            format!("  {left}  {details}")
        } else {
            format!("  {}  {details}", pad(name, names))
        };
        if columns(&start) + 2 + columns(mount) <= page.width() {
            page.line(&format!("{start}  {}", paint(DIM, mount)));
        } else {
            page.line(&start);
            let mount = wrap(mount, names + 4, page.width());
            page.line(&format!("  {left}  {}", paint(DIM, &mount)));
        }
    }
    end(page, walk, rows.last().map_or(0, |r| r.depth), mark);
}

/// The line that ends the drawing: what is missing, or an arrow below the last step.
fn end(page: &mut Page, walk: &Walk, depth: usize, mark: Option<&Mark>) {
    let style = if mark.is_some_and(|m| m.bad) { BAD } else { GOOD };
    let text = mark.map(|m| m.text.as_str());
    if let End::Missing { name, .. } = &walk.end {
        let branch = branch((depth + 1).min(DEEPEST));
        let start = format!("  {branch}{}", paint(style, &show(name)));
        let note = format!("◄ {}", text.unwrap_or("does not exist"));
        let room = columns(&start) + 2 + columns(&note) <= page.width();
        if room {
            page.line(&format!("{start}  {}", paint(style, &note)));
            return;
        }
        page.line(&start);
    }
    if let Some(text) = text {
        let indent = 2 + 2 * (depth + usize::from(matches!(walk.end, End::Missing { .. })));
        let wrapped = wrap(text, indent + 2, page.width());
        for (i, line) in wrapped.lines().enumerate() {
            let start = if i == 0 { format!("{}▲ ", " ".repeat(indent)) } else { String::new() };
            page.line(&paint(style, &format!("{start}{line}")));
        }
    }
}

struct Row {
    depth: usize,
    cells: [String; 5],
}

fn rows(walk: &Walk) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut before: Option<&Step> = None;
    for (i, step) in walk.steps.iter().enumerate() {
        let depth = i.min(DEEPEST);
        let link = step.link.as_ref().map(|l| format!(" → {}", show(l))).unwrap_or_default();
        let name = format!("{}{}{link}", branch(depth), label(step, before));
        let cells = [name, kind(step).to_string(), owner(step), mode(step), mount(step, before)];
        rows.push(Row { depth, cells });
        before = Some(step);
    }
    rows
}

fn branch(depth: usize) -> String {
    if depth == 0 { String::new() } else { format!("{}└ ", "  ".repeat(depth - 1)) }
}

/// The last component; the whole path where the walk jumps, after a symbolic link.
fn label(step: &Step, before: Option<&Step>) -> String {
    let (parent, name) = split(&step.path);
    let expected = match before {
        None => return show(&step.path),
        Some(link) if link.link.is_some() => split(&link.path).0,
        Some(directory) => &directory.path,
    };
    if name.is_empty() || trimmed(parent) != trimmed(expected) {
        return show(&step.path);
    }
    show(name)
}

fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|b| *b == b'/') {
        Some(at) => (&path[..at], &path[at + 1..]),
        None => (b".", path),
    }
}

/// Without slashes at the end, so that the root is the empty path.
fn trimmed(path: &[u8]) -> &[u8] {
    let end = path.iter().rposition(|b| *b != b'/').map_or(0, |at| at + 1);
    &path[..end]
}

const fn kind(step: &Step) -> &'static str {
    match step.kind {
        FileKind::Regular => "file",
        FileKind::Directory => "directory",
        FileKind::Socket => "socket",
        FileKind::Symlink => "symlink",
        FileKind::Fifo => "FIFO",
        FileKind::CharDevice => "character device",
        FileKind::BlockDevice => "block device",
        FileKind::Other => "unknown kind",
    }
}

fn owner(step: &Step) -> String {
    let name = |name: &Option<String>, id: u32| match name {
        Some(name) => escape(name.as_bytes()),
        None => id.to_string(),
    };
    format!("{}:{}", name(&step.owner_name, step.uid), name(&step.group_name, step.gid))
}

/// The mode as `ls` writes it, with `+` for an access control list, and in octal.
fn mode(step: &Step) -> String {
    let acl = if step.acl.is(Option::is_some) { "+" } else { "" };
    format!("{}{acl} {:04o}", letters(step.mode), step.mode)
}

/// `rwxr-xr-x`, with `s`, `S`, `t` and `T` for the special bits.
pub fn letters(mode: u32) -> String {
    let mut out = String::new();
    for (shift, special, set, unset) in
        [(6, 0o4000, 's', 'S'), (3, 0o2000, 's', 'S'), (0, 0o1000, 't', 'T')]
    {
        let bits = mode >> shift;
        out.push(if bits & 4 != 0 { 'r' } else { '-' });
        out.push(if bits & 2 != 0 { 'w' } else { '-' });
        out.push(match (mode & special != 0, bits & 1 != 0) {
            (true, true) => set,
            (true, false) => unset,
            (false, true) => 'x',
            (false, false) => '-',
        });
    }
    out
}

/// The mount, where it is not that of the step before; and flags that forbid changes.
fn mount(step: &Step, before: Option<&Step>) -> String {
    let mut notes = Vec::new();
    let known = |s: &Step| s.mount.known().map(|m: &Mount| (m.point.clone(), m.fs_type.clone()));
    let same = before.and_then(known) == known(step);
    if let Some(mount) = step.mount.known().filter(|_| !same) {
        let fs = escape(mount.fs_type.as_bytes());
        let part = mount.root != b"/" && !mount.root.is_empty();
        notes.push(if part { format!("{fs} from {}", show(&mount.root)) } else { fs });
        if mount.read_only {
            notes.push("read-only".to_string());
        }
    }
    if step.immutable.is(|i| *i) {
        notes.push("immutable".to_string());
    }
    notes.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use sunpath::fact::Seen;

    fn step(path: &str, kind: FileKind, mode: u32) -> Step {
        Step { path: path.into(), kind, mode, ..Step::default() }
    }

    fn drawn(steps: Vec<Step>, end: End, mark: &str) -> String {
        let walk = Seen::Known(Walk { steps, end, ..Walk::default() });
        let path = PathTarget { walk, ..PathTarget::default() };
        let mut page = Page::new(80);
        draw(&mut page, &path, Some(&Mark { bad: true, text: mark.into() }));
        anstream::adapter::strip_str(&page.finish()).to_string()
    }

    #[test]
    fn a_missing_file_hangs_below_its_directory() {
        let steps =
            vec![step("/", FileKind::Directory, 0o755), step("/tmp", FileKind::Directory, 0o1777)];
        let end = End::Missing { name: b"x\x1b".to_vec(), last: true, link: None };
        let expected = "  /      directory  0:0  rwxr-xr-x 0755\n  \
                        └ tmp  directory  0:0  rwxrwxrwt 1777\n    \
                        └ x\\x1b  ◄ does not exist\n";
        assert_eq!(drawn(steps, end, "does not exist"), expected);
    }

    #[test]
    fn an_arrow_points_at_the_last_step_and_links_are_followed() {
        let mut link = step("/a", FileKind::Symlink, 0o777);
        link.link = Some(b"/b/c".to_vec());
        let steps = vec![
            step("/", FileKind::Directory, 0o755),
            link,
            step("/b", FileKind::Directory, 0o755),
            step("/b/c", FileKind::Socket, 0o600),
        ];
        let expected = "  /           directory  0:0  rwxr-xr-x 0755\n  \
                        └ a → /b/c  symlink    0:0  rwxrwxrwx 0777\n    \
                        └ b       directory  0:0  rwxr-xr-x 0755\n      \
                        └ c     socket     0:0  rw------- 0600\n        ▲ nobody\n";
        assert_eq!(drawn(steps, End::Found, "nobody"), expected);
    }

    #[test]
    fn a_walk_of_thousands_of_steps_stays_short() {
        let steps = (0..5000).map(|_| step("/d", FileKind::Directory, 0o755)).collect();
        assert!(drawn(steps, End::TooManyLinks, "loop").lines().count() < 30);
    }

    #[test]
    fn special_bits_are_shown_as_ls_does() {
        assert_eq!(letters(0o4755), "rwsr-xr-x");
        assert_eq!(letters(0o1776), "rwxrwxrwT");
        assert_eq!(letters(0o2640), "rw-r-S---");
    }
}
