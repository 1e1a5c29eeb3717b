//! The descriptor, the pointer and the address as passed: shared by `connect` and `bind`.

use crate::conform::{Look, Make, Observed, Recipe, failed};
use crate::stage::{Stage, Step, Trouble};
use std::fs::File;
use std::os::fd::{AsRawFd, OwnedFd};
use sunpath::fact::Arguments;
use sunpath::fact::arguments::{AddressArgument, Family};
use sunpath::sys::probe::{self, Memory};
use sunpath::sys::socket::{self, SocketFlags};
use sunpath::{Call, SocketType, sys};

/// The recipes of this file.
pub const RECIPES: &[Recipe] = &[
    Recipe { id: "connect/bad-descriptor", needs: &[], make: Make::Direct(connect_closed) },
    Recipe { id: "bind/bad-descriptor", needs: &[], make: Make::Direct(bind_closed) },
    Recipe { id: "connect/not-a-socket-descriptor", needs: &[], make: Make::Direct(connect_file) },
    Recipe { id: "bind/not-a-socket-descriptor", needs: &[], make: Make::Direct(bind_file) },
    Recipe { id: "connect/bad-pointer", needs: &[], make: Make::Direct(connect_bad_pointer) },
    Recipe { id: "bind/bad-pointer", needs: &[], make: Make::Direct(bind_bad_pointer) },
    Recipe { id: "connect/bad-address-length", needs: &[], make: Make::Direct(bad_length) },
    Recipe { id: "connect/wrong-family", needs: &[], make: Make::Direct(wrong_family) },
];

/// No process of ours opens so many descriptors.
const CLOSED: i32 = 9999;
/// A family and the path `/x`.
const ADDRESS: [u8; 5] = [1, 0, b'/', b'x', 0];

/// Makes the call with raw arguments.
fn call(call: Call, fd: i32, address: Memory<'_>, length: i32) -> sys::Result<()> {
    match call {
        Call::Bind => probe::bind(fd, address, length),
        _ => probe::connect(fd, address, length),
    }
}

fn fresh() -> Result<OwnedFd, Trouble> {
    socket::socket(SocketType::Stream, SocketFlags::empty()).step("make a socket")
}

fn closed(which: Call) -> Result<Observed, Trouble> {
    let symptom = failed(call(which, CLOSED, Memory::Bytes(&ADDRESS), 5));
    Observed::of(Look::new(which, SocketType::Stream).not_open(), symptom)
}

fn connect_closed(_: &mut Stage) -> Result<Observed, Trouble> {
    closed(Call::Connect)
}

fn bind_closed(_: &mut Stage) -> Result<Observed, Trouble> {
    closed(Call::Bind)
}

fn file(which: Call) -> Result<Observed, Trouble> {
    let file = File::open("/dev/null").step("open /dev/null")?;
    let symptom = failed(call(which, file.as_raw_fd(), Memory::Bytes(&ADDRESS), 5));
    Observed::of(Look::new(which, SocketType::Stream).descriptor(&file), symptom)
}

fn connect_file(_: &mut Stage) -> Result<Observed, Trouble> {
    file(Call::Connect)
}

fn bind_file(_: &mut Stage) -> Result<Observed, Trouble> {
    file(Call::Bind)
}

fn bad_pointer(which: Call) -> Result<Observed, Trouble> {
    let fd = fresh()?;
    let symptom = failed(call(which, fd.as_raw_fd(), Memory::Bad, 16));
    let arguments = Arguments { bad_pointer: true, ..Arguments::default() };
    let look = Look::new(which, SocketType::Stream).descriptor(&fd).arguments(arguments);
    Observed::of(look, symptom)
}

fn connect_bad_pointer(_: &mut Stage) -> Result<Observed, Trouble> {
    bad_pointer(Call::Connect)
}

fn bind_bad_pointer(_: &mut Stage) -> Result<Observed, Trouble> {
    bad_pointer(Call::Bind)
}

fn address(length: i32, bytes: &[u8], family: Option<Family>) -> Result<Observed, Trouble> {
    let fd = fresh()?;
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
