//! The view, key by key.

use crate::common::Dir;
use crate::tty::Tty;
use rustix::process::Signal;
use std::ffi::OsStr;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use sunpath::{AddressRef, Listener, SeqPacket, Stream};

/// A listener whose backlog is full, its clients, and one that is idle.
struct Scene {
    dir: Dir,
    _full: Listener,
    _clients: Vec<Stream>,
    idle: Option<Listener>,
}

impl Scene {
    fn new() -> Scene {
        let dir = Dir::new();
        let path = dir.join("full.sock");
        let full = Listener::options().backlog(1).bind(&path).unwrap();
        let clients = (0..2).map(|_| Stream::connect(&path).unwrap()).collect();
        let idle = Some(Listener::options().backlog(7).bind(dir.join("idle.sock")).unwrap());
        Scene { dir, _full: full, _clients: clients, idle }
    }

    /// The view of these sockets, once both are on it.
    fn view(&self) -> Option<Tty> {
        let mut tty = Tty::start(&[self.dir.join("*").as_os_str(), "--delay=0.2".as_ref()])?;
        tty.until_shown("full.sock");
        tty.until_shown("idle.sock");
        Some(tty)
    }
}

fn place(tty: &Tty, text: &str) -> usize {
    let lines = tty.lines();
    let found = lines.iter().position(|line| line.contains(text));
    found.unwrap_or_else(|| panic!("no {text} in\n{}", tty.text()))
}

#[test]
fn a_full_backlog_is_on_top_and_marked_and_then_hung() {
    let scene = Scene::new();
    let Some(mut tty) = scene.view() else { return };
    let titles = place(&tty, "STATUS");
    assert_eq!(place(&tty, "full.sock"), titles + 1, "{}", tty.text());
    assert_eq!(place(&tty, "idle.sock"), titles + 2, "{}", tty.text());
    let line = &tty.lines()[titles + 1];
    assert!(line.contains("2/1") && line.contains("[FULL]"), "{line}");
    assert!(tty.lines()[titles + 2].contains("0/7"), "{}", tty.text());
    assert!(tty.text().contains("2 sockets, 2 listening, 1 full"), "{}", tty.text());
    tty.until_shown("hung");
    assert!(tty.text().contains("1 hung"));
    // The cursor moves on, and what was selected stands out by its colour.
    tty.press("\x1b[B");
    let cell = |screen: &vt100::Screen, line: usize| {
        screen.cell(line as u16, 0).map(|c| (c.inverse(), c.fgcolor() != vt100::Color::Default))
    };
    tty.until("the cursor on the second", |s| cell(s, titles + 2) == Some((true, false)));
    tty.until("the first in colour", |s| cell(s, titles + 1) == Some((false, true)));
}

#[test]
fn a_filter_leaves_only_what_it_names() {
    let scene = Scene::new();
    let Some(mut tty) = scene.view() else { return };
    tty.press("\x1bOS");
    tty.until_shown("Filter:");
    tty.press("idle");
    tty.until_gone("full.sock");
    tty.press("\r");
    tty.until_gone("Filter:");
    assert!(tty.text().contains("idle.sock") && tty.text().contains("with \"idle\""));
    tty.press("\x1b");
    tty.until_shown("full.sock");
    tty.press("/idle\r");
    let titles = place(&tty, "STATUS") as u16;
    tty.until("the one that was searched for", |s| {
        s.cell(titles + 2, 0).is_some_and(vt100::Cell::inverse)
    });
}

#[test]
fn the_order_is_chosen_and_reversed() {
    let scene = Scene::new();
    let Some(mut tty) = scene.view() else { return };
    let top = |text: &'static str| {
        move |screen: &vt100::Screen| {
            let (_, columns) = screen.size();
            let lines: Vec<String> = screen.rows(0, columns.get()).collect();
            let titles = lines.iter().position(|line| line.contains("STATUS"));
            titles.and_then(|i| lines.get(i + 1)).is_some_and(|line| line.contains(text))
        }
    };
    tty.until("the worst on top", top("full.sock"));
    tty.press("r");
    tty.until("the least on top", top("idle.sock"));
    tty.press("r>>");
    tty.until_shown("QUEUE*");
    tty.press("\x1b[17~");
    tty.until_shown("Sort by");
    tty.press("\x1b[B\x1b[B\x1b[B\x1b[B\x1b[B\r");
    tty.until_shown("NAME*");
    tty.until("by name", top("full.sock"));
    tty.press("p");
    tty.until_shown("paused");
}

#[test]
fn enter_shows_the_diagnosis_of_the_selected_socket() {
    let scene = Scene::new();
    let Some(mut tty) = scene.view() else { return };
    tty.press("\r");
    tty.until_shown("wait/backlog-full");
    assert!(tty.text().contains("full.sock"));
    tty.press("\x1b[6~");
    tty.press("\x1b[H");
    tty.press("\x1b");
    tty.until_shown("STATUS");
    tty.press("\x1bOP");
    tty.until_shown("Keys");
    tty.press("q");
    tty.until_shown("STATUS");
}

#[test]
fn a_narrow_screen_shows_all_that_is_said_and_none_of_the_own_sockets() {
    let (one, other) = SeqPacket::pair().unwrap();
    let pid = std::process::id().to_string();
    let args = ["--pid", &pid, "--type=seqpacket", "--delay=0.2"].map(OsStr::new);
    let Some(mut tty) = Tty::with(&args, &[], (12, 44)) else { return };
    tty.until_shown(" 0 listening");
    tty.press("\r");
    tty.until("the whole sentence", |screen| {
        let text = screen.contents();
        let words: Vec<&str> = text.split_whitespace().collect();
        words.join(" ").contains("there is no address to ask about.")
    });
    crate::common::close((one, other));
    let Some(mut tty) = Tty::start(&["--process=sunpath", "--delay=0.2"].map(OsStr::new)) else {
        return;
    };
    let own = format!("{} sunpath", tty.pid());
    tty.until_shown(" listening");
    assert!(!tty.text().contains(&own), "{}", tty.text());
}

#[test]
fn a_socket_that_vanishes_while_it_is_selected_leaves_the_next_one() {
    let mut scene = Scene::new();
    let Some(mut tty) = scene.view() else { return };
    tty.press("\x1b[B");
    let idle = place(&tty, "idle.sock") as u16;
    tty.until("the second selected", |s| s.cell(idle, 0).is_some_and(vt100::Cell::inverse));
    crate::common::close(scene.idle.take());
    tty.until_gone("idle.sock");
    let full = place(&tty, "full.sock") as u16;
    tty.until("the first selected", |s| s.cell(full, 0).is_some_and(vt100::Cell::inverse));
    tty.press("\r");
    tty.until_shown("wait/backlog-full");
}

#[test]
fn a_socket_that_is_gone_before_it_is_asked_about_is_said_to_be() {
    let mut scene = Scene::new();
    let Some(mut tty) = scene.view() else { return };
    tty.press("p");
    tty.until_shown("paused");
    tty.press("\x1b[B");
    let idle = place(&tty, "idle.sock") as u16;
    tty.until("it is selected", |s| s.cell(idle, 0).is_some_and(vt100::Cell::inverse));
    crate::common::close(scene.idle.take());
    tty.press("\r");
    tty.until_shown("would fail with ENOENT");
    tty.press("q");
    tty.until_shown("idle.sock");
    tty.press(" ");
    tty.until_gone("idle.sock");
}

#[test]
fn another_size_is_drawn_anew_down_to_one_cell() {
    let scene = Scene::new();
    let Some(mut tty) = scene.view() else { return };
    tty.resize((30, 160));
    tty.until_shown("PEER");
    tty.resize((6, 30));
    tty.until_gone("PEER");
    tty.until_shown("hung");
    for size in [(1, 1), (2, 3), (3, 200), (200, 4)] {
        tty.resize(size);
        tty.press(" ");
    }
    tty.resize((24, 80));
    tty.until("as before", |s| {
        s.contents().contains("full.sock") && s.contents().contains("F1 Help")
    });
    tty.press("q");
    assert_eq!(tty.wait().code(), Some(0));
}

#[test]
fn every_end_gives_the_terminal_back() {
    let scene = Scene::new();
    for keys in ["q", "\x03", "\x1b[21~"] {
        let Some(mut tty) = scene.view() else { return };
        assert!(!tty.is_cooked() && tty.screen().alternate_screen());
        tty.press(keys);
        assert_eq!(tty.wait().code(), Some(0));
        tty.assert_restored();
    }
    for signal in [Signal::TERM, Signal::HUP, Signal::INT, Signal::QUIT] {
        let Some(mut tty) = scene.view() else { return };
        tty.signal(signal);
        let status = tty.wait();
        assert_eq!(status.signal(), Some(signal.as_raw()));
        tty.assert_restored();
    }
}

#[test]
fn it_stops_and_goes_on_with_the_terminal_as_each_needs_it() {
    let scene = Scene::new();
    let Some(mut tty) = scene.view() else { return };
    for by_key in [true, false] {
        match by_key {
            true => tty.press("\x1a"),
            false => tty.signal(Signal::TSTP),
        }
        tty.until_state('T');
        tty.until("the first screen", |s| !s.alternate_screen() && !s.hide_cursor());
        assert!(tty.is_cooked());
        tty.signal(Signal::CONT);
        tty.until("the other screen", |s| s.alternate_screen());
        tty.until_shown("full.sock");
        assert!(!tty.is_cooked());
    }
    tty.press("q");
    tty.wait();
    tty.assert_restored();
}

/// A program that is given as a listener its standard input, and ends with its value.
struct Holder(Child);

impl Holder {
    fn of(listener: Listener) -> Holder {
        let fd = std::os::fd::OwnedFd::from(listener);
        let mut command = std::process::Command::new("sleep");
        Holder(crate::common::spawn(command.arg("1000").stdin(fd)).unwrap())
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_server_that_is_stopped_stands_out_and_its_diagnosis_says_so() {
    let dir = Dir::new();
    let server = Holder::of(Listener::bind(dir.join("server.sock")).unwrap());
    let _idle = Listener::bind(dir.join("idle.sock")).unwrap();
    let Some(mut tty) = Tty::start(&[dir.join("*").as_os_str(), "-d0.2".as_ref()]) else { return };
    tty.until_shown("server.sock");
    let pid = rustix::process::Pid::from_raw(server.0.id().cast_signed()).unwrap();
    rustix::process::kill_process(pid, Signal::STOP).unwrap();
    tty.until_shown("1 stopped");
    assert_eq!(place(&tty, "server.sock"), place(&tty, "STATUS") + 1, "{}", tty.text());
    tty.press("\r");
    tty.until_shown("process is stopped");
}

#[test]
fn names_never_reach_the_terminal_raw() {
    let dir = Dir::new();
    let name = "\x1b[2J\x1b]0;title\x07\u{9b}31m\u{202e}new\nline";
    let listener = Listener::bind(dir.join(name)).unwrap();
    let Some(mut tty) = Tty::with(&[dir.join("*").as_os_str()], &[], (24, 200)) else { return };
    tty.until_shown("\\x1b[2J\\x1b]0;title\\x07");
    tty.press("\r");
    // Words that are near the path may be on two lines.
    tty.until_shown("waiting to be accepted");
    tty.press("q/\x7f");
    tty.until_shown("Search:");
    tty.press("\rq");
    tty.wait();
    let text = String::from_utf8_lossy(&tty.written).into_owned();
    for wild in ["\x1b[2J\x1b]0", "\x07", "\u{9b}", "\u{202e}", "new\n"] {
        assert!(!text.contains(wild), "{wild:?}");
    }
    drop(listener);
}

/// The parameters of a style that set colours.
fn colours(text: &str) -> Vec<&str> {
    let styles = text.split("\x1b[").filter_map(|part| {
        let end = part.find(|c: char| c.is_ascii_alphabetic())?;
        part[end..].starts_with('m').then_some(&part[..end])
    });
    styles.flat_map(|style| style.split(';')).filter(|number| number.len() > 1).collect()
}

#[test]
fn without_colour_nothing_is_coloured_and_all_is_there() {
    let scene = Scene::new();
    let path = scene.dir.join("*");
    for (args, variables) in [
        (vec![path.as_os_str()], vec![("NO_COLOR", "1")]),
        (vec![path.as_os_str(), "--color=never".as_ref()], vec![]),
    ] {
        let Some(mut tty) = Tty::with(&args, &variables, (24, 80)) else { return };
        tty.until_shown("hung");
        tty.press("\x1b[B\r");
        tty.until_shown("would succeed");
        tty.press("q");
        tty.until_shown("[FULL]");
        let text = String::from_utf8_lossy(&tty.written).into_owned();
        assert_eq!(colours(&text), [""; 0], "{text:?}");
        tty.press("q");
        tty.wait();
    }
}

#[test]
fn a_terminal_that_goes_away_ends_it() {
    let scene = Scene::new();
    let Some(mut tty) = scene.view() else { return };
    tty.hang_up();
    let status = tty.wait();
    // Whichever it notices first: the signal, or that nothing can be read any more.
    assert!(status.signal() == Some(Signal::HUP.as_raw()) || status.code() == Some(0), "{status}");
}

/// `sunpath listen` in a network namespace of its own; it ends with its value.
struct Apart(Child);

impl Apart {
    /// `None` where that is not permitted.
    fn listening(name: &str) -> Option<Apart> {
        let mut command = Command::new("unshare");
        let allowed = crate::common::output(command.args(["--net", "true"])).ok()?;
        if !allowed.status.success() {
            return None;
        }
        let mut command = Command::new("unshare");
        command.arg("--net").arg(env!("CARGO_BIN_EXE_sunpath")).args(["listen", name]);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        crate::common::spawn(&mut command).ok().map(Apart)
    }
}

impl Drop for Apart {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn each_network_namespace_is_told_apart() {
    let name = format!("@top-apart-{}", std::process::id());
    let Some(_apart) = Apart::listening(&name) else {
        eprintln!("skipped: a network namespace of one's own takes root");
        return;
    };
    let number = |who: &str| {
        let link = std::fs::read_link(format!("/proc/{who}/ns/net")).unwrap();
        link.to_str().unwrap().trim_matches(|c: char| !c.is_ascii_digit()).to_string()
    };
    let here = number("self");
    let _here =
        Listener::bind(AddressRef::Abstract(name.trim_start_matches('@').as_bytes())).unwrap();
    let args = [OsStr::new("--delay=0.2"), name.as_ref()];
    let Some(mut tty) = Tty::with(&args, &[], (24, 100)) else { return };
    tty.until_shown("1 socket, 1 listening");
    assert!(!tty.text().contains("NETNS"), "{}", tty.text());
    tty.press("a");
    // Its process may not have left this namespace yet, or not listen.
    tty.until_shown("2 sockets, 2 listening");
    tty.until_shown("NETNS");
    tty.until_shown("network namespaces");
    assert!(tty.text().contains(", network namespace "), "{}", tty.text());
    let lines = tty.lines();
    let titles = place(&tty, "NETNS");
    let last = |line: &String| line.split_whitespace().last().unwrap_or_default().to_string();
    let shown = [last(&lines[titles + 1]), last(&lines[titles + 2])];
    assert!(shown.contains(&here), "{}", tty.text());
    let there = shown.iter().find(|number| **number != here).expect("another").clone();
    assert!(there.parse::<u64>().is_ok(), "{}", tty.text());
    // The one elsewhere is asked about from where its process is.
    tty.press("\\");
    tty.press(&there);
    tty.until_gone(&format!(" {here}"));
    tty.press("\r\r");
    tty.until_shown("would succeed");
    tty.press("qq");
    tty.wait();
    let text = crate::common::run(&["top", "--once", "--all", &name]).out;
    assert!(text.contains("NETNS") && text.contains(&here) && text.contains(&there), "{text}");
    let json = crate::common::run(&["top", "--once", "--all", "--json", &name]).json();
    crate::common::every_key_is_documented(&json);
    let found = json["sockets"].as_array().unwrap().iter().map(|s| s["net_namespace"].to_string());
    let found: Vec<String> = found.collect();
    assert!(found.len() == 2 && found.contains(&here) && found.contains(&there), "{json}");
    assert!(json["net_namespaces"].as_array().is_some_and(|all| all.len() > 1), "{json}");
}
