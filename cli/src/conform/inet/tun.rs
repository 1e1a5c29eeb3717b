//! A peer made of raw packets, on a TUN device: it does what no kernel would do.

use super::route::ip;
use crate::stage::place::own_network;
use crate::stage::{Step, Trouble};
use std::fs::File;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::AsRawFd;
use sunpath::sys::probe::{self, Memory};
use sunpath::sys::process::{self, Child, Signal};

/// The address of the peer.
pub const PEER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(198, 51, 100, 2)), 80);

/// The peer's process, which ends with this.
pub struct Peer(Option<Child>);

impl Drop for Peer {
    fn drop(&mut self) {
        if let Some(child) = self.0.take() {
            // It may have ended on its own: then there is nothing to kill.
            let _ = child.kill(Signal::KILL);
            let _ = child.wait();
        }
    }
}

/// Moves this process into a network whose only neighbour answers a request to connect with a
/// request of its own, as if both had begun at the same moment, and then with a reset.
pub fn resetting_peer() -> Result<Peer, Trouble> {
    own_network()?;
    let mut device = open()?;
    ip("addr add 198.51.100.1/24 dev tun0")?;
    ip("link set tun0 up")?;
    let child = process::fork(|| i32::from(answer(&mut device).is_err())).step("start the peer")?;
    Ok(Peer(Some(child)))
}

/// The device `tun0`, without the four bytes that would come before each packet.
fn open() -> Result<File, Trouble> {
    const TUNSETIFF: u64 = 0x4004_54ca;
    const IFF_TUN: u16 = 1;
    const IFF_NO_PI: u16 = 0x1000;
    let device = File::options().read(true).write(true).open("/dev/net/tun").step("open TUN")?;
    let mut request = [0; 40];
    request[..4].copy_from_slice(b"tun0");
    request[16..18].copy_from_slice(&(IFF_TUN | IFF_NO_PI).to_ne_bytes());
    probe::ioctl(device.as_raw_fd(), TUNSETIFF, Memory::Bytes(&request)).step("make a device")?;
    Ok(device)
}

const SYN: u8 = 2;
const RST: u8 = 4;

/// Waits for the request, answers it, and resets.
fn answer(device: &mut File) -> std::io::Result<()> {
    const MINE: u32 = 1000;
    let mut packet = [0; 2048];
    loop {
        let length = device.read(&mut packet)?;
        let Some(request) = Request::read(&packet[..length]) else { continue };
        device.write_all(&request.reply(SYN, MINE))?;
        // What acknowledges the request arrives before the reset is looked at.
        std::thread::sleep(std::time::Duration::from_millis(50));
        return device.write_all(&request.reply(RST, MINE + 1));
    }
}

/// A request to connect: who sent it to whom.
struct Request {
    from: [u8; 4],
    to: [u8; 4],
    ports: [u8; 4],
}

impl Request {
    /// Reads a packet; `None` if it is anything but a TCP request over IPv4.
    fn read(packet: &[u8]) -> Option<Self> {
        let (first, protocol) = (packet.first()?, packet.get(9)?);
        let tcp = packet.get(usize::from(first & 15) * 4..)?;
        let wanted = first >> 4 == 4 && *protocol == 6 && *tcp.get(13)? == SYN;
        let from = packet.get(12..16)?.try_into().ok()?;
        let to = packet.get(16..20)?.try_into().ok()?;
        let ports = tcp.get(..4)?.try_into().ok()?;
        wanted.then_some(Request { from, to, ports })
    }

    /// A packet in the other direction.
    fn reply(&self, flags: u8, sequence: u32) -> Vec<u8> {
        let [a, b, c, d] = self.ports;
        let mut tcp = vec![c, d, a, b];
        tcp.extend(sequence.to_be_bytes());
        tcp.extend([0, 0, 0, 0, 5 << 4, flags, 0xff, 0xff, 0, 0, 0, 0]);
        let length = tcp.len() as u16;
        let mut covered = [self.to, self.from].concat();
        covered.extend([0, 6]);
        covered.extend(length.to_be_bytes());
        covered.extend(&tcp);
        tcp[16..18].copy_from_slice(&checksum(&covered));
        let mut packet = vec![0x45, 0];
        packet.extend((20 + length).to_be_bytes());
        packet.extend([0, 1, 0, 0, 64, 6, 0, 0]);
        packet.extend(self.to);
        packet.extend(self.from);
        let sum = checksum(&packet);
        packet[10..12].copy_from_slice(&sum);
        packet.extend(tcp);
        packet
    }
}

/// The internet checksum (RFC 1071) of an even number of bytes.
fn checksum(bytes: &[u8]) -> [u8; 2] {
    let words = bytes.chunks_exact(2).map(|w| u32::from(u16::from_be_bytes([w[0], w[1]])));
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    (!(sum as u16)).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_with_its_checksum_sums_to_zero() {
        let request =
            Request { from: [198, 51, 100, 1], to: [198, 51, 100, 2], ports: [1, 2, 3, 4] };
        let packet = request.reply(SYN, 7);
        assert_eq!(packet.len(), 40);
        assert_eq!(checksum(&packet[..20]), [0, 0]);
        let back = Request::read(&packet).unwrap();
        assert_eq!((back.from, back.to, back.ports), (request.to, request.from, [3, 4, 1, 2]));
    }

    #[test]
    fn what_is_no_request_is_not_answered() {
        let request = Request { from: [0; 4], to: [0; 4], ports: [0; 4] };
        assert!(Request::read(&request.reply(RST, 0)).is_none());
        for length in 0..40 {
            assert!(Request::read(&request.reply(SYN, 0)[..length.min(33)]).is_none());
        }
        assert!(Request::read(&[0x60; 60]).is_none());
    }
}
