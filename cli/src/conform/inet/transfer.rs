//! Datagrams that cannot be sent for what they are.

use super::{bound, endpoint, network, udp};
use crate::conform::{Look, Make, Need, Observed, Recipe, failed};
use crate::stage::{Stage, Trouble};
use sunpath::fact::Arguments;
use sunpath::sys::name::Name;
use sunpath::sys::socket::{self, SendFlags};
use sunpath::{Call, SocketType};

/// The recipes of this file.
pub const RECIPES: &[Recipe] = &[
    Recipe {
        id: "send/message-too-long-inet",
        needs: &[Need::Loopback],
        make: Make::Direct(too_long),
    },
    Recipe {
        id: "send/no-destination-inet",
        needs: &[Need::Loopback],
        make: Make::Direct(no_destination),
    },
];

/// One byte more than a datagram over IPv4 can hold.
fn too_long(_: &mut Stage) -> Result<Observed, Trouble> {
    network()?;
    let (_receiver, at) = bound(SocketType::Udp)?;
    let (fd, message) = (udp()?, vec![0; 65508]);
    let sent = socket::send_to(&fd, &message, SendFlags::empty(), &Name::internet(&at));
    let symptom = failed(sent);
    let length = Some(message.len() as u64);
    let look = Look::new(Call::Send, SocketType::Udp).descriptor(&fd);
    let look = look.arguments(Arguments { length, ..Arguments::default() });
    Observed::of(look.endpoint(endpoint(SocketType::Udp, at)), symptom)
}

fn no_destination(_: &mut Stage) -> Result<Observed, Trouble> {
    network()?;
    let fd = udp()?;
    let symptom = failed(socket::send(&fd, b"x", SendFlags::empty()));
    Observed::of(Look::new(Call::Send, SocketType::Udp).descriptor(&fd), symptom)
}
