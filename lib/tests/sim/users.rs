//! Processes of several users in a simulation.

use sunpath::model::Credentials;
use sunpath::sim::{self, World, fs};
use sunpath::{Ancillary, AncillaryBuffer, Errno, Listener, Peer, Platform, Stream};

const PATH: &str = "/run/server";
const ALICE: Credentials = Credentials::user(1000, 100);

#[test]
fn a_mode_keeps_another_user_out() {
    for platform in [Platform::Linux, Platform::FreeBsd15, Platform::MacOs] {
        World::default().platform(platform).run(|program| {
            let listener = Listener::options().mode(0o600).bind(PATH).unwrap();
            let alice = || Stream::connect(PATH).map(drop).map_err(|error| error.errno());
            let refused = program.spawn_as("alice", ALICE, alice).join().unwrap();
            assert_eq!(refused, Err(Some(Errno::EACCES)));
            assert_eq!(program.spawn("root", alice).join().unwrap(), Ok(()));
            drop(listener);
            let _listener = Listener::options().mode(0o666).bind(PATH).unwrap();
            assert_eq!(program.spawn_as("alice", ALICE, alice).join().unwrap(), Ok(()));
        });
    }
}

#[test]
fn a_directory_keeps_another_user_from_making_files() {
    World::default().run(|program| {
        let alice = program.spawn_as("alice", ALICE, || {
            let refused = Listener::bind(PATH).unwrap_err().errno();
            assert_eq!(refused, Some(Errno::EACCES));
            let listener = Listener::bind("/tmp/alice").unwrap();
            // A process that she starts is hers, too.
            let child = sim::spawn("child", || Listener::bind(PATH).unwrap_err().errno());
            assert_eq!(child.join(), Some(Some(Errno::EACCES)));
            drop(listener);
        });
        assert_eq!(alice.join(), Some(()));
        assert!(!fs::exists("/tmp/alice"));
    });
}

#[test]
fn peers_see_who_it_is() {
    World::default().run(|program| {
        let listener = Listener::options().mode(0o666).bind(PATH).unwrap();
        let alice = program.spawn_as("alice", ALICE, || {
            let me = sunpath::Credentials::current();
            let stream = Stream::connect(PATH).unwrap();
            stream.send_with(b"x", &Ancillary::default().with_credentials(me)).unwrap();
            me
        });
        let client = listener.accept().unwrap();
        client.sockopt().set_pass_credentials(true).unwrap();
        let mut beside = AncillaryBuffer::new(1);
        client.recv_with(&mut [0; 8], &mut beside).unwrap();
        let me = alice.join().unwrap();
        assert_eq!((me.uid, me.gid), (1000, 100));
        assert_ne!(me.pid, sunpath::Credentials::current().pid);
        assert_eq!(Peer::of(&client).unwrap().credentials().unwrap(), me);
        assert_eq!(beside.credentials(), Some(me));
    });
}
