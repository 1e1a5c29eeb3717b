//! All bytes, sixteen in a line.

use super::text::{arrow, begin, beside};
use super::{Event, What, text};
use std::io::Write;

const IN_A_LINE: usize = 16;

/// Writes a line for the event, and below it the bytes.
pub(super) fn write(event: &Event<'_>, out: &mut Vec<u8>) {
    let What::Data { from, bytes, length, urgent, .. } = event.what else {
        return text::write(event, out);
    };
    begin(event, out);
    let urgent = if urgent { ", urgent" } else { "" };
    // Writing to memory cannot fail.
    let _ = writeln!(out, "{} {length:>7}{urgent}", arrow(from));
    let shown = event.shown(bytes);
    for (row, part) in shown.chunks(IN_A_LINE).enumerate() {
        dump(row * IN_A_LINE, part, out);
    }
    if shown.len() < length {
        let _ = writeln!(out, "  {} bytes more", length - shown.len());
    }
    beside(event, out);
}

fn dump(offset: usize, part: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let _ = write!(out, "  {offset:08x} ");
    for at in 0..IN_A_LINE {
        if at == IN_A_LINE / 2 {
            out.push(b' ');
        }
        out.push(b' ');
        match part.get(at) {
            Some(byte) => {
                out.push(DIGITS[usize::from(byte >> 4)]);
                out.push(DIGITS[usize::from(byte & 15)]);
            }
            None => out.extend_from_slice(b"  "),
        }
    }
    out.extend_from_slice(b"  |");
    out.extend(part.iter().map(|b| if (b' '..=b'~').contains(b) { *b } else { b'.' }));
    out.extend_from_slice(b"|\n");
}
