//! Texts from outside, read and written.

use proptest::prelude::*;
use sunpath_core::text::{escape, shell};
use sunpath_core::{Call, Errno, Symptom};

/// What a shell makes of one word in quotes.
fn unquoted(word: &str) -> Vec<u8> {
    let Some(inside) = word.strip_prefix("$'").and_then(|w| w.strip_suffix('\'')) else {
        return word.trim_matches('\'').into();
    };
    let mut bytes = inside.bytes();
    let mut out = Vec::new();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'\\' => match bytes.next().unwrap() {
                b'n' => b'\n',
                b'x' => {
                    let digits = [bytes.next().unwrap(), bytes.next().unwrap()];
                    u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
                }
                itself => itself,
            },
            plain => plain,
        });
    }
    out
}

/// Bytes in which much has to be quoted.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40),
        "[a-z/.='\" \\\\\n$;é\u{202e}-]{0,20}".prop_map(String::into_bytes),
    ]
}

proptest! {
    #[test]
    fn what_is_escaped_is_calm(bytes in bytes()) {
        let text = escape(&bytes);
        prop_assert!(text.chars().all(|c| !c.is_control() && c != '\u{202e}'), "{:?}", text);
        let plain = bytes.iter().all(|b| b.is_ascii_graphic() && *b != b'\\');
        prop_assert!(!plain || text.as_bytes() == bytes);
    }

    #[test]
    fn a_word_for_the_shell_is_read_back(bytes in bytes()) {
        let word = shell(&bytes);
        prop_assert!(word.chars().all(|c| !c.is_control() && c != '\u{202e}'), "{:?}", word);
        prop_assert_eq!(unquoted(&word), bytes);
        let bare = !word.contains('\'');
        prop_assert!(!bare || !word.contains([' ', '$', ';', '"', '\\']), "{}", word);
    }

    #[test]
    fn names_are_read_or_refused(text in prop_oneof![any::<String>(), "[A-Za-z_-]{0,16}"]) {
        if let Ok(symptom) = text.parse::<Symptom>() {
            prop_assert_eq!(symptom.name().parse(), Ok(symptom));
        }
        if let Ok(errno) = text.parse::<Errno>() {
            prop_assert_eq!(text.parse(), Ok(Symptom::Errno(errno)));
        }
        if let Ok(call) = text.parse::<Call>() {
            prop_assert_eq!(call.name().parse(), Ok(call));
        }
    }

    #[test]
    fn every_name_is_read_back(errno in prop::sample::select(Errno::ALL),
                               call in prop::sample::select(Call::ALL)) {
        prop_assert_eq!(errno.name().to_ascii_lowercase().parse(), Ok(errno));
        prop_assert_eq!(call.name().parse(), Ok(call));
    }
}
