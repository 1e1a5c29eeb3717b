//! Captures, taken apart by a parser of its own, and by Wireshark's where it is installed.

use crate::common::sunpath;
use crate::scene::{LONG, Noise, Scene, Tap};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};
use sunpath::{Ancillary, Listener, SeqPacket, SeqPacketListener, Stream};

/// A packet: what is in it, how long it was, and what is said about it.
struct Packet {
    bytes: Vec<u8>,
    original: usize,
    comment: String,
}

fn number(bytes: &[u8], at: usize) -> usize {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
}

/// Options by their code.
fn options(mut bytes: &[u8]) -> Vec<(usize, Vec<u8>)> {
    let mut all = Vec::new();
    while bytes.len() >= 4 {
        let code = usize::from(u16::from_le_bytes([bytes[0], bytes[1]]));
        let length = usize::from(u16::from_le_bytes([bytes[2], bytes[3]]));
        if code == 0 {
            break;
        }
        all.push((code, bytes[4..4 + length].to_vec()));
        bytes = &bytes[4 + length.div_ceil(4) * 4..];
    }
    all
}

fn packets(path: &Path) -> Vec<Packet> {
    let file = std::fs::read(path).unwrap();
    let (mut at, mut packets, mut kinds) = (0, Vec::new(), Vec::new());
    while at < file.len() {
        let (kind, length) = (number(&file, at), number(&file, at + 4));
        assert!(length % 4 == 0 && number(&file, at + length - 4) == length, "a broken block");
        let body = &file[at + 8..at + length - 4];
        kinds.push(kind);
        if kind == 6 {
            let (captured, original) = (number(body, 12), number(body, 16));
            let rest = options(&body[20 + captured.div_ceil(4) * 4..]);
            let comment = rest.iter().find(|(code, _)| *code == 1).map(|(_, text)| text.clone());
            packets.push(Packet {
                bytes: body[20..20 + captured].to_vec(),
                original,
                comment: String::from_utf8(comment.unwrap_or_default()).unwrap(),
            });
        }
        at += length;
    }
    assert_eq!(kinds[..2], [0x0a0d_0d0a, 1], "section, interface");
    packets
}

impl Packet {
    /// Whether the checksum over addresses, length, protocol and payload is right.
    fn is_sound(&self) -> bool {
        let length = self.bytes.len() - 40;
        let mut sum = length as u64 + u64::from(self.bytes[6]);
        for pair in self.bytes[8..].chunks(2) {
            sum += u64::from(pair[0]) << 8 | u64::from(pair.get(1).copied().unwrap_or(0));
        }
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        sum == 0xffff
    }

    fn is_from_client(&self) -> bool {
        u16::from_be_bytes([self.bytes[42], self.bytes[43]]) == 5432
    }

    fn flags(&self) -> u8 {
        self.bytes[53]
    }

    fn sequence(&self) -> u32 {
        u32::from_be_bytes(self.bytes[44..48].try_into().unwrap())
    }
}

fn capture(scene: &Scene, more: &[&str]) -> (Tap, PathBuf) {
    let path = scene.dir.join("capture.pcapng");
    let mut command = sunpath();
    command.arg("tap").arg(scene.tapped()).arg(scene.server()).arg("--output").arg(&path);
    (Tap::start(command.args(["--port", "5432"]).args(more)), path)
}

#[test]
fn a_stream_is_a_tcp_connection_with_every_byte_in_its_place() {
    let scene = Scene::new();
    let listener = Listener::options().pass_rights(true).bind(scene.server()).unwrap();
    let (tap, path) = capture(&scene, &[]);
    let client = Stream::connect_timeout(scene.tapped(), LONG).unwrap();
    let server = listener.accept().unwrap();
    let said = Noise::new(4).bytes(300_000);
    let own = said.clone();
    let reader = std::thread::spawn(move || {
        let mut all = vec![0; own.len()];
        (&server).read_exact(&mut all).unwrap();
        (&server).write_all(b"thank you").unwrap();
    });
    let file = File::open("/dev/null").unwrap();
    client.send_with(&said[..100], &Ancillary::descriptors(&[file.as_fd()])).unwrap();
    (&client).write_all(&said[100..]).unwrap();
    let mut answer = Vec::new();
    (&client).read_to_end(&mut answer).unwrap();
    reader.join().unwrap();
    drop(client);
    assert_eq!(tap.stop().code, Some(0));

    let packets = packets(&path);
    assert!(packets.iter().all(Packet::is_sound), "a checksum is wrong");
    let flags: Vec<_> = packets.iter().map(Packet::flags).collect();
    assert_eq!(flags[..3], [0x02, 0x12, 0x10], "three packets open it");
    assert_eq!(flags.iter().filter(|flags| **flags & 1 != 0).count(), 2, "both sides end");
    for (from_client, expected) in [(true, &said[..]), (false, b"thank you")] {
        let mut next = 1_u32;
        let mut stream = Vec::new();
        for packet in packets.iter().filter(|p| p.is_from_client() == from_client) {
            if packet.flags() & 0x08 != 0 {
                assert_eq!(packet.sequence(), next, "a gap");
                stream.extend_from_slice(&packet.bytes[60..]);
                next += (packet.bytes.len() - 60) as u32;
            }
        }
        assert!(stream == expected, "the bytes of the stream");
    }
    let comments: String = packets.iter().map(|p| p.comment.clone() + "\n").collect();
    assert!(comments.contains("descriptor 1 of 1: character device /dev/null"), "{comments}");
    assert!(comments.contains(&format!("pid {}", std::process::id())), "{comments}");
    wireshark_agrees(&path, packets.len());
}

#[test]
fn packets_are_udp_datagrams_and_can_be_cut() {
    let scene = Scene::new();
    let listener = SeqPacketListener::bind(scene.server()).unwrap();
    let (tap, path) = capture(&scene, &["--max-bytes", "10", "--filter", "from=client"]);
    let client = SeqPacket::connect(scene.tapped()).unwrap();
    let server = listener.accept().unwrap();
    for length in [0, 5, 1000, 100_000] {
        client.send(&Noise::new(1).bytes(length)).unwrap();
        server.recv(&mut vec![0; length]).unwrap();
        server.send(b"not wanted").unwrap();
    }
    drop((client, server));
    assert_eq!(tap.stop().code, Some(0));
    let packets = packets(&path);
    let sizes: Vec<_> = packets.iter().map(|p| (p.bytes.len() - 48, p.original - 48)).collect();
    assert_eq!(sizes, [(0, 0), (5, 5), (10, 1000), (10, 61_440), (0, 38_560)]);
    assert!(packets[4].comment.contains("part 2 of 2"), "{}", packets[4].comment);
    wireshark_agrees(&path, packets.len());
}

/// Wireshark's own program; it wants a home to look for settings in.
fn tshark(path: &Path, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new("tshark");
    let home = path.parent().unwrap();
    command.env("HOME", home).env("XDG_CONFIG_HOME", home).arg("-r").arg(path).args(arguments);
    match command.output() {
        Err(error) => {
            eprintln!("skipped: tshark: {error}");
            None
        }
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "{said}");
            Some(String::from_utf8_lossy(&output.stdout).into_owned())
        }
    }
}

/// Wireshark's own programs read it, and find nothing wrong.
fn wireshark_agrees(path: &Path, count: usize) {
    let fields = ["-T", "fields", "-e", "frame.number", "-e", "_ws.malformed"];
    if let Some(text) = tshark(path, &fields) {
        assert_eq!(text.lines().count(), count, "{text}");
        assert!(!text.to_lowercase().contains("malformed"), "{text}");
    }
    match Command::new("capinfos").arg(path).output() {
        Err(error) => eprintln!("skipped: capinfos: {error}"),
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(output.status.success() && text.contains("Raw IP"), "{text}");
            assert!(text.contains("headers are made up"), "{text}");
        }
    }
}

/// What Wireshark makes of a stream: one conversation without any doubt about it, with the bytes,
/// times, directions and comments that were meant.
#[test]
fn wireshark_follows_a_stream() {
    let scene = Scene::new();
    let listener = Listener::options().pass_rights(true).bind(scene.server()).unwrap();
    let (tap, path) = capture(&scene, &[]);
    let before = SystemTime::now();
    let client = Stream::connect_timeout(scene.tapped(), LONG).unwrap();
    let server = listener.accept().unwrap();
    let file = File::open("/dev/null").unwrap();
    client.send_with(b"question", &Ancillary::descriptors(&[file.as_fd()])).unwrap();
    server.recv(&mut [0; 9]).unwrap();
    server.send(b"answer").unwrap();
    client.recv(&mut [0; 9]).unwrap();
    drop((client, server));
    assert_eq!(tap.stop().code, Some(0));
    let names =
        ["frame.time_epoch", "frame.packet_flags_direction", "frame.comment", "tcp.payload"];
    let mut arguments = vec!["-T", "fields", "-E", "separator=|"];
    arguments.extend(names.iter().flat_map(|name| ["-e", name]));
    let Some(text) = tshark(&path, &arguments) else { return };
    let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split('|').collect()).collect();
    let number = |time: SystemTime| time.duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
    for row in &rows {
        let time: f64 = row[0].parse().unwrap();
        assert!((number(before)..number(SystemTime::now())).contains(&(time + 1e-6)), "{text}");
    }
    let (question, answer) = ("7175657374696f6e", "616e73776572");
    let row = |payload: &str| rows.iter().find(|row| row[3] == payload).expect(&text);
    // 1 is inbound, to the server; 2 is outbound.
    assert!(row(question)[1].ends_with('1') && row(answer)[1].ends_with('2'), "{text}");
    assert!(row(question)[2].contains("descriptor 1 of 1: character device /dev/null"), "{text}");
    assert!(rows[0][2].contains(&format!("pid {}", std::process::id())), "{text}");
    let doubts = ["Previous segment", "Retransmission", "Out-Of-Order", "ACKed unseen", "checksum"];
    let all = tshark(&path, &["-V", "-o", "tcp.check_checksum:TRUE"]).unwrap_or_default();
    let is_doubt =
        |line: &&str| line.contains("Expert Info") && doubts.iter().any(|d| line.contains(d));
    assert_eq!(all.lines().find(is_doubt), None);
    assert!(all.contains("[Checksum Status: Good]"), "{all}");
    let followed = tshark(&path, &["-q", "-z", "follow,tcp,raw,0"]).unwrap_or_default();
    assert!(followed.contains(question) && followed.contains(answer), "{followed}");
}
