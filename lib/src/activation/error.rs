//! What is wrong with what a service manager passed.

use std::ffi::OsString;
use std::fmt;

/// Why nothing could be taken over.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// A variable of the environment makes no sense.
    Variable {
        /// Its name.
        name: &'static str,
        /// Its value.
        value: OsString,
        /// What it should be.
        expected: String,
    },
    /// The environment promises a descriptor under a number where none is open.
    NotOpen {
        /// The number.
        number: i32,
    },
    /// The descriptor under a promised number is close-on-exec: it was not passed, but opened by
    /// this program. [`Activation::take`](super::Activation::take) came too late, or somebody else
    /// took it over before.
    NotInherited {
        /// The number.
        number: i32,
    },
    /// There is no such descriptor, or it was taken out before.
    Missing {
        /// Which one.
        wanted: String,
        /// The names of those that are left.
        there: Vec<String>,
    },
    /// The descriptor is not what it was asked for.
    Wrong {
        /// Its name.
        name: String,
        /// Its number.
        number: i32,
        /// What it is instead.
        error: crate::Error,
    },
    /// A descriptor cannot be passed under this name, because the variable that tells names could
    /// not hold it: they are printable ASCII without colons, at most 255 bytes.
    Name {
        /// The name.
        name: String,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Variable { name, value, expected } => {
                write!(f, "{name} is {value:?}, which is not {expected}")
            }
            Error::NotOpen { number } => {
                write!(f, "descriptor {number} was promised, but is not open")
            }
            Error::NotInherited { number } => write!(
                f,
                "descriptor {number} was promised, but is one that this program opened or took \
                 over before"
            ),
            Error::Missing { wanted, there } => {
                write!(f, "no descriptor {wanted} was passed, or it was taken; left: {there:?}")
            }
            Error::Wrong { name, number, error } => {
                write!(f, "descriptor {number}, {name:?}: {error}")
            }
            Error::Name { name } => write!(
                f,
                "{name:?} is no name for a descriptor: printable ASCII without colons, of at most \
                 255 bytes"
            ),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Wrong { error, .. } => Some(error),
            _ => None,
        }
    }
}
