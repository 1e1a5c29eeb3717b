//! The ways to spell one path.

/// The names under which a server may have bound the file that a path means.
pub(super) struct Spellings {
    names: Vec<Vec<u8>>,
    last: Vec<u8>,
}

impl Spellings {
    /// From the spellings themselves; those that are relative are completed by `cwd` and kept.
    pub(super) fn new(names: Vec<Vec<u8>>, cwd: Option<&[u8]>) -> Spellings {
        let mut all: Vec<Vec<u8>> = Vec::new();
        for name in names {
            if let (false, Some(cwd)) = (name.starts_with(b"/"), cwd) {
                all.push(normal(&join(cwd, &name)));
            }
            all.push(normal(&name));
        }
        all.sort();
        all.dedup();
        let last = all.first().map(|n| last_component(n).to_vec()).unwrap_or_default();
        Spellings { names: all, last }
    }

    /// Whether a socket bound by this name may be meant. A relative name may have been bound in
    /// any directory: it fits if its end does.
    pub(super) fn fit(&self, name: &[u8]) -> bool {
        if name.first().is_none_or(|b| *b == 0) {
            return false;
        }
        let name = normal(name);
        if name.starts_with(b"/") {
            return self.names.contains(&name);
        }
        let ends = |whole: &Vec<u8>| {
            whole
                .strip_suffix(name.as_slice())
                .is_some_and(|rest| rest.is_empty() || rest.ends_with(b"/"))
        };
        !name.starts_with(b"..") && self.names.iter().any(ends)
    }

    /// Whether a relative name, bound in this directory, is the path.
    pub(super) fn fit_in(&self, directory: &[u8], name: &[u8]) -> bool {
        self.names.contains(&normal(&join(directory, name)))
    }

    /// Whether a name has the same last component.
    pub(super) fn fit_last(&self, name: &[u8]) -> bool {
        name.first().is_some_and(|b| *b != 0) && last_component(name) == self.last
    }
}

pub(super) fn join(directory: &[u8], name: &[u8]) -> Vec<u8> {
    [directory, b"/", name].concat()
}

fn last_component(path: &[u8]) -> &[u8] {
    path.rsplit(|b| *b == b'/').find(|c| !c.is_empty()).unwrap_or_default()
}

/// Without repeated slashes and `.`: what changes the spelling but never the file.
fn normal(path: &[u8]) -> Vec<u8> {
    let parts: Vec<&[u8]> =
        path.split(|b| *b == b'/').filter(|c| !c.is_empty() && *c != b".").collect();
    let mut out = if path.starts_with(b"/") { b"/".to_vec() } else { Vec::new() };
    out.extend_from_slice(&parts.join(&b'/'));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn spellings_of_one_file() {
        let path = Spellings::new(vec![b"run/app.sock".to_vec()], Some(b"/srv"));
        for name in [
            &b"/srv/run/app.sock"[..],
            b"/srv//run/./app.sock",
            b"run/app.sock",
            b"app.sock",
            b"./app.sock",
        ] {
            assert!(path.fit(name), "{}", name.escape_ascii());
        }
        for name in
            [&b"/run/app.sock"[..], b"app.soc", b"xapp.sock", b"", b"\0app.sock", b"n/app.sock"]
        {
            assert!(!path.fit(name), "{}", name.escape_ascii());
        }
        assert!(path.fit_in(b"/srv/run", b"app.sock"));
        assert!(!path.fit_in(b"/srv", b"app.sock"));
        assert!(path.fit_last(b"/elsewhere/app.sock"));
    }

    proptest! {
        #[test]
        fn any_name_is_survived(names: Vec<Vec<u8>>, cwd: Option<Vec<u8>>, name: Vec<u8>) {
            let all = Spellings::new(names.clone(), cwd.as_deref());
            all.fit(&name);
            for given in names {
                prop_assert!(all.fit(&given) || !given.iter().all(|b| *b != 0) || normal(&given).is_empty() || normal(&given).starts_with(b".."));
            }
        }
    }
}
