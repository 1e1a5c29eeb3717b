//! Recipes for `getpeername` and `shutdown`.

use super::{Look, Make, Observed, Recipe, failed};
use crate::stage::{Stage, Step, Trouble};
use std::os::fd::AsRawFd;
use sunpath::fact::Arguments;
use sunpath::sys::probe;
use sunpath::sys::socket::{self, SocketFlags};
use sunpath::{Call, SocketType};

/// The recipes of this file.
pub const RECIPES: &[Recipe] = &[
    Recipe { id: "name/no-peer", needs: &[], make: Make::Direct(no_peer) },
    Recipe { id: "shutdown/bad-direction", needs: &[], make: Make::Direct(bad_direction) },
];

fn no_peer(_: &mut Stage) -> Result<Observed, Trouble> {
    let fd = socket::socket(SocketType::Stream, SocketFlags::empty()).step("make a socket")?;
    let symptom = failed(socket::getpeername(&fd));
    Observed::of(Look::new(Call::Getpeername, SocketType::Stream).descriptor(&fd), symptom)
}

fn bad_direction(_: &mut Stage) -> Result<Observed, Trouble> {
    const NONE_OF_THREE: i32 = 3;
    let fd = socket::socket(SocketType::Stream, SocketFlags::empty()).step("make a socket")?;
    let symptom = failed(probe::shutdown(fd.as_raw_fd(), NONE_OF_THREE));
    let arguments = Arguments { direction: Some(NONE_OF_THREE), ..Arguments::default() };
    let look = Look::new(Call::Shutdown, SocketType::Stream).descriptor(&fd).arguments(arguments);
    Observed::of(look, symptom)
}
