//! Calls that tell or change what is written down about a file.

use crate::Errno;
use crate::model::file::What;
use crate::model::namespace::tree::NodeKind;
use crate::model::namespace::walk::Final;
use crate::model::process::Caps;
use crate::model::stop::{Stop, Tried};
use crate::model::world::{Caller, World};
use crate::op::{Fd, Ret, Value};

const MODE_BITS: u32 = 0o7777;
const SET_USER: u32 = 0o4000;
const SET_GROUP: u32 = 0o2000;
/// Set-group and execution by the group.
const GROUP_PROGRAM: u32 = 0o2010;
/// An id that leaves things as they are.
const UNCHANGED: u32 = u32::MAX;

impl World {
    pub(super) fn lstat(&self, caller: Caller, path: &[u8]) -> Tried {
        let node = self.arrive(caller, path, Final::Keep)?;
        let mode = self.namespace.node(node).full_mode();
        Ok(Ret::Value(Value::Int(mode as i32)))
    }

    pub(super) fn umask(&mut self, caller: Caller, mask: u32) -> Ret {
        let process = &mut self.processes[caller.process];
        let old = core::mem::replace(&mut process.umask, mask & 0o777);
        Ret::Value(Value::Int(old as i32))
    }

    pub(super) fn chmod(&mut self, caller: Caller, path: &[u8], mode: u32) -> Tried {
        let node = self.arrive(caller, path, Final::Follow)?;
        self.check_writable_mount(node)?;
        let process = &self.processes[caller.process];
        let file = self.namespace.node(node);
        if file.immutable || !self.owns(process, file) {
            return Err(Stop::Errno(Errno::EPERM));
        }
        let may_set_group =
            process.in_group(file.gid) || process.caps_over(file).contains(Caps::FOWNER);
        let kept = if may_set_group { MODE_BITS } else { MODE_BITS & !SET_GROUP };
        self.namespace.node_mut(node).mode = mode & kept;
        Ok(Ret::Unit)
    }

    pub(super) fn fchmod(&mut self, caller: Caller, fd: Fd, mode: u32) -> Tried {
        let found = self.processes[caller.process].descriptor(fd);
        let file = found.ok_or(Stop::Errno(Errno::EBADF))?.file;
        let credentials = &self.processes[caller.process].credentials;
        let overrides = credentials.caps.contains(Caps::FOWNER);
        match self.files[file].what {
            What::Path => Err(Stop::Errno(Errno::EBADF)),
            What::Socket(_) | What::Inet(_) if !*self.profile.names.socket_has_mode => {
                Err(Stop::Errno(Errno::EINVAL))
            }
            What::Socket(socket) => {
                let socket = &mut self.sockets[socket];
                if socket.owner != credentials.users[1] && !overrides {
                    return Err(Stop::Errno(Errno::EPERM));
                }
                socket.mode = mode & MODE_BITS;
                Ok(Ret::Unit)
            }
            What::Inet(_) => Ok(Ret::Unit),
            // The device is root's.
            What::Device if overrides => Ok(Ret::Unit),
            What::Device => Err(Stop::Errno(Errno::EPERM)),
            What::Process(_) | What::Ring => Err(Stop::Errno(Errno::EOPNOTSUPP)),
        }
    }

    pub(super) fn chown(&mut self, caller: Caller, path: &[u8], uid: u32, gid: u32) -> Tried {
        let node = self.arrive(caller, path, Final::Follow)?;
        self.check_writable_mount(node)?;
        let process = &self.processes[caller.process];
        let file = self.namespace.node(node);
        let owner = process.credentials.users[1] == file.uid;
        let may_give = process.caps_over(file).contains(Caps::CHOWN);
        let uid_stays = uid == UNCHANGED || owner && uid == file.uid;
        let gid_stays = gid == UNCHANGED || owner && (gid == file.gid || process.in_group(gid));
        if file.immutable || !(may_give || uid_stays && gid_stays) {
            return Err(Stop::Errno(Errno::EPERM));
        }
        let file = self.namespace.node_mut(node);
        file.uid = if uid == UNCHANGED { file.uid } else { uid };
        file.gid = if gid == UNCHANGED { file.gid } else { gid };
        if !matches!(file.kind, NodeKind::Directory(_)) {
            let program = file.mode & GROUP_PROGRAM == GROUP_PROGRAM;
            file.mode &= !(SET_USER | if program { SET_GROUP } else { 0 });
        }
        Ok(Ret::Unit)
    }
}
