//! The name that was probably meant.

/// Names are shorter; measuring distances to more would take long.
const LONGEST: usize = 80;

/// The candidate nearest to what was typed, if it is near enough to be worth a suggestion.
pub fn nearest<'a>(typed: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    if typed.len() > LONGEST {
        return None;
    }
    let allowed = (typed.chars().count() / 3).clamp(1, 6);
    let measured = candidates.map(|c| (strsim::osa_distance(typed, c), c));
    measured.filter(|(d, _)| *d <= allowed).min_by_key(|(d, _)| *d).map(|(_, c)| c)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn slips_of_the_finger_are_mended_and_nonsense_is_not() {
        let names = ["ECONNREFUSED", "ECONNRESET", "EAGAIN"];
        assert_eq!(nearest("ECONREFUSED", names.into_iter()), Some("ECONNREFUSED"));
        assert_eq!(nearest("EAGIAN", names.into_iter()), Some("EAGAIN"));
        assert_eq!(nearest("banana", names.into_iter()), None);
        assert_eq!(nearest("", names.into_iter()), None);
    }
}
