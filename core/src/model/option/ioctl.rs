//! `ioctl` and `lseek`.

use crate::Errno;
use crate::SocketType;
use crate::model::file::What;
use crate::model::process::Caps;
use crate::model::socket::{SocketId, State};
use crate::model::stop::{Stop, Tried, fail};
use crate::model::world::{Caller, World};
use crate::op::{Fd, NewFlags, Request, Ret, Value};

impl World {
    pub(crate) fn ioctl(&mut self, caller: Caller, fd: Fd, request: Request) -> Tried {
        let file = self.file(caller, fd, "option/bad-descriptor")?;
        let id = match self.files[file].what {
            What::Socket(id) => id,
            What::Inet(socket) => return Err(Stop::Internet(socket)),
            What::Path => return Err(fail("option/bad-descriptor")),
            What::Device | What::Process(_) | What::Ring => {
                return Err(fail("option/unknown-request"));
            }
        };
        let rules = &self.profile.options;
        match request {
            Request::Inq => {
                let listener = matches!(self.sockets[id].state, State::Listening(_));
                if listener && !*rules.bytes_of_listener {
                    return Err(fail("option/queue-of-listener"));
                }
                number(self.readable_bytes(id))
            }
            Request::Outq => number(self.sockets[id].charged as usize),
            Request::AtMark => {
                if self.sockets[id].kind != SocketType::Stream && !*rules.mark_of_packets {
                    return Err(fail("option/not-for-this-socket"));
                }
                number(usize::from(self.sockets[id].is_at_mark()))
            }
            Request::File if *rules.opens_bound_file => self.open_bound_file(caller, id),
            Request::File | Request::Arp | Request::Unknown => Err(fail("option/unknown-request")),
        }
    }

    /// A descriptor for the file that the socket is bound to, as `O_PATH` gives.
    fn open_bound_file(&mut self, caller: Caller, id: SocketId) -> Tried {
        if !self.processes[caller.process].credentials.caps.contains(Caps::NET_ADMIN) {
            return Err(fail("option/needs-privilege"));
        }
        let file = self.sockets[id].name.as_ref().and_then(|name| name.file.as_ref());
        if file.is_none() {
            return Err(Stop::Errno(Errno::ENOENT));
        }
        let opened = self.open_file(caller, What::Path, NewFlags::NONE, "");
        let (_, fd) = opened.map_err(|_| Stop::Errno(Errno::EMFILE))?;
        Ok(Ret::Fd(fd))
    }

    pub(crate) fn lseek(&mut self, caller: Caller, fd: Fd) -> Tried {
        let descriptor = self.processes[caller.process].descriptor(fd);
        let file = descriptor.ok_or(Stop::Errno(Errno::EBADF))?.file;
        match self.files[file].what {
            What::Socket(_) | What::Inet(_) => Err(fail("socket/not-seekable")),
            What::Device => Ok(Ret::Count(0)),
            What::Process(_) | What::Ring => Err(Stop::Errno(Errno::ESPIPE)),
            What::Path => Err(Stop::Errno(Errno::EBADF)),
        }
    }
}

fn number(count: usize) -> Tried {
    Ok(Ret::Value(Value::Int(i32::try_from(count).unwrap_or(i32::MAX))))
}
