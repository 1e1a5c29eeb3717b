//! Transcripts for people and programs, and what happens when they cannot be written.

use crate::common::{every_key_is_documented, sunpath};
use crate::scene::{LONG, Scene, Tap, soon};
use serde_json::Value;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::process::Stdio;
use sunpath::{Ancillary, Listener, Stream};

/// One conversation through a tap with these options, and what stands in its transcript.
fn conversation(options: &[&str]) -> String {
    let scene = Scene::new();
    let listener = Listener::options().pass_rights(true).bind(scene.server()).unwrap();
    let tap = Tap::start(scene.command().args(options));
    let mut client = Stream::options().pass_rights(true).connect(scene.tapped()).unwrap();
    let mut server = listener.accept().unwrap();
    client.write_all(b"GET / \"quoted\"\r\n\x1b[31m\xff").unwrap();
    server.read_exact(&mut [0; 22]).unwrap();
    let file = File::open("/dev/null").unwrap();
    server.send_with("gr\u{fc}n".as_bytes(), &Ancillary::descriptors(&[file.as_fd()])).unwrap();
    client.read_exact(&mut [0; 5]).unwrap();
    client.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(server.recv(&mut [0]).unwrap(), 0);
    drop(server);
    assert_eq!(client.recv(&mut [0]).unwrap(), 0);
    drop(client);
    let ended = tap.stop();
    assert_eq!(ended.code, Some(0), "{}", ended.said);
    assert!(ended.said.contains("for the server, every client is this process"), "{}", ended.said);
    scene.transcript()
}

#[test]
fn people_see_who_said_what_and_nothing_that_a_terminal_obeys() {
    let text = conversation(&[]);
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
    let lines: Vec<_> = text.lines().map(|line| line.split_once(" #1 ").unwrap().1).collect();
    let pid = std::process::id();
    assert!(lines[0].starts_with("open ") && lines[0].contains(&format!("pid {pid}")), "{text}");
    assert_eq!(lines[1], "->      22  \"GET / \\\"quoted\\\"\\r\\n\\x1b[31m\\xff\"");
    assert_eq!(lines[2], "<-       5  \"gr\u{fc}n\"");
    assert!(lines[3].starts_with("<- descriptor 1 of 1: character device /dev/null"), "{text}");
    assert_eq!(lines[4..], ["-> end", "<- end", "close  22 bytes ->, 5 bytes <-"]);
}

#[test]
fn a_dash_stands_for_standard_output() {
    let text = conversation(&["--output", "-"]);
    assert!(text.contains(" #1 open ") && text.contains(" #1 close "), "{text}");
}

#[test]
fn hexadecimal_shows_every_byte() {
    let text = conversation(&["--format", "hex"]);
    let rows = [
        "  00000000  47 45 54 20 2f 20 22 71  75 6f 74 65 64 22 0d 0a  |GET / \"quoted\"..|",
        "  00000010  1b 5b 33 31 6d ff                                 |.[31m.|",
    ];
    for row in rows {
        assert!(text.contains(row), "{text}");
    }
    let cut = conversation(&["--format", "hex", "--max-bytes", "16"]);
    assert!(cut.contains("  6 bytes more\n") && !cut.contains("00000010"), "{cut}");
}

#[test]
fn programs_get_documented_json() {
    let text = conversation(&["--format", "json"]);
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    lines.iter().for_each(every_key_is_documented);
    let events: Vec<_> = lines.iter().map(|line| line["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["open", "data", "data", "end", "end", "close"]);
    assert_eq!(lines[0]["type"], "stream");
    assert_eq!(lines[0]["client"]["pid"], std::process::id());
    let data = &lines[1];
    assert_eq!((&data["from"], &data["bytes"]), (&"client".into(), &22.into()));
    assert_eq!(data["data_bytes"], "474554202f202271756f746564220d0a1b5b33316dff");
    assert_eq!(lines[2]["data"], "gr\u{fc}n");
    assert_eq!(lines[2]["descriptors"][0]["name"], "/dev/null");
    assert_eq!((&lines[5]["client_bytes"], &lines[5]["server_bytes"]), (&22.into(), &5.into()));
}

#[test]
fn filters_leave_out_what_is_not_wanted() {
    let only = conversation(&["--filter", "from=server", "--filter", "event=data"]);
    assert!(
        only.contains("gr\u{fc}n") && !only.contains("GET") && !only.contains("close"),
        "{only}"
    );
    let only = conversation(&["--filter", "text=quoted"]);
    assert_eq!(only.lines().count(), 1, "{only}");
    assert_eq!(conversation(&["--filter", "pid=1"]), "");
    let refused = crate::common::run(&["tap", "a", "b", "--filter", "nonsense"]);
    assert!(refused.code == 2 && refused.err.contains("from=client"), "{}", refused.err);
}

/// Asks through a tap and is answered.
fn is_relayed(scene: &Scene, listener: &Listener) {
    let mut client = Stream::connect_timeout(scene.tapped(), LONG).unwrap();
    let mut server = listener.accept().unwrap();
    client.write_all(&[b'x'; 5000]).unwrap();
    server.read_exact(&mut [0; 5000]).unwrap();
    server.write_all(b"y").unwrap();
    client.read_exact(&mut [0]).unwrap();
}

#[test]
fn a_full_disk_ends_the_transcript_and_nothing_else() {
    let scene = Scene::new();
    let listener = Listener::bind(scene.server()).unwrap();
    let tap = Tap::start(scene.command().args(["--output", "/dev/full"]));
    is_relayed(&scene, &listener);
    soon("it is told", || tap.said().contains("cannot write the transcript"));
    is_relayed(&scene, &listener);
    let ended = tap.stop();
    assert_eq!(ended.code, Some(4), "{}", ended.said);
}

#[test]
fn a_reader_of_the_transcript_may_go_away() {
    let scene = Scene::new();
    let listener = Listener::bind(scene.server()).unwrap();
    let mut command = scene.command();
    let (reader, writer) = std::io::pipe().unwrap();
    let tap = Tap::start(command.stdout(Stdio::from(writer)));
    drop(command);
    crate::common::close(reader);
    is_relayed(&scene, &listener);
    soon("it is told", || tap.said().contains("nobody reads the transcript"));
    is_relayed(&scene, &listener);
    assert_eq!(tap.stop().code, Some(0));
}

#[test]
fn the_transcript_can_be_followed() {
    let scene = Scene::new();
    let listener = Listener::bind(scene.server()).unwrap();
    let _tap = scene.tap();
    is_relayed(&scene, &listener);
    soon("it is in the file while the tap runs", || scene.transcript().contains("\"y\""));
}

#[test]
fn quiet_means_that_nothing_is_written() {
    assert_eq!(conversation(&["--quiet"]), "");
}

#[test]
fn the_help_has_examples() {
    let help =
        crate::common::Run::from(crate::common::output(sunpath().args(["tap", "--help"])).unwrap());
    assert_eq!(help.code, 0);
    assert!(help.out.matches("\n  sunpath tap ").count() >= 3, "{}", help.out);
}
