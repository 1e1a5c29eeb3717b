//! Patterns for names: `*` stands for any bytes, `/` included, `?` for one character, `[a-z]` and
//! `[!a-z]` for one of a set, and a backslash takes the next character as it is.

/// Whether a name fits a pattern as a whole. Takes time in proportion to the product of their
/// lengths at most.
pub fn fits(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut seen) = (0, 0);
    // Where to go on if the rest does not fit: the last star takes one byte more.
    let mut again: Option<(usize, usize)> = None;
    loop {
        match pattern.get(at) {
            Some(b'*') => {
                again = Some((at + 1, seen));
                at += 1;
                continue;
            }
            None if seen == name.len() => return true,
            _ => {}
        }
        match one(pattern.get(at..).unwrap_or_default(), name.get(seen..).unwrap_or_default()) {
            Some((taken, eaten)) => {
                at += taken;
                seen += eaten;
            }
            None => match &mut again {
                Some((star, from)) if *from < name.len() => {
                    *from += 1;
                    (at, seen) = (*star, *from);
                }
                _ => return false,
            },
        }
    }
}

/// Whether it holds anything but a plain name.
pub fn is_pattern(text: &[u8]) -> bool {
    text.iter().any(|b| b"*?[\\".contains(b))
}

/// How many bytes of the pattern stand for how many of the name, if one character fits.
fn one(pattern: &[u8], name: &[u8]) -> Option<(usize, usize)> {
    let (first, width) = (*name.first()?, character(name));
    match pattern {
        [b'?', ..] => Some((1, width)),
        [b'[', rest @ ..] => match set(rest, name.get(..width)?) {
            Some((length, fits)) => fits.then_some((1 + length, width)),
            // A bracket that nothing closes is a plain one.
            None => (first == b'[').then_some((1, 1)),
        },
        [b'\\', b, ..] => (*b == first).then_some((2, 1)),
        [b, ..] => (*b == first).then_some((1, 1)),
        [] => None,
    }
}

/// The bytes of the first character; 1 if it is no UTF-8.
fn character(name: &[u8]) -> usize {
    let head = name.get(..4).unwrap_or(name);
    let text = head.utf8_chunks().next().map_or("", |chunk| chunk.valid());
    text.chars().next().map_or(1, char::len_utf8)
}

/// The length of a set with its closing bracket, and whether the character is in it.
fn set(pattern: &[u8], character: &[u8]) -> Option<(usize, bool)> {
    let negated = matches!(pattern.first(), Some(b'!' | b'^'));
    let from = usize::from(negated);
    // A bracket right at the start is one of the set.
    let end = from + 1 + pattern.get(from + 1..)?.iter().position(|b| *b == b']')?;
    let members: Vec<char> = String::from_utf8_lossy(pattern.get(from..end)?).chars().collect();
    let wanted = String::from_utf8_lossy(character).chars().next()?;
    let mut found = false;
    let mut rest = members.as_slice();
    while let Some((first, after)) = rest.split_first() {
        (found, rest) = match after {
            ['-', last, after @ ..] => (found || (*first..=*last).contains(&wanted), after),
            _ => (found || *first == wanted, after),
        };
    }
    Some((end + 1, found != negated))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn patterns_fit_names_as_in_a_shell() {
        for (pattern, name) in [
            (&b"/run/*"[..], &b"/run/a/b.sock"[..]),
            (b"*", b""),
            (b"*.sock", b"x.sock"),
            (b"a?c", "aßc".as_bytes()),
            (b"a?c", b"a\xffc"),
            (b"[a-c]x", b"bx"),
            (b"[!a-c]x", b"dx"),
            (b"[]x]", b"]"),
            (b"[ab", b"[ab"),
            ("[ä-ö]".as_bytes(), "ö".as_bytes()),
            (b"\\*", b"*"),
            (b"a*b*c", b"aXbYbZc"),
            (b"@*", b"@name"),
            (b"a\\", b"a\\"),
        ] {
            assert!(fits(pattern, name), "{} {}", pattern.escape_ascii(), name.escape_ascii());
        }
        for (pattern, name) in [
            (&b"/run/*"[..], &b"/tmp/x"[..]),
            (b"", b"a"),
            (b"a?", b"a"),
            (b"[a-c]", b"d"),
            (b"[!a-c]", b"b"),
            (b"\\*", b"x"),
            (b"a*b", b"abc"),
        ] {
            assert!(!fits(pattern, name), "{} {}", pattern.escape_ascii(), name.escape_ascii());
        }
    }

    #[test]
    fn many_stars_end_soon() {
        let name = vec![b'a'; 5000];
        assert!(!fits(&[b"*a".repeat(50), b"b".to_vec()].concat(), &name));
    }

    proptest! {
        #[test]
        fn any_pattern_is_survived(pattern: Vec<u8>, name: Vec<u8>) {
            fits(&pattern, &name);
        }

        #[test]
        fn every_plain_name_fits_itself(name: Vec<u8>, before: usize) {
            let quoted: Vec<u8> = name.iter().flat_map(|b| [b'\\', *b]).collect();
            prop_assert!(fits(&quoted, &name));
            let cut = before.checked_rem(name.len() + 1).unwrap_or_default();
            let rest = quoted.get(2 * cut..).unwrap_or_default();
            prop_assert!(fits(&[b"*", rest].concat(), &name));
        }
    }
}
