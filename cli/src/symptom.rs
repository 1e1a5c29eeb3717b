//! Symptoms as people type them, and what they mean.

use sunpath::{Symptom, sys};

/// An errno by name or by this system's number, or the name of another symptom.
pub fn parse(text: &str) -> Option<Symptom> {
    let named = text.parse().ok();
    named.or_else(|| sys::errno::named(text.parse().ok()?).map(Symptom::Errno))
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
    use sunpath::Errno;

    #[test]
    fn numbers_are_those_of_this_system() {
        assert_eq!(parse("111"), Some(Symptom::Errno(Errno::ECONNREFUSED)));
        assert_eq!(parse("econnrefused"), Some(Symptom::Errno(Errno::ECONNREFUSED)));
        assert_eq!(parse("hang"), Some(Symptom::Hangs));
        assert_eq!(parse("0"), None);
        assert_eq!(parse("99999999999"), None);
    }
}
