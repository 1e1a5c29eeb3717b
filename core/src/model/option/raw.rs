//! The bytes of a value, as a program passes them: a kernel reads from them what the option is, be
//! it what the program meant or not.

use crate::op::Value;

/// The bytes of a value.
pub(super) struct Raw {
    bytes: [u8; 16],
    /// How many of them were passed.
    pub(super) length: usize,
    /// They can be read.
    pub(super) mapped: bool,
}

impl Raw {
    pub(super) fn of(value: &Value) -> Raw {
        match value {
            Value::Short => Raw::joined([&[1], &[]]),
            Value::Int(number) => Raw::joined([&number.to_le_bytes(), &[]]),
            Value::Time(time) => {
                let time = time.unwrap_or_default();
                let seconds = time.as_secs().cast_signed();
                Raw::time(seconds, i64::from(time.subsec_micros()))
            }
            Value::RawTime(seconds, microseconds) => Raw::time(*seconds, *microseconds),
            Value::Linger(time) => {
                let on = i32::from(time.is_some());
                Raw::joined([&on.to_le_bytes(), &time.unwrap_or(0).to_le_bytes()])
            }
            Value::Filter { length, .. } => {
                Raw::joined([&(*length as u64).to_le_bytes(), &0u64.to_le_bytes()])
            }
            Value::Unmapped => Raw { mapped: false, ..Raw::time(0, 0) },
            // What these are, nobody can set.
            Value::Error(_)
            | Value::Type(_)
            | Value::Peer(_)
            | Value::Groups(_)
            | Value::Fd(_)
            | Value::Name(_) => Raw::time(0, 0),
        }
    }

    fn time(seconds: i64, microseconds: i64) -> Raw {
        Raw::joined([&seconds.to_le_bytes(), &microseconds.to_le_bytes()])
    }

    fn joined(parts: [&[u8]; 2]) -> Raw {
        let mut raw = Raw { bytes: [0; 16], length: 0, mapped: true };
        for byte in parts.into_iter().flatten() {
            raw.bytes[raw.length] = *byte;
            raw.length += 1;
        }
        raw
    }

    /// The number at this place of a row of them.
    pub(super) fn int(&self, place: usize) -> i32 {
        let (numbers, _) = self.bytes.as_chunks();
        i32::from_le_bytes(numbers[place])
    }

    /// The long number at this place of a row of them.
    pub(super) fn long(&self, place: usize) -> i64 {
        let (numbers, _) = self.bytes.as_chunks();
        i64::from_le_bytes(numbers[place])
    }
}
