//! `sunpath map` as a user sees it, on real processes with real sockets.

mod common;
mod town;

use common::{Run, every_key_is_documented, run, sunpath};
use serde_json::Value;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use sunpath::{AddressRef, Datagram, Listener, Stream};
use town::{Town, own};

fn map(args: &[&OsStr]) -> Run {
    let mut all = vec![OsStr::new("map")];
    all.extend(args);
    let run = run(&all);
    assert_eq!(run.code, 0, "{}", run.err);
    run
}

/// The options that show everything that a process and its neighbours do.
fn of(pid: u32) -> [OsString; 2] {
    ["--pid".into(), pid.to_string().into()]
}

/// The text with `#` for process ids and `DIR` for the directory.
fn alike(text: &str, town: &Town) -> String {
    let dir = town.path("");
    let text = text.replace(dir.to_str().unwrap(), "DIR/");
    let mut out = String::new();
    let mut digits = false;
    for c in text.chars() {
        digits = (digits && c.is_ascii_digit()) || c == '[';
        if digits && c != '[' {
            if !out.ends_with('#') {
                out.push('#');
            }
        } else {
            out.push(c);
        }
    }
    out
}

#[test]
fn servers_are_shown_with_their_addresses_and_clients() {
    let Some(mut town) = Town::new() else { return };
    let server = town.everyday();
    let [option, pid] = of(server);
    let run = map(&[&option, &pid]);
    let user = run.out.lines().next().unwrap().split_whitespace().nth(1).unwrap().to_string();
    let expected = "\
app-server[#]  USER
├ DIR/app.sock  stream, listening, 1/8 waiting
│ ├ web[#] USER  2 connections, 12 B unread by the server
│ ├ shell[#] USER  1 connection
│ └ shell[#] USER  waits to be accepted
└ without a name
  └ helper[#] USER  1 connection
logger[#]  USER
└ DIR/log  datagram, receiving
  └ app-server[#] USER  1 sender

5 processes, 2 addresses, 4 connections, 1 waiting to be accepted, 1 datagram
sender.
";
    let shown = alike(&run.out, &town).replace(&user, "USER");
    assert_eq!(shown, expected);
}

#[test]
fn narrow_terminals_get_more_lines_and_nothing_is_lost() {
    let Some(mut town) = Town::new() else { return };
    let server = town.everyday();
    let [option, pid] = of(server);
    let script = format!(
        "stty cols 40 rows 60 2>/dev/null; {} map --pid {server}",
        env!("CARGO_BIN_EXE_sunpath")
    );
    let output = Command::new("script")
        .args(["-qec", &script, "/dev/null"])
        .env("PAGER", "cat")
        .stdin(Stdio::null())
        .output();
    let Ok(output) = output else {
        eprintln!("skipped: script(1), which makes a terminal, is not installed");
        return;
    };
    let shown = String::from_utf8(output.stdout).unwrap();
    let shown = anstream::adapter::strip_str(&shown).to_string();
    let wide = map(&[&option, &pid]).out;
    for word in wide.split_whitespace().filter(|w| !"├└│".contains(*w)) {
        assert!(shown.contains(word), "{word} is not in\n{shown}");
    }
    let long = shown.lines().filter(|line| line.trim_end().chars().count() > 40);
    // Names are never cut, however narrow the terminal is.
    let long: Vec<&str> = long.filter(|line| !line.contains("app.sock")).collect();
    assert_eq!(long, [""; 0], "{shown}");
}

#[test]
fn the_json_is_documented_and_says_what_is_so() {
    let Some(mut town) = Town::new() else { return };
    let server = town.everyday();
    let [option, pid] = of(server);
    let json = map(&[&option, &pid, OsStr::new("--json")]).json();
    every_key_is_documented(&json);
    let nodes = json["nodes"].as_array().unwrap();
    let node = |name: &str| {
        let found = nodes.iter().find(|n| n["process"] == name);
        found.unwrap_or_else(|| panic!("{name} is not in {nodes:?}"))
    };
    assert_eq!(nodes.len(), 5);
    assert_eq!(node("app-server")["pids"], serde_json::json!([server]));
    let port = &json["ports"][0];
    assert_eq!(port["node"], node("app-server")["id"]);
    assert_eq!(port["name"], town.path("app.sock").to_str().unwrap());
    assert_eq!(port["backlog"], serde_json::json!({"pending": 1, "limit": 8}));
    let links = json["links"].as_array().unwrap();
    let link = |from: &str, to: &str, relation: &str| -> &Value {
        let is = |l: &&Value| {
            l["from"] == node(from)["id"] && l["to"] == node(to)["id"] && l["relation"] == relation
        };
        links.iter().find(is).unwrap_or_else(|| panic!("{from} {to} {relation}: {links:?}"))
    };
    let web = link("web", "app-server", "connected");
    assert_eq!((&web["count"], &web["unread_by_server"]), (&2.into(), &12.into()));
    assert_eq!(web["ends"].as_array().unwrap().len(), 2);
    assert_eq!(web["port"], port["id"]);
    assert_eq!(link("shell", "app-server", "waiting")["count"], 1);
    assert_eq!(link("app-server", "logger", "sends")["type"], "datagram");
    let pair = links.iter().find(|l| l["type"] == "seqpacket").unwrap();
    assert_eq!((&pair["relation"], &pair["port"]), (&"connected".into(), &Value::Null));
    assert_eq!(links.len(), 5, "{links:?}");
}

/// Names that would be code, if anything were taken for more than text.
fn hostile(town: &mut Town) -> u32 {
    let mut sockets = Vec::new();
    let names: [&[u8]; 5] = [
        b"<script>document.title='owned'<",
        b"quote\"&'\\n",
        b"new\nline\x1b[31m\x07",
        b"\xff\xfe\xed\xa0\x80",
        "right\u{202e}left\u{200f}\u{ffff}".as_bytes(),
    ];
    for name in names {
        let path = town.path(OsStr::from_bytes(name));
        let socket = Datagram::options().keep_file(true).bind(&path).unwrap();
        sockets.push(own(socket));
    }
    let name =
        format!("{}</script><img src=x onerror=alert(1)>{{{{data}}}}]]>", std::process::id());
    let listener = Listener::bind(AddressRef::Abstract(name.as_bytes())).unwrap();
    let client = Stream::connect(AddressRef::Abstract(name.as_bytes())).unwrap();
    sockets.push(own(listener));
    town.start("\"><b>&\u{202e}\n", vec![own(client)]);
    town.start("<b>\"x'&\\", sockets)
}

#[test]
fn no_name_gets_out_of_its_place_in_any_form() {
    let Some(mut town) = Town::new() else { return };
    let [option, pid] = of(hostile(&mut town));
    // `run` looks for anything that a terminal would obey.
    let text = map(&[&option, &pid]).out;
    assert!(text.contains("new\\nline\\x1b[31m\\x07") && text.contains("\\xff\\xfe"), "{text}");
    let json = map(&[&option, &pid, OsStr::new("--json")]).json();
    every_key_is_documented(&json);
    let ports = json["ports"].as_array().unwrap();
    assert!(
        ports.iter().any(|p| p["name_bytes"].as_str().is_some_and(|n| n.ends_with("fffeeda080")))
    );
    let dot = map(&[&option, &pid, OsStr::new("--dot")]).out;
    assert!(dot.contains("&lt;script&gt;document.title='owned'&lt;"), "{dot}");
    assert_eq!(dot.matches("  n").count() - 1, 3, "{dot}");
    graphviz(&dot);
    for form in ["--svg", "--html"] {
        let text = map(&[&option, &pid, OsStr::new(form), OsStr::new("-")]).out;
        for name in ["<script>doc", "<img", "<b>", "\u{202e}", "\u{200f}", "\u{ffff}"] {
            assert!(!text.contains(name), "{form}: {name:?}");
        }
        if form == "--svg" {
            well_formed(&text);
        } else {
            assert_eq!(text.matches("</script>").count(), 2);
        }
    }
}

/// Graphviz understands it, if it is there.
fn graphviz(dot: &str) {
    fed("dot", &["-Tsvg", "-o/dev/null"], dot);
}

/// A real parser of XML takes it, if one is there.
fn well_formed(xml: &str) {
    let program = "import sys, xml.dom.minidom as m; m.parse(sys.stdin.buffer)";
    fed("python3", &["-c", program], xml);
}

fn fed(program: &str, args: &[&str], input: &str) {
    use std::io::Write;
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::piped()).stderr(Stdio::piped());
    let Ok(mut child) = common::spawn(&mut command) else {
        eprintln!("skipped: {program} is not installed");
        return;
    };
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{program}: {said}\n{input}");
}

#[test]
fn every_form_shows_the_same_processes_and_connections() {
    let Some(mut town) = Town::new() else { return };
    town.city(3, 8, 1);
    let glob = town.path("service-*.sock");
    let forms = |form: &str| map(&[glob.as_os_str(), OsStr::new(form), OsStr::new("-")]).out;
    let json = map(&[glob.as_os_str(), OsStr::new("--json")]).json();
    let count = |key: &str| json[key].as_array().unwrap().len();
    assert_eq!((count("nodes"), count("ports")), (27, 3));
    let total: u64 =
        json["links"].as_array().unwrap().iter().map(|l| l["count"].as_u64().unwrap()).sum();
    let made = |client: usize| (1 + client % 3) * if client.is_multiple_of(7) { 2 } else { 1 };
    assert_eq!(total as usize, (0..24).map(made).sum::<usize>());
    let svg = forms("--svg");
    well_formed(&svg);
    assert_eq!(svg.matches("data-n=").count() - svg.matches("class=\"far\"").count(), 27);
    assert_eq!(svg.matches("data-l=").count(), count("links"));
    let dot = map(&[glob.as_os_str(), OsStr::new("--dot")]).out;
    graphviz(&dot);
    assert_eq!(dot.matches(" -> ").count(), count("links"));
    // One node for each program: 24 clients have names of their own here.
    let programs = map(&[glob.as_os_str(), OsStr::new("--programs"), OsStr::new("--json")]).json();
    assert_eq!(programs["nodes"].as_array().unwrap().len(), 27);
    let text = map(&[glob.as_os_str()]).out;
    assert!(text.contains(&format!("27 processes, 3 addresses, {total} connections.")), "{text}");
}

#[test]
fn five_hundred_processes_and_five_thousand_connections_take_no_time() {
    let Some(mut town) = Town::new() else { return };
    town.city(20, 24, 8);
    let glob = town.path("service-*.sock");
    // What the machine, which may be busy, takes for the list itself is not what is measured here.
    let time = |args: &[&OsStr]| {
        let times = (0..3).map(|_| {
            let start = Instant::now();
            run(args);
            start.elapsed()
        });
        times.min().unwrap()
    };
    let list = time(&["ls".as_ref(), glob.as_os_str(), "--json".as_ref()]);
    let page = time(&["map".as_ref(), glob.as_os_str(), "--html=-".as_ref()]);
    let text = map(&[glob.as_os_str()]).out;
    let total: usize = (0..480).map(|c| (8 + c % 3) * if c % 7 == 0 { 2 } else { 1 }).sum();
    assert!(total > 4_900, "{total}");
    let summary = format!("500 processes, 20 addresses, {total} connections.");
    assert!(text.contains(&summary), "{text}");
    eprintln!("the list: {list:?}, the page: {page:?}");
    // Without optimisation it takes ten times as long.
    let most = Duration::from_secs(if cfg!(debug_assertions) { 10 } else { 1 });
    assert!(page < list + most, "{page:?} against {list:?}");
}

#[test]
fn a_listener_that_several_processes_hold_is_one_address() {
    let Some(mut town) = Town::new() else { return };
    let path = town.path("shared.sock");
    let listener = Listener::options().keep_file(true).bind(&path).unwrap();
    let client = Stream::connect(&path).unwrap();
    let accepted = listener.accept().unwrap();
    town.start("manager", vec![own(&listener)]);
    town.start("worker", vec![own(&listener)]);
    town.start("worker", vec![own(&listener), own(accepted)]);
    drop(listener);
    town.start("client", vec![own(client)]);
    let text = alike(&map(&[path.as_os_str()]).out, &town);
    assert!(text.starts_with("worker[#]  "), "{text}");
    assert_eq!(
        text.matches("DIR/shared.sock").count(),
        2,
        "the listener, and the connection: {text}"
    );
    assert!(text.contains("also held by manager[#], worker[#]\n"), "{text}");
    assert!(text.contains("1 connection.\n"), "{text}");
}

/// `sunpath` at work in a network namespace of its own; it ends with its value.
struct Apart(Child);

impl Apart {
    /// `None` where that is not permitted.
    fn start(args: &[&OsStr]) -> Option<Apart> {
        let allowed = common::output(Command::new("unshare").args(["--net", "true"])).ok()?;
        if !allowed.status.success() {
            return None;
        }
        let mut command = Command::new("unshare");
        command.arg("--net").arg(env!("CARGO_BIN_EXE_sunpath")).args(args);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        common::spawn(&mut command).ok().map(Apart)
    }
}

impl Drop for Apart {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_path_joins_network_namespaces_and_an_abstract_name_does_not() {
    let Some(mut town) = Town::new() else { return };
    let path = town.path("far.sock");
    let listener = Listener::options().keep_file(true).bind(&path).unwrap();
    let Some(_client) = Apart::start(&["connect".as_ref(), path.as_os_str()]) else {
        eprintln!("skipped: a network namespace of one's own takes root");
        return;
    };
    let accepted = listener.accept().unwrap();
    let _waiting = Apart::start(&["connect".as_ref(), path.as_os_str()]);
    town.start("server", vec![own(&listener), own(accepted)]);
    drop(listener);
    let all = || map(&["--all".as_ref(), path.as_os_str()]);
    let text = common::until(|| all().out, |text| text.contains("waits to be accepted"));
    let user = text.lines().next().unwrap().split_whitespace().nth(1).unwrap().to_string();
    let expected = "\
server[#]  USER
└ DIR/far.sock  stream, listening, 1/4096 waiting
  ├ sunpath[#] USER  1 connection
  └ sunpath[#] USER  waits to be accepted
";
    let text = alike(&text, &town).replace(&user, "USER");
    assert!(text.starts_with(expected), "{text}");
    let here = map(&[path.as_os_str()]).out;
    assert!(!here.contains("sunpath["), "the clients are elsewhere: {here}");

    let name = format!("@apart-{}", std::process::id());
    let both = [0; 2].map(|_| Apart::start(&["listen".as_ref(), name.as_ref()]));
    let ports = || {
        let json = map(&["--all".as_ref(), "--json".as_ref(), name.as_ref()]).json();
        json["ports"].as_array().unwrap().clone()
    };
    let ports = common::until(ports, |ports| ports.len() == 2);
    assert_ne!(ports[0]["net_namespace"], ports[1]["net_namespace"]);
    let table = run(&["ls", "--all", &name]).out;
    assert!(table.lines().next().unwrap().ends_with("NETNS"), "{table}");
    for port in &ports {
        let number = port["net_namespace"].to_string();
        assert!(table.lines().any(|line| line.ends_with(&number)), "{number}: {table}");
    }
    assert_eq!(map(&[name.as_ref()]).out, "0 processes, 0 addresses, 0 connections.\n");
    drop(both);
}

#[test]
fn files_that_cannot_be_written_and_readers_that_leave_are_told_apart() {
    let full = run(&["map", "--html", "/dev/full"]);
    assert_eq!(full.code, 4);
    assert!(full.err.contains("cannot write /dev/full"), "{}", full.err);
    let nowhere = run(&["map", "--svg", "/no/such/dir\n/map.svg"]);
    assert_eq!(nowhere.code, 4);
    assert!(nowhere.err.contains("/no/such/dir\\n/map.svg"), "{}", nowhere.err);
    let both = run(&["map", "--dot", "--json"]);
    assert_eq!(both.code, 2);
    for form in ["--dot", "--json", "--html=-"] {
        let mut command = sunpath();
        let child = command.args(["map", form]).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = common::spawn(child).unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{form}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{form}");
    }
    let nothing = run(&["map", "/no/such/socket"]);
    assert_eq!(nothing.code, 0);
    assert_eq!(nothing.out, "0 processes, 0 addresses, 0 connections.\n");
    assert!(Path::new("/dev/full").exists());
}
