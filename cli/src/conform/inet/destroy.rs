//! `SOCK_DESTROY`: what `ss -K` asks of the kernel.

use crate::stage::{Step, Trouble};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use sunpath::sys::netlink::{Netlink, SOCK_DIAG};
use sunpath::sys::{libc, socket};

/// Destroys a connected TCP socket of IPv4 from outside.
pub fn destroy(fd: &OwnedFd) -> Result<(), Trouble> {
    let name = socket::getsockname(fd).step("read the own address")?.to_internet();
    let peer = socket::getpeername(fd).step("read the peer's address")?.to_internet();
    let (Some(SocketAddr::V4(name)), Some(SocketAddr::V4(peer))) = (name, peer) else {
        return Err(Trouble::Failed("the socket has no IPv4 addresses".into()));
    };
    let mut request = header();
    request.extend([libc::AF_INET as u8, libc::IPPROTO_TCP as u8, 0, 0]);
    request.extend(u32::MAX.to_ne_bytes());
    request.extend(name.port().to_be_bytes());
    request.extend(peer.port().to_be_bytes());
    for ip in [name.ip(), peer.ip()] {
        request.extend(ip.octets());
        request.extend([0; 12]);
    }
    // Any interface; and no cookie, so that the addresses alone decide.
    request.extend(0u32.to_ne_bytes());
    request.extend([0xff; 8]);
    let length = u32::try_from(request.len()).step("measure the request")?;
    request[..4].copy_from_slice(&length.to_ne_bytes());
    send(&request)
}

/// `struct nlmsghdr`, its length still to be filled in.
fn header() -> Vec<u8> {
    const SOCK_DESTROY: u16 = 21;
    let flags = (libc::NLM_F_REQUEST | libc::NLM_F_ACK) as u16;
    let mut bytes = vec![0; 4];
    bytes.extend(SOCK_DESTROY.to_ne_bytes());
    bytes.extend(flags.to_ne_bytes());
    bytes.extend([0; 8]);
    bytes
}

/// Sends the request and reads whether it was granted.
fn send(request: &[u8]) -> Result<(), Trouble> {
    let netlink = Netlink::open(SOCK_DIAG, 1 << 15).step("open netlink")?;
    netlink.send(request).step("ask for it")?;
    let mut answer = [0; 256];
    let length = netlink.recv(&mut answer).step("read the answer")?;
    let errno = answer.get(16..20).filter(|_| length >= 20).and_then(|b| b.try_into().ok());
    match errno.map(i32::from_ne_bytes) {
        Some(0) => Ok(()),
        Some(errno) if errno == -libc::EOPNOTSUPP => {
            Err(Trouble::NotHere("this kernel lacks CONFIG_INET_DIAG_DESTROY".into()))
        }
        other => Err(Trouble::Failed(format!("the kernel did not destroy the socket: {other:?}"))),
    }
}
