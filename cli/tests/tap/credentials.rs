//! Who sent a message, as whoever receives it through a tap is told.

use crate::scene::{LONG, Noise, Scene, Tap};
use sunpath::{
    Ancillary, AncillaryBuffer, Credentials, Datagram, Listener, SeqPacket, SeqPacketListener,
    Stream,
};

/// Nobody here.
const OTHER: Credentials = Credentials { pid: 1, uid: 1234, gid: 56 };

/// This process.
fn own() -> Credentials {
    let (pid, uid) = (std::process::id().cast_signed(), sunpath::sys::process::user());
    Credentials { pid, uid, gid: sunpath::sys::process::group() }
}

/// A tap that passes credentials on; `None` where that is not allowed, which it says.
fn tap(scene: &Scene) -> Option<Tap> {
    let mut command = scene.command();
    command.arg("--credentials");
    if sunpath::sys::process::user() == 0 {
        return Some(Tap::start(&mut command));
    }
    let refused = crate::common::Run::from(crate::common::output(&mut command).unwrap());
    assert!(refused.code == 1 && refused.err.contains("takes root"), "{}", refused.err);
    eprintln!("skipped: {}", refused.err);
    None
}

#[test]
fn streams_tell_who_wrote_what() {
    let scene = Scene::new();
    let listener = Listener::options().pass_credentials(true).bind(scene.server()).unwrap();
    let Some(_tap) = tap(&scene) else { return };
    let client = Stream::connect_timeout(scene.tapped(), LONG).unwrap();
    client.sockopt().set_pass_credentials(true).unwrap();
    let server = listener.accept().unwrap();
    for end in [&client, &server] {
        end.sockopt().set_receive_timeout(Some(LONG)).unwrap();
    }
    let mut room = AncillaryBuffer::new(0);
    let mut exactly = |socket: &Stream, length: usize, who: Credentials| {
        let (mut buffer, mut filled) = (vec![0; length], 0);
        while filled < length {
            let received = socket.recv_with(&mut buffer[filled..], &mut room).unwrap();
            assert_eq!(room.credentials(), Some(who), "{filled} of {length}");
            filled += received.bytes;
        }
        buffer
    };
    client.send(b"mine").unwrap();
    client.send_with(b"another's", &Ancillary::NONE.with_credentials(OTHER)).unwrap();
    client.send(b"again").unwrap();
    assert_eq!(exactly(&server, 4, own()), b"mine");
    assert_eq!(exactly(&server, 9, OTHER), b"another's");
    assert_eq!(exactly(&server, 5, own()), b"again");
    server.send_with(b"answer", &Ancillary::NONE.with_credentials(OTHER)).unwrap();
    assert_eq!(exactly(&client, 6, OTHER), b"answer");
    let much = Noise::new(1).bytes(400_000);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| std::io::Write::write_all(&mut &client, &much));
        assert!(exactly(&server, much.len(), own()) == much);
        writer.join().unwrap().unwrap();
    });
}

#[test]
fn packets_and_datagrams_tell_who_sent_them() {
    let scene = Scene::new();
    let options = SeqPacketListener::options().pass_credentials(true).pass_rights(true);
    let listener = options.bind(scene.server()).unwrap();
    let Some(_tap) = tap(&scene) else { return };
    let client = SeqPacket::connect(scene.tapped()).unwrap();
    let server = listener.accept().unwrap();
    server.sockopt().set_receive_timeout(Some(LONG)).unwrap();
    let mut room = AncillaryBuffer::new(1);
    let file = std::fs::File::open("/dev/null").unwrap();
    let beside = &[std::os::fd::AsFd::as_fd(&file)];
    for (who, with) in [
        (own(), Ancillary::NONE),
        (OTHER, Ancillary::NONE.with_credentials(OTHER)),
        (OTHER, Ancillary::descriptors(beside).with_credentials(OTHER)),
    ] {
        client.send_with(b"packet", &with).unwrap();
        assert_eq!(server.recv_with(&mut [0; 9], &mut room).unwrap().bytes, 6);
        assert_eq!(room.credentials(), Some(who));
    }
    assert_eq!(room.descriptors().len(), 1);

    let scene = Scene::new();
    let server = Datagram::options().pass_credentials(true).bind(scene.server()).unwrap();
    let Some(_tap) = tap(&scene) else { return };
    let client = Datagram::options().pass_credentials(true).bind(scene.dir.join("c")).unwrap();
    for end in [&client, &server] {
        end.sockopt().set_receive_timeout(Some(LONG)).unwrap();
    }
    for (who, with) in [(own(), Ancillary::NONE), (OTHER, Ancillary::NONE.with_credentials(OTHER))]
    {
        client.connect(scene.tapped()).unwrap();
        client.send_with(b"there", &with).unwrap();
        let (_, name) = server.recv_with(&mut [0; 9], &mut room).unwrap();
        assert_eq!(room.credentials(), Some(who));
        server.send_to(b"back", name).unwrap();
        client.recv_with(&mut [0; 9], &mut room).unwrap();
        assert_eq!(room.credentials(), Some(own()));
    }
}
