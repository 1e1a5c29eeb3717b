//! A diagnosis as plain text.

use crate::{Certainty, Diagnosis, Outcome, Ranked};
use core::fmt;

impl fmt::Display for Diagnosis {
    /// Several lines: what the call does; each cause with the fact that decided it; for those
    /// that are certain or likely what to do, with commands; what could not be seen. No line break
    /// at the end. The alternate form (`{:#}`) leaves out the first line, unless it
    /// says that the error told nothing.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = Lines { started: false };
        if !f.alternate() || self.caveat.is_some() {
            lines.next(f)?;
            verdict(self, f)?;
        }
        for ranked in &self.causes {
            cause(ranked, &mut lines, f)?;
        }
        if let Some(unexplained) = self.unexplained {
            lines.next(f)?;
            write!(f, "  {unexplained}")?;
        }
        for unseen in &self.unseen {
            lines.next(f)?;
            write!(f, "  not seen: {}", unseen.what)?;
            if !unseen.decides.is_empty() {
                write!(f, " (it decides {})", unseen.decides)?;
            }
        }
        Ok(())
    }
}

/// Puts a line break between lines.
struct Lines {
    started: bool,
}

impl Lines {
    fn next(&mut self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let started = core::mem::replace(&mut self.started, true);
        if started { f.write_str("\n") } else { Ok(()) }
    }
}

/// What the call did, or would do, in a sentence.
fn verdict(diagnosis: &Diagnosis, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let call = diagnosis.call;
    let seen = diagnosis.symptom.is_some();
    if let Some(caveat) = diagnosis.caveat {
        write!(f, "{caveat}; now ")?;
    }
    match diagnosis.outcome {
        Outcome::Succeeds => write!(f, "{call} would succeed"),
        Outcome::Fails(errno) if seen => write!(f, "{call} failed: {} ({errno})", errno.meaning()),
        Outcome::Fails(errno) => write!(f, "{call} would fail: {} ({errno})", errno.meaning()),
        Outcome::Waits if seen => write!(f, "{call} waits"),
        Outcome::Waits => write!(f, "{call} would wait"),
        Outcome::Misleads(symptom) => {
            let tense = if seen { "returned" } else { "would return" };
            write!(f, "{call} {tense} without an error, but with {}", symptom.name())
        }
        Outcome::Unknown => write!(f, "what {call} would do cannot be told"),
    }
}

/// One cause. What to do about one that is merely possible would be noise.
fn cause(ranked: &Ranked, lines: &mut Lines, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let entry = ranked.cause;
    lines.next(f)?;
    write!(f, "  {}: {} ({})", ranked.certainty.name(), entry.title, entry.id)?;
    lines.next(f)?;
    write!(f, "    because: {}", ranked.because)?;
    if ranked.certainty == Certainty::Possible {
        return Ok(());
    }
    lines.next(f)?;
    write!(f, "    fix: {}", entry.fix)?;
    for command in &ranked.commands {
        lines.next(f)?;
        write!(f, "      {command}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Call, Errno, SocketType, Symptom, UnseenFact, cause};
    use alloc::string::ToString;
    use alloc::vec;

    fn refused(certainty: Certainty) -> Diagnosis {
        let cause = cause::find("connect/stale-socket").unwrap();
        let errno = Errno::ECONNREFUSED;
        Diagnosis {
            call: Call::Connect,
            socket: SocketType::Stream,
            symptom: Some(Symptom::Errno(errno)),
            outcome: Outcome::Fails(errno),
            causes: vec![Ranked {
                cause,
                certainty,
                because: "no socket has inode 7".to_string(),
                commands: vec!["rm /run/a".to_string()],
            }],
            unseen: vec![],
            unexplained: None,
            caveat: None,
        }
    }

    #[test]
    fn a_certain_cause_comes_with_what_to_do() {
        let text = refused(Certainty::Certain).to_string();
        let lines: vec::Vec<_> = text.lines().collect();
        assert_eq!(lines[0], "connect failed: connection refused (ECONNREFUSED)");
        assert!(lines[1].starts_with("  certain: ") && lines[1].contains("connect/stale-socket"));
        assert_eq!(lines[2], "    because: no socket has inode 7");
        assert!(lines[3].starts_with("    fix: "));
        assert_eq!(lines[4], "      rm /run/a");
        assert_eq!(lines.len(), 5);
    }

    #[test]
    fn a_possible_cause_comes_without_commands_and_with_what_was_not_seen() {
        let mut diagnosis = refused(Certainty::Possible);
        let unseen = UnseenFact { what: "the tables".to_string(), decides: "connect/x" };
        diagnosis.unseen.push(unseen);
        let text = alloc::format!("{diagnosis:#}");
        assert!(text.starts_with("  possible: "), "{text}");
        assert!(!text.contains("fix: ") && !text.contains("rm "), "{text}");
        assert!(text.ends_with("\n  not seen: the tables (it decides connect/x)"), "{text}");
    }

    #[test]
    fn a_caveat_comes_first_in_both_forms() {
        let mut diagnosis = refused(Certainty::Certain);
        diagnosis.causes.clear();
        (diagnosis.outcome, diagnosis.symptom) = (Outcome::Succeeds, None);
        diagnosis.caveat = Some("the error carries no errno");
        let expected = "the error carries no errno; now connect would succeed";
        assert_eq!(diagnosis.to_string(), expected);
        assert_eq!(alloc::format!("{diagnosis:#}"), expected);
    }

    #[test]
    fn every_outcome_has_a_sentence() {
        let outcomes = [
            (Outcome::Succeeds, None, "connect would succeed"),
            (Outcome::Waits, None, "connect would wait"),
            (Outcome::Waits, Some(Symptom::Hangs), "connect waits"),
            (Outcome::Unknown, None, "what connect would do cannot be told"),
            (
                Outcome::Misleads(Symptom::EndOfFile),
                Some(Symptom::EndOfFile),
                "connect returned without an error, but with end-of-file",
            ),
        ];
        for (outcome, symptom, sentence) in outcomes {
            let mut diagnosis = refused(Certainty::Certain);
            diagnosis.causes.clear();
            (diagnosis.outcome, diagnosis.symptom) = (outcome, symptom);
            assert_eq!(diagnosis.to_string().lines().next(), Some(sentence));
        }
    }
}
