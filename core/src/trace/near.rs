//! What was probably meant by a word that is none of those that can stand there.

use alloc::vec::Vec;
use core::mem::swap;

/// What C and other tools call it, and what it is called here.
const OTHERWISE: &[(&str, &str)] = &[
    ("accept4", "accept"),
    ("dgram", "datagram"),
    ("kill", "interrupt"),
    ("read", "recv"),
    ("recvfrom", "recv"),
    ("recvmsg", "recv"),
    ("sendmsg", "send"),
    ("sendto", "send"),
    ("setuid", "become"),
    ("signal", "interrupt"),
    ("sleep", "advance"),
    ("unshare", "unshare-net"),
    ("write", "send"),
];

/// No word that means something is longer.
const LONGEST: usize = 60;

/// The choice that was probably meant. Choices may say more behind the word, as in `to ADDRESS` and
/// `rights=[a, b]`.
pub(super) fn near<'a>(typed: &str, choices: &[&'a str]) -> Option<&'a str> {
    if typed.len() > LONGEST {
        return None;
    }
    let words = || choices.iter().filter_map(|choice| choice.split([' ', '=']).next());
    let known = OTHERWISE.iter().find(|(other, _)| other.eq_ignore_ascii_case(typed));
    if let Some(meant) = known.and_then(|(_, word)| words().find(|w| w == word)) {
        return Some(meant);
    }
    let allowed = typed.chars().count() / 3;
    let measured = words().map(|word| (slips(typed, word), word));
    measured.filter(|(slips, _)| *slips <= allowed).min_by_key(|(slips, _)| *slips).map(|(_, w)| w)
}

/// How many letters are added, missing, wrong or swapped with the next; upper case counts as lower.
fn slips(typed: &str, word: &str) -> usize {
    let lower = |c: char| c.to_ascii_lowercase();
    let word: Vec<char> = word.chars().map(lower).collect();
    let (mut above, mut last) = (Vec::new(), (0..=word.len()).collect::<Vec<usize>>());
    let mut before = None;
    for (row, letter) in typed.chars().map(lower).enumerate() {
        let mut next = Vec::with_capacity(last.len());
        next.push(row + 1);
        for column in 0..word.len() {
            let wrong = last[column] + usize::from(word[column] != letter);
            let mut least = wrong.min(last[column + 1] + 1).min(next[column] + 1);
            if column > 0 && before == Some(word[column]) && word[column - 1] == letter {
                let swapped: usize = above[column - 1];
                least = least.min(swapped + 1);
            }
            next.push(least);
        }
        swap(&mut above, &mut last);
        last = next;
        before = Some(letter);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_of_the_finger_and_names_from_elsewhere_are_understood() {
        let calls = ["send", "recv", "socketpair", "connect", "accept"];
        for (typed, meant) in [
            ("sendd", Some("send")),
            ("cnonect", Some("connect")),
            ("Connect", Some("connect")),
            ("sendmsg", Some("send")),
            ("read", Some("recv")),
            ("foo", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(near(typed, &calls), meant, "{typed}");
        }
        assert_eq!(near("rihgts", &["to ADDRESS", "rights=[a, b]"]), Some("rights"));
        assert_eq!(near("sendmsg", &["recv"]), None);
        assert_eq!(slips("ab", "ba"), 1);
        assert_eq!(slips("", "abc"), 3);
    }
}
