//! `getsockopt`.

use super::Options;
use crate::Address;
use crate::model::socket::{PeerCredentials, SocketId, State};
use crate::model::step::entry;
use crate::model::stop::{Stop, Tried, fail};
use crate::model::world::{Caller, World, descriptor};
use crate::op::{Fd, Level, Opt, Ret, Value};

impl World {
    pub(crate) fn getsockopt(
        &mut self,
        caller: Caller,
        fd: Fd,
        level: Level,
        option: Opt,
    ) -> Tried {
        let (_, id) = self.socket(caller, fd, descriptor!("option"))?;
        let known = self.has_option(level, option).ok_or(fail("option/wrong-level"))?;
        if !known || self.profile.options.write_only.contains(&option) {
            return Err(fail("option/unknown"));
        }
        let socket = &self.sockets[id];
        Ok(Ret::Value(match option {
            Opt::Type => Value::Type(socket.kind),
            Opt::AcceptConn => Value::from(matches!(socket.state, State::Listening(_))),
            Opt::Error => self.take_error(id),
            Opt::PeerName => Value::Name(self.peer_name(id)?),
            Opt::PeerCred | Opt::LocalPeerCred => {
                let peer = self.peer_of(id);
                if peer.is_err() && *self.profile.options.blank_credentials {
                    Value::Peer(None)
                } else {
                    Value::Peer(Some(peer?.ids))
                }
            }
            Opt::PeerGroups => {
                let mut groups = self.peer_of(id)?.supplementary.clone();
                groups.sort_unstable();
                Value::Groups(groups)
            }
            Opt::PeerPidfd => {
                let pid = self.peer_of(id)?.ids.pid;
                Value::Fd(self.open_pidfd(caller, pid).map_err(Stop::Errno)?)
            }
            _ => socket.options.get(option),
        }))
    }

    /// `SO_ERROR`: what is pending, which is over with this.
    fn take_error(&mut self, id: SocketId) -> Value {
        let socket = &mut self.sockets[id];
        let kind = socket.kind;
        let error = socket.error.take();
        Value::Error(error.map(|error| self.errno(entry(error.id()), kind)))
    }

    fn peer_of(&self, id: SocketId) -> Tried<&PeerCredentials> {
        let peer = self.sockets[id].peer_credentials.as_deref();
        peer.ok_or(fail("option/no-peer-credentials"))
    }

    fn peer_name(&self, id: SocketId) -> Tried<Option<Address>> {
        let peer = self.sockets[id].peer().ok_or(fail("name/no-peer"))?;
        Ok(Some(self.name_of(peer)))
    }
}

impl From<bool> for Value {
    fn from(on: bool) -> Value {
        Value::Int(i32::from(on))
    }
}

impl Options {
    /// Options that are no more than a number or a switch.
    fn get(&self, option: Opt) -> Value {
        /// `AF_UNIX`, everywhere.
        const FAMILY: i32 = 1;
        let rare = self.rare();
        match option {
            Opt::Domain => Value::Int(FAMILY),
            Opt::SndBuf => Value::Int(self.send_buffer as i32),
            Opt::RcvBuf => Value::Int(self.receive_buffer as i32),
            Opt::SndTimeo => Value::Time(self.send_timeout.filter(|time| !time.is_zero())),
            Opt::RcvTimeo => Value::Time(self.receive_timeout.filter(|time| !time.is_zero())),
            Opt::SndLowat => Value::Int(rare.send_low_water),
            Opt::RcvLowat => Value::Int(self.receive_low_water as i32),
            Opt::PassCred => self.pass_credentials.into(),
            Opt::PassPidfd => self.pass_pidfd.into(),
            Opt::PassSec => self.pass_security.into(),
            Opt::PassRights => self.pass_rights.into(),
            Opt::PeekOff => match self.peek_offset {
                Some(offset) => Value::Int(offset as i32),
                None => Value::Int(rare.no_peek_offset),
            },
            Opt::OobInline => self.urgent_inline.into(),
            Opt::Timestamp => self.timestamp.into(),
            Opt::Linger => Value::Linger(rare.lingers.then_some(rare.linger)),
            Opt::KeepAlive => rare.keep_alive.into(),
            Opt::ReuseAddr => rare.reuse_address.into(),
            Opt::ReusePort => rare.reuse_port.into(),
            Opt::Broadcast => rare.broadcast.into(),
            Opt::AttachFilter => Value::Int(i32::from(rare.filter)),
            Opt::LocalCreds => (self.pass_credentials && !rare.credentials_persist).into(),
            Opt::LocalCredsPersistent => rare.credentials_persist.into(),
            Opt::LocalConnWait => self.connect_waits.into(),
            // A protocol there is none; the others were answered before or are not known.
            _ => Value::Int(0),
        }
    }
}
