//! Socket files in a simulation, and what the library does with them.

use std::time::Duration;
use sunpath::sim::{self, World, fs};
use sunpath::{Datagram, Errno, Listener, Platform, Stream};

const PATH: &str = "/run/server";

/// Leaves the file of a server that was killed.
fn leave_a_stale_file(program: &sim::Program) {
    let server = program.spawn("killed server", || {
        let _listener = Listener::bind(PATH).unwrap();
        sim::sleep(Duration::from_secs(1000));
    });
    sim::sleep(Duration::from_secs(1));
    server.kill();
    assert!(fs::exists(PATH));
}

#[test]
fn a_listener_removes_its_file() {
    World::default().run(|_| {
        let listener = Listener::bind(PATH).unwrap();
        assert!(fs::exists(PATH));
        assert_eq!(fs::mode(PATH).unwrap(), 0o140_755);
        drop(listener);
        assert_eq!(fs::list("/run").unwrap(), Vec::<std::path::PathBuf>::new());
    });
}

#[test]
fn nothing_of_it_is_on_the_disk() {
    World::default().run(|_| {
        let _listener = Listener::bind("/run/sunpath-simulated").unwrap();
        assert!(!std::path::Path::new("/run/sunpath-simulated").exists());
    });
}

#[test]
fn the_file_of_a_dead_server_is_replaced_and_that_of_a_live_one_is_not() {
    for platform in [Platform::Linux, Platform::FreeBsd14, Platform::MacOs] {
        World::default().platform(platform).run(|program| {
            leave_a_stale_file(program);
            assert_eq!(Listener::bind(PATH).unwrap_err().errno(), Some(Errno::EADDRINUSE));
            let listener = Listener::options().replace_dead().mode(0o600).bind(PATH).unwrap();
            assert_eq!(fs::mode(PATH).unwrap(), 0o140_600);
            let again = Listener::options().replace_dead().bind(PATH);
            assert_eq!(again.unwrap_err().errno(), Some(Errno::EADDRINUSE));
            let client = Stream::connect(PATH).unwrap();
            client.send(b"x").unwrap();
            assert_eq!(listener.accept().unwrap().recv(&mut [0; 8]).unwrap(), 1);
            drop(listener);
            assert_eq!(fs::list("/run").unwrap(), Vec::<std::path::PathBuf>::new());
        });
    }
}

#[test]
fn of_many_servers_that_start_at_once_one_wins() {
    for seed in 0..20 {
        World::default().seed(seed).run(|program| {
            leave_a_stale_file(program);
            let servers: Vec<_> = (0..3)
                .map(|number| {
                    program.spawn(&format!("server {number}"), || {
                        let options = Listener::options().replace_dead();
                        let listener = options.bind(PATH).ok()?;
                        sim::sleep(Duration::from_secs(10));
                        assert!(!listener.is_superseded());
                        Some(())
                    })
                })
                .collect();
            let won = servers.into_iter().filter_map(|server| server.join().unwrap()).count();
            assert_eq!(won, 1, "seed {seed}");
        });
    }
}

#[test]
fn a_new_server_takes_over_without_a_gap() {
    for seed in 0..10 {
        World::default().seed(seed).run(|program| {
            let old = Listener::take_over(PATH).unwrap();
            let clients: Vec<_> = (0..3)
                .map(|number| {
                    program.spawn(&format!("client {number}"), || {
                        Stream::connect(PATH).unwrap().send(b"x").unwrap()
                    })
                })
                .collect();
            let new = Listener::take_over(PATH).unwrap();
            assert!(old.is_superseded() && !new.is_superseded());
            clients.into_iter().for_each(|client| assert_eq!(client.join(), Some(1)));
            let now = || sim::now() + Duration::from_secs(1);
            let mut came = 0;
            for server in [&old, &new] {
                while let Some(_client) = server.accept_until(now()).unwrap() {
                    came += 1;
                }
            }
            assert_eq!(came, 3);
        });
    }
}

#[test]
fn a_datagram_socket_that_is_given_a_mode_has_it() {
    World::default().run(|_| {
        let _socket = Datagram::options().mode(0o620).bind("/tmp/log").unwrap();
        assert_eq!(fs::mode("/tmp/log").unwrap() & 0o777, 0o620);
    });
}

#[test]
fn a_path_that_is_too_long_for_an_address_is_refused_clearly() {
    World::default().run(|_| {
        let path = format!("/tmp/{}", "long".repeat(40));
        let listener = Listener::bind(&path).unwrap();
        assert_eq!(listener.local_addr().unwrap(), sunpath::Address::from(&*path));
        // That goes through /proc, which a simulation has not.
        assert_eq!(Stream::connect(&path).unwrap_err().errno(), Some(Errno::ENOSYS));
    });
}
