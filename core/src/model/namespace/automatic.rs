//! Automatic names, and names that are given up.

use super::tree::NodeKind;
use crate::Address;
use crate::model::socket::{Bound, SocketId};
use crate::model::stop::{Tried, fail};
use crate::model::world::World;
use alloc::boxed::Box;
use alloc::format;

impl World {
    /// Gives a socket that has no name an automatic one if it passes credentials on: peers are to
    /// know whom they answer.
    pub(crate) fn name_implicitly(&mut self, id: SocketId) -> Tried<()> {
        let socket = &self.sockets[id];
        let asks = socket.options.pass_credentials || socket.options.pass_pidfd;
        if asks && socket.name.is_none() && *self.profile.names.abstract_names {
            return self.name_automatically(id);
        }
        Ok(())
    }

    /// Gives a socket the next free automatic name.
    pub(crate) fn name_automatically(&mut self, id: SocketId) -> Tried<()> {
        let socket = &self.sockets[id];
        let key = (socket.net, socket.kind);
        let many = self.machine.autobind_names.max(1);
        for _ in 0..many {
            let start = u64::from(self.machine.autobind_start) + u64::from(self.namespace.searched);
            self.namespace.searched = (self.namespace.searched + 1) % many;
            let name = format!("{:05x}", start % u64::from(many)).into_bytes();
            let names = self.namespace.names.entry(key).or_default();
            if !names.contains_key(&name) {
                names.insert(name.clone(), id);
                let address = Address::Abstract(name);
                self.sockets[id].name = Some(Box::new(Bound { address, file: None }));
                return Ok(());
            }
        }
        Err(fail("bind/no-free-name"))
    }

    /// The socket is about to die: nobody finds it by its name any more. It goes on carrying the
    /// name, which messages that it sent still tell.
    pub(crate) fn give_up_name(&mut self, id: SocketId) {
        let socket = &self.sockets[id];
        let Some(bound) = &socket.name else { return };
        match (&bound.address, &bound.file) {
            (Address::Abstract(name), _) => {
                let key = (socket.net, socket.kind);
                let names = self.namespace.names.get_mut(&key);
                // Accepted connections carry their listener's name without having it.
                if let Some(names) = names.filter(|names| names.get(name) == Some(&id)) {
                    names.remove(name);
                }
            }
            (_, Some(file)) => {
                let node = file.node;
                if self.namespace.get(node).is_none() {
                    return;
                }
                if let NodeKind::Socket(bound) = &mut self.namespace.node_mut(node).kind
                    && *bound == Some(id)
                {
                    *bound = None;
                    self.forget_unused(node);
                }
            }
            _ => {}
        }
    }
}
