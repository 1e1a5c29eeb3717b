//! Routes and hosts, and what is set about them.

use super::{End, Host, Socket, State};
use crate::Errno;
use crate::model::file::What;
use crate::model::socket::NetId;
use crate::model::stop::{Tried, fail};
use crate::model::world::World;
use crate::op::{Internet, Manner, Route};

/// Where a route leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leads {
    /// To this machine.
    Here,
    /// To another one.
    There(Manner),
    /// To all of a network.
    All,
    /// To a multicast group.
    Group,
}

const LOOPBACK: u8 = 127;
const LOOPBACK_BROADCAST: Host = [127, 255, 255, 255];
const BROADCAST: Host = [255; 4];

impl World {
    pub(crate) fn set_internet_up(&mut self, setting: Internet) -> Result<(), Errno> {
        match setting {
            Internet::Route { to, bits, leads } => {
                let policy = matches!(leads, Route::Prohibit | Route::Blackhole);
                if bits > 32 || policy && !*self.profile.internet.policy_routes {
                    return Err(Errno::EINVAL);
                }
                self.internet.routes.push((to, bits, leads));
            }
            Internet::Host { address, manner } => {
                self.internet.hosts.insert(address, manner);
            }
            Internet::Ports { first, last } if first <= last => {
                self.internet.ports = (first, last);
            }
            Internet::Ports { .. } => return Err(Errno::EINVAL),
            Internet::Destroy { task, fd } => {
                if !*self.profile.internet.connections_can_be_destroyed {
                    return Err(Errno::EOPNOTSUPP);
                }
                let process = &self.processes[self.process_of(task)?];
                let file = process.descriptor(fd).ok_or(Errno::EBADF)?.file;
                let What::Inet(id) = self.files[file].what else { return Err(Errno::EBADF) };
                self.destroy(id);
            }
        }
        Ok(())
    }

    /// Ends what a socket has, with an error for it and a reset for the other end.
    fn destroy(&mut self, id: super::InetId) {
        const CAUSE: Option<&str> = Some("recv/destroyed-by-administrator");
        let socket: &mut Socket = &mut self.internet.sockets[id];
        socket.error = CAUSE;
        match socket.state {
            State::Connected(connection) => {
                self.cut(id, CAUSE);
                if let Some(peer) = connection.peer {
                    self.cut(peer, Some("recv/reset-inet"));
                }
            }
            State::Asking(_) => {
                socket.state = State::Failed;
                self.wake_internet(id);
            }
            _ => {}
        }
    }

    /// Where a packet to this address goes.
    pub(super) fn route(&self, net: NetId, to: Host) -> Tried<Leads> {
        if net != 0 {
            return Err(fail("connect/network-unreachable"));
        }
        match to {
            LOOPBACK_BROADCAST => return Ok(Leads::All),
            [0, 0, 0, 0] | [LOOPBACK, ..] => return Ok(Leads::Here),
            _ => {}
        }
        let routes = self.internet.routes.iter().filter(|(net, bits, _)| covers(*net, *bits, to));
        match routes.max_by_key(|(_, bits, _)| *bits).map(|(_, _, leads)| *leads) {
            None => Err(fail("connect/network-unreachable")),
            Some(Route::Unreachable) => Err(fail("connect/host-unreachable")),
            Some(Route::Prohibit) => Err(fail("connect/route-prohibited")),
            Some(Route::Blackhole) => Err(fail("connect/route-blackhole")),
            Some(Route::Broadcast) => Ok(Leads::All),
            Some(Route::Hosts) => Ok(match to {
                BROADCAST => Leads::All,
                [224..=239, ..] => Leads::Group,
                _ => Leads::There(self.manner(to)),
            }),
        }
    }

    /// How a host behaves.
    pub(super) fn manner(&self, host: Host) -> Manner {
        self.internet.hosts.get(&host).copied().unwrap_or(Manner::Unreachable)
    }

    /// Whether this machine has the address, or it stands for all of its addresses.
    pub(super) fn can_bind(&self, net: NetId, end: End) -> bool {
        match end.host {
            [0, 0, 0, 0] | [224..=239, ..] | BROADCAST => true,
            // Where no device has an address, the kernel takes every address for a broadcast one.
            _ if net != 0 => true,
            [LOOPBACK, ..] => true,
            _ => false,
        }
    }
}

fn covers(net: Host, bits: u8, host: Host) -> bool {
    let differ = u32::from_be_bytes(net) ^ u32::from_be_bytes(host);
    differ.leading_zeros() >= u32::from(bits)
}
