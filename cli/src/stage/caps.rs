//! The capabilities that the model knows, as the kernel numbers them.

use sunpath::model::Caps;

const NUMBERS: [(u32, Caps); 10] = [
    (0, Caps::CHOWN),
    (1, Caps::DAC_OVERRIDE),
    (2, Caps::DAC_READ_SEARCH),
    (3, Caps::FOWNER),
    (6, Caps::SETGID),
    (7, Caps::SETUID),
    (10, Caps::NET_BIND_SERVICE),
    (12, Caps::NET_ADMIN),
    (21, Caps::SYS_ADMIN),
    (24, Caps::SYS_RESOURCE),
];

/// A bit for each.
pub fn to_bits(caps: Caps) -> u64 {
    let held = NUMBERS.iter().filter(|(_, cap)| caps.contains(*cap));
    held.fold(0, |bits, (number, _)| bits | 1 << number)
}

/// Those whose bits are set; the model does not know the others.
pub fn from_bits(bits: u64) -> Caps {
    let held = NUMBERS.iter().filter(|(number, _)| bits >> number & 1 == 1);
    held.fold(Caps::NONE, |all, (_, cap)| all | *cap)
}
