//! What remains of a path: its own components, and those of the links met on the way.

/// The components still to be walked, the next one first.
#[derive(Debug, Default)]
pub(super) struct Pending {
    frames: Vec<Frame>,
}

/// A text whose components are walked before those of the frames below it.
#[derive(Debug)]
struct Frame {
    text: Vec<u8>,
    at: usize,
    /// The symbolic link whose target this is.
    link: Option<Vec<u8>>,
}

/// One component.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Component {
    /// Its bytes, without slashes.
    pub name: Vec<u8>,
    /// The symbolic link out of which it came.
    pub link: Option<Vec<u8>>,
    /// Whether no component follows, of any frame.
    pub last: bool,
    /// Whether slashes follow it at the end of the path: then it must be a directory.
    pub slash: bool,
}

impl Pending {
    pub(super) fn new(path: &[u8]) -> Pending {
        let mut pending = Pending::default();
        pending.push(path.to_vec(), None);
        pending
    }

    /// Puts the target of a link before everything else.
    pub(super) fn follow(&mut self, target: Vec<u8>, link: Vec<u8>) {
        self.push(target, Some(link));
    }

    fn push(&mut self, text: Vec<u8>, link: Option<Vec<u8>>) {
        let mut frame = Frame { text, at: 0, link };
        frame.skip_slashes();
        if !frame.is_done() {
            self.frames.push(frame);
        }
    }

    pub(super) fn next(&mut self) -> Option<Component> {
        let frame = self.frames.last_mut()?;
        let rest = &frame.text[frame.at..];
        let end = rest.iter().position(|b| *b == b'/').unwrap_or(rest.len());
        let name = rest[..end].to_vec();
        let slash = end < rest.len();
        frame.at += end;
        frame.skip_slashes();
        let link = frame.link.clone();
        if frame.is_done() {
            self.frames.pop();
        }
        let last = self.frames.is_empty();
        Some(Component { name, link, last, slash: slash && last })
    }
}

impl Frame {
    fn skip_slashes(&mut self) {
        while self.text.get(self.at) == Some(&b'/') {
            self.at += 1;
        }
    }

    fn is_done(&self) -> bool {
        self.at == self.text.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(mut pending: Pending) -> Vec<(String, bool, bool)> {
        let next = || pending.next();
        std::iter::from_fn(next)
            .map(|c| (String::from_utf8(c.name).unwrap(), c.last, c.slash))
            .collect()
    }

    fn parts(list: &[(&str, bool, bool)]) -> Vec<(String, bool, bool)> {
        list.iter().map(|(name, last, slash)| (name.to_string(), *last, *slash)).collect()
    }

    #[test]
    fn components_know_whether_they_are_last() {
        assert_eq!(all(Pending::new(b"/a//b")), parts(&[("a", false, false), ("b", true, false)]));
        assert_eq!(all(Pending::new(b"a///")), parts(&[("a", true, true)]));
        assert_eq!(all(Pending::new(b"")), []);
        assert_eq!(all(Pending::new(b"///")), []);
    }

    #[test]
    fn a_link_comes_before_the_rest() {
        let mut pending = Pending::new(b"l/x");
        assert_eq!(pending.next().unwrap().name, b"l");
        pending.follow(b"/t/u/".to_vec(), b"/l".to_vec());
        let t = pending.next().unwrap();
        assert_eq!((t.name, t.link, t.last), (b"t".to_vec(), Some(b"/l".to_vec()), false));
        let u = pending.next().unwrap();
        assert_eq!((u.last, u.slash), (false, false));
        let x = pending.next().unwrap();
        assert_eq!((x.link, x.last), (None, true));
    }

    proptest! {
        #[test]
        fn nothing_is_lost(path in "[a/.]{0,30}") {
            let walked = all(Pending::new(path.as_bytes()));
            let split: Vec<_> = path.split('/').filter(|c| !c.is_empty()).collect();
            let names: Vec<_> = walked.iter().map(|(name, ..)| name.as_str()).collect();
            prop_assert_eq!(names, split);
            let lasts = walked.iter().filter(|(_, last, _)| *last).count();
            prop_assert_eq!(lasts, usize::from(!walked.is_empty()));
        }
    }
}
