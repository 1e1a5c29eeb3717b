//! Symptoms as people type them, and what they mean.

use sunpath::{Errno, Symptom, sys};

/// An errno by name or by this system's number, the name of another symptom, or a message of a
/// program that speaks of an errno.
pub fn parse(text: &str) -> Option<Symptom> {
    let number = || sys::errno::named(text.parse().ok()?);
    let errno = || number().or_else(|| Errno::in_message(text)).map(Symptom::Errno);
    text.parse().ok().or_else(errno)
}

/// What a symptom means, in a few words.
pub fn meaning(symptom: Symptom) -> &'static str {
    match symptom {
        Symptom::Errno(errno) => errno.meaning(),
        Symptom::Hangs => "the call, or the read that follows it, does not return",
        Symptom::EndOfFile => "a receive returned 0 with nothing wrong",
        Symptom::ControlTruncated => "ancillary data was dropped",
        Symptom::MessageTruncated => "the rest of a message was dropped",
        Symptom::DescriptorsLost => "the descriptors that were sent never arrive",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_this_system() {
        assert_eq!(parse("111"), Some(Symptom::Errno(Errno::ECONNREFUSED)));
        assert_eq!(parse("econnrefused"), Some(Symptom::Errno(Errno::ECONNREFUSED)));
        assert_eq!(parse("hang"), Some(Symptom::Hangs));
        assert_eq!(parse("0"), None);
        assert_eq!(parse("99999999999"), None);
    }

    #[test]
    fn what_this_system_prints_is_understood() {
        for errno in Errno::ALL {
            let number = sys::errno::host(*errno).raw_os_error();
            let printed = std::io::Error::from_raw_os_error(number).to_string();
            for text in [printed.clone(), format!("app: {}", printed.to_uppercase())] {
                assert_eq!(parse(&text), Some(Symptom::Errno(*errno)), "{text}");
            }
        }
        assert_eq!(parse("[Errno 24] Too many open files: 'x'"), Some(Errno::EMFILE.into()));
        assert_eq!(parse("unconnection refused"), None);
        assert_eq!(parse("refused"), None);
    }
}
