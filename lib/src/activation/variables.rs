//! What a service manager says in the environment.

use super::Error;
use std::ffi::{OsStr, OsString};
use std::str::FromStr;

const PID: &str = "LISTEN_PID";
const PIDFD_ID: &str = "LISTEN_PIDFDID";
pub(super) const COUNT: &str = "LISTEN_FDS";
pub(super) const LABELS: &str = "LISTEN_FDNAMES";

/// All of them.
pub(super) const NAMES: [&str; 4] = [PID, PIDFD_ID, COUNT, LABELS];

/// The name of a descriptor to which none was given.
pub(super) const UNNAMED: &str = "unknown";

/// The variables as they stand.
#[derive(Debug, Clone, Default)]
pub(super) struct Variables {
    pid: Option<OsString>,
    pidfd_id: Option<OsString>,
    count: Option<OsString>,
    labels: Option<OsString>,
}

/// What was passed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Passed {
    pub(super) count: u32,
    /// As many, or none.
    pub(super) names: Vec<String>,
}

impl Variables {
    pub(super) fn of_environment() -> Variables {
        let [pid, pidfd_id, count, labels] = NAMES.map(std::env::var_os);
        Variables { pid, pidfd_id, count, labels }
    }

    /// `None` if nothing was passed to the process that is asked about. What is meant for another is
    /// not looked at any further.
    pub(super) fn read(
        &self,
        own_pid: u32,
        own_pidfd_id: impl FnOnce() -> Option<u64>,
    ) -> Result<Option<Passed>, Error> {
        let (Some(pid), Some(count)) = (&self.pid, &self.count) else { return Ok(None) };
        if number::<u32>(PID, pid, "a process id")? != own_pid {
            return Ok(None);
        }
        if let Some(id) = &self.pidfd_id {
            let id = number::<u64>(PIDFD_ID, id, "the number of a process descriptor")?;
            // A kernel that has no such numbers cannot contradict.
            if own_pidfd_id().is_some_and(|own| own != id) {
                return Ok(None);
            }
        }
        let passed: i32 = number(COUNT, count, "a number of descriptors")?;
        let names = match &self.labels {
            None => Vec::new(),
            Some(labels) => names(labels, passed)?,
        };
        Ok((passed != 0).then_some(Passed { count: passed.cast_unsigned(), names }))
    }
}

/// Digits alone: no sign, no blank.
fn number<T: FromStr>(name: &'static str, value: &OsStr, expected: &str) -> Result<T, Error> {
    let text = value.to_str().filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
    text.and_then(|text| text.parse().ok()).ok_or_else(|| Error::Variable {
        name,
        value: value.into(),
        expected: expected.into(),
    })
}

fn names(value: &OsStr, count: i32) -> Result<Vec<String>, Error> {
    let text = value.to_str();
    let names: Vec<String> =
        text.map(|text| text.split(':').map(str::to_owned).collect()).unwrap_or_default();
    if i32::try_from(names.len()) == Ok(count) {
        return Ok(names);
    }
    // Of nothing there are no names, and an empty variable is how that is written.
    if count == 0 && value.is_empty() {
        return Ok(Vec::new());
    }
    let expected = format!("{count} names with colons between them");
    Err(Error::Variable { name: LABELS, value: value.into(), expected })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn variables(pid: &str, count: &str, labels: Option<&str>) -> Variables {
        let (pid, count) = (Some(pid.into()), Some(count.into()));
        Variables { pid, pidfd_id: None, count, labels: labels.map(Into::into) }
    }

    fn read(variables: &Variables) -> Result<Option<Passed>, Error> {
        variables.read(42, || Some(7))
    }

    #[test]
    fn what_was_passed_is_read() {
        let passed = |count, names: &[&str]| {
            let names = names.iter().map(|name| (*name).to_owned()).collect();
            Ok(Some(Passed { count, names }))
        };
        assert_eq!(read(&variables("42", "2", Some("a:b c"))), passed(2, &["a", "b c"]));
        assert_eq!(read(&variables("42", "2", Some(":"))), passed(2, &["", ""]));
        assert_eq!(read(&variables("42", "3", None)), passed(3, &[]));
        assert_eq!(read(&variables("42", "2147483647", None)), passed(2_147_483_647, &[]));
    }

    #[test]
    fn what_is_for_another_process_is_left_alone() {
        assert_eq!(read(&Variables::default()), Ok(None));
        assert_eq!(read(&variables("43", "nonsense", Some("x"))), Ok(None));
        assert_eq!(read(&variables("42", "0", None)), Ok(None));
        assert_eq!(read(&variables("42", "0", Some(""))), Ok(None), "as a launcher of none says");
        assert_eq!(read(&Variables { count: None, ..variables("42", "", None) }), Ok(None));
        assert_eq!(read(&Variables { pid: None, ..variables("", "1", None) }), Ok(None));
        let other = Variables { pidfd_id: Some("8".into()), ..variables("42", "1", None) };
        assert_eq!(read(&other), Ok(None));
        assert!(other.read(42, || None).unwrap().is_some(), "the kernel has no such numbers");
        let own = Variables { pidfd_id: Some("7".into()), ..variables("42", "1", None) };
        assert!(read(&own).unwrap().is_some());
    }

    #[test]
    fn nonsense_is_told() {
        let cases = [
            (variables("", "1", None), "LISTEN_PID is \"\", which is not a process id"),
            (variables("-42", "1", None), "LISTEN_PID is \"-42\", which is not a process id"),
            (
                variables("42", "-1", None),
                "LISTEN_FDS is \"-1\", which is not a number of descriptors",
            ),
            (
                variables("42", "+1", None),
                "LISTEN_FDS is \"+1\", which is not a number of descriptors",
            ),
            (
                variables("42", " 1", None),
                "LISTEN_FDS is \" 1\", which is not a number of descriptors",
            ),
            (
                variables("42", "2147483648", None),
                "LISTEN_FDS is \"2147483648\", which is not a number of descriptors",
            ),
            (
                variables("42", "2", Some("a")),
                "LISTEN_FDNAMES is \"a\", which is not 2 names with colons between them",
            ),
            (
                variables("42", "0", Some("a")),
                "LISTEN_FDNAMES is \"a\", which is not 0 names with colons between them",
            ),
        ];
        for (variables, text) in cases {
            assert_eq!(read(&variables).unwrap_err().to_string(), text);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(count in "[0-9+ -]{0,12}|.{0,5}", labels in ".{0,20}") {
            if let Ok(Some(passed)) = read(&variables("42", &count, Some(&labels))) {
                prop_assert_eq!(passed.names.len() as u64, u64::from(passed.count));
            }
        }
    }
}
