//! What the other end, or its silence, says.

use super::{closed, connection, destroy, endpoint, full, look, network, tcp, tun};
use crate::conform::{Make, Need, Observed, Recipe, Scene, failed};
use crate::stage::{Stage, Step, Trouble};
use std::net::TcpStream;
use std::time::Duration;
use sunpath::fact::socket::History;
use sunpath::sys::name::Name;
use sunpath::sys::socket::{self, RecvFlags};
use sunpath::sys::{libc, option};
use sunpath::{Call, SocketType};

/// The recipes of this file.
pub const RECIPES: &[Recipe] = &[
    Recipe { id: "connect/refused-inet", needs: &[Need::Loopback], make: Make::Scene(refused) },
    Recipe {
        id: "connect/reset-inet",
        needs: &[Need::Root, Need::Tool("ip"), Need::Device("/dev/net/tun")],
        make: Make::Direct(reset_while_connecting),
    },
    Recipe {
        id: "connect/timed-out-inet",
        needs: &[Need::Loopback],
        make: Make::Direct(timed_out),
    },
    Recipe { id: "recv/reset-inet", needs: &[Need::Loopback], make: Make::Direct(reset) },
    Recipe {
        id: "recv/destroyed-by-administrator",
        needs: &[Need::Root],
        make: Make::Direct(destroyed),
    },
];

fn refused(stage: &mut Stage) -> Result<Scene, Trouble> {
    network()?;
    let (guard, at) = closed(SocketType::Tcp)?;
    stage.keep(guard);
    Ok(Scene::connect(endpoint(SocketType::Tcp, at)).socket(SocketType::Tcp))
}

fn reset_while_connecting(_: &mut Stage) -> Result<Observed, Trouble> {
    let at = tun::PEER;
    let peer = tun::resetting_peer()?;
    let fd = tcp()?;
    let symptom = failed(socket::connect(&fd, &Name::internet(&at)));
    drop(peer);
    let history = History { blocked: true, ..History::default() };
    let look = look(Call::Connect, &fd).endpoint(endpoint(SocketType::Tcp, at));
    Observed::of(look.history(history), symptom)
}

/// Less than a second of silence is enough here; the default is more than a minute.
fn timed_out(_: &mut Stage) -> Result<Observed, Trouble> {
    network()?;
    let (_server, at, _first) = full()?;
    let fd = tcp()?;
    let (level, name) = (libc::IPPROTO_TCP, libc::TCP_USER_TIMEOUT);
    option::set(&fd, level, name, 750).step("set a timeout")?;
    let symptom = failed(socket::connect(&fd, &Name::internet(&at)));
    let history = History { blocked: true, ..History::default() };
    let look = look(Call::Connect, &fd).endpoint(endpoint(SocketType::Tcp, at));
    Observed::of(look.history(history), symptom)
}

fn reset(_: &mut Stage) -> Result<Observed, Trouble> {
    network()?;
    let (_server, client, accepted) = connection()?;
    socket::send(&client, b"unread", socket::SendFlags::empty()).step("send")?;
    // Closing with data unread resets the connection, as SO_LINGER 0 does.
    let accepted = TcpStream::from(accepted);
    accepted.set_read_timeout(Some(Duration::from_secs(5))).step("set a timeout")?;
    accepted.peek(&mut [0]).step("wait for the data")?;
    drop(accepted);
    let symptom = failed(socket::recv(&client, &mut [0], RecvFlags::empty()));
    Observed::of(look(Call::Recv, &client), symptom)
}

fn destroyed(_: &mut Stage) -> Result<Observed, Trouble> {
    network()?;
    let (_server, client, _accepted) = connection()?;
    destroy::destroy(&client)?;
    let symptom = failed(socket::recv(&client, &mut [0], RecvFlags::DONTWAIT));
    Observed::of(look(Call::Recv, &client), symptom)
}
