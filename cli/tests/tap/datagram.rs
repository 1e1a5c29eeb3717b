//! Clients without a connection: messages there, and answers back to whom they belong.

use crate::scene::{LONG, Noise, Scene, Tap, soon};
use std::fs::File;
use std::os::fd::AsFd;
use sunpath::{Ancillary, AncillaryBuffer, Datagram, Errno, RecvFlags};

fn server(scene: &Scene) -> Datagram {
    let server = Datagram::options().pass_rights(true).bind(scene.server()).unwrap();
    server.sockopt().set_receive_timeout(Some(LONG)).unwrap();
    server
}

fn client(scene: &Scene, name: &str) -> Datagram {
    let client = Datagram::options().pass_rights(true).bind(scene.dir.join(name)).unwrap();
    client.sockopt().set_receive_timeout(Some(LONG)).unwrap();
    client
}

#[test]
fn each_client_gets_its_own_answers() {
    let scene = Scene::new();
    let server = server(&scene);
    let tap = scene.tap();
    let clients: Vec<_> = (0..5).map(|n| client(&scene, &format!("c{n}"))).collect();
    let mut buffer = vec![0; 1 << 17];
    for round in 0..10_u8 {
        for (n, client) in clients.iter().enumerate() {
            client.send_to(&[n as u8, round], scene.tapped()).unwrap();
        }
        for _ in 0..clients.len() {
            let (received, from) = server.recv_from(&mut buffer).unwrap();
            server.send_to(&buffer[..received.bytes], from).unwrap();
        }
        for (n, client) in clients.iter().enumerate() {
            let (received, from) = client.recv_from(&mut buffer).unwrap();
            assert_eq!(&buffer[..received.bytes], [n as u8, round]);
            assert_eq!(from.as_path(), Some(scene.tapped().as_path()), "it comes from the tap");
        }
    }
    for length in [0, 1, 100_000] {
        let message = Noise::new(1).bytes(length);
        clients[0].send_to(&message, scene.tapped()).unwrap();
        let (received, _) = server.recv_from(&mut buffer).unwrap();
        assert_eq!((received.length, received.end_of_file), (length, false));
        assert!(buffer[..length] == message);
    }
    assert_eq!(tap.stop().code, Some(0));
    let transcript = scene.transcript();
    assert!(transcript.contains(&format!("pid {}", std::process::id())), "{transcript}");
}

#[test]
fn clients_without_a_name_are_heard_and_descriptors_pass() {
    let scene = Scene::new();
    let server = server(&scene);
    let _tap = scene.tap();
    let file = File::open("/dev/null").unwrap();
    let client = Datagram::unbound().unwrap();
    client.connect(scene.tapped()).unwrap();
    client.send(b"nobody").unwrap();
    client.send_with(b"with", &Ancillary::descriptors(&[file.as_fd()])).unwrap();
    let (mut buffer, mut room) = ([0; 9], AncillaryBuffer::new(2));
    let (received, from) = server.recv_with(&mut buffer, &mut room).unwrap();
    assert_eq!((&buffer[..received.bytes], room.descriptors().len()), (&b"nobody"[..], 0));
    assert_eq!(from, sunpath::SockAddr::unnamed());
    let (received, _) = server.recv_with(&mut buffer, &mut room).unwrap();
    assert_eq!((&buffer[..received.bytes], room.descriptors().len()), (&b"with"[..], 1));
}

#[test]
fn a_server_that_does_not_read_stops_its_clients_and_loses_nothing() {
    let scene = Scene::new();
    let server = server(&scene);
    let _tap = scene.tap();
    let client = client(&scene, "c");
    let (mut sent, mut idle) = (0_u32, 0);
    client.set_nonblocking(true).unwrap();
    while idle < 30 {
        match client.send_to(&sent.to_be_bytes(), scene.tapped()) {
            Ok(()) => (sent, idle) = (sent + 1, 0),
            Err(error) => {
                assert_eq!(error.errno(), Some(Errno::EAGAIN));
                idle += 1;
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
        }
        assert!(sent < 1000, "nothing stops it");
    }
    let mut buffer = [0; 9];
    for n in 0..sent {
        let received = server.recv(&mut buffer).unwrap();
        assert_eq!(buffer[..received.bytes], n.to_be_bytes());
    }
    soon("there is room again", || client.send_to(b"more", scene.tapped()).is_ok());
}

#[test]
fn a_datagram_server_is_tapped_in_its_place() {
    let scene = Scene::new();
    let server = server(&scene);
    let mut command = crate::common::sunpath();
    command.args(["tap", "--quiet", "--in-place"]).arg(scene.server());
    let tap = Tap::start(&mut command);
    let client = client(&scene, "c");
    client.send_to(b"to the tap", scene.server()).unwrap();
    let mut buffer = [0; 20];
    let (_, from) = server.recv_from(&mut buffer).unwrap();
    assert_ne!(
        from,
        client
            .local_addr()
            .map(|a| sunpath::SockAddr::try_from(sunpath::ToAddress::to_address(&a)).unwrap())
            .unwrap()
    );
    server.send_to(b"answer", from).unwrap();
    let received = client.recv(&mut buffer).unwrap();
    assert_eq!(&buffer[..received.bytes], b"answer");
    let ended = tap.stop();
    assert_eq!(ended.code, Some(0), "{}", ended.said);
    client.send_to(b"direct", scene.server()).unwrap();
    let (_, from) = server.recv_from(&mut buffer).unwrap();
    assert_eq!(from.as_path(), Some(scene.dir.join("c").as_path()));
    assert!(server.recv_with_flags(&mut buffer, RecvFlags::DONTWAIT).is_err());
}
