//! The address as passed.

use crate::conform::{Look, Make, Observed, Recipe, failed};
use crate::stage::{Stage, Step, Trouble};
use std::os::fd::AsRawFd;
use sunpath::fact::Arguments;
use sunpath::fact::arguments::{AddressArgument, Family};
use sunpath::sys::probe::{self, Memory};
use sunpath::sys::socket::{self, SocketFlags};
use sunpath::{Call, SocketType};

/// The recipes of this file.
pub const RECIPES: &[Recipe] = &[
    Recipe { id: "connect/bad-address-length", needs: &[], make: Make::Direct(bad_length) },
    Recipe { id: "connect/wrong-family", needs: &[], make: Make::Direct(wrong_family) },
];

/// A family and the path `/x`.
const ADDRESS: [u8; 5] = [1, 0, b'/', b'x', 0];

fn address(length: i32, bytes: &[u8], family: Option<Family>) -> Result<Observed, Trouble> {
    let fd = socket::socket(SocketType::Stream, SocketFlags::empty()).step("make a socket")?;
    let symptom = failed(probe::connect(fd.as_raw_fd(), Memory::Bytes(bytes), length));
    let address = Some(AddressArgument { length: length.into(), family });
    let arguments = Arguments { address, ..Arguments::default() };
    let look = Look::new(Call::Connect, SocketType::Stream).descriptor(&fd).arguments(arguments);
    Observed::of(look, symptom)
}

/// Two bytes are a family without a name, 111 more than `sun_path` holds, and 129 more than any
/// address.
fn bad_length(_: &mut Stage) -> Result<Observed, Trouble> {
    let observed = address(2, &ADDRESS, Some(Family::Unix))?;
    for (length, family) in [(111, Some(Family::Unix)), (129, None), (0, None), (-1, None)] {
        let again = address(length, &ADDRESS, family)?;
        if again.symptom != observed.symptom {
            return Ok(again);
        }
    }
    Ok(observed)
}

fn wrong_family(_: &mut Stage) -> Result<Observed, Trouble> {
    let inet = [2, 0, 0, 80, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];
    address(16, &inet, Some(Family::Inet))
}
