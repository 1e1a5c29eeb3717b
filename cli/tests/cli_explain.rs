//! `sunpath explain`, `man` and `completions`, as a user runs them.

mod common;

use common::{every_key_is_documented, run, sunpath};
use std::io::Read;
use std::process::Stdio;
use sunpath::{Call, Errno, cause};

#[test]
fn the_index_lists_every_cause() {
    let run = run(&["explain"]);
    assert_eq!(run.code, 0);
    for cause in cause::all() {
        assert!(run.out.contains(cause.id), "{}", cause.id);
    }
}

#[test]
fn every_cause_has_a_page_and_an_entry_in_json() {
    let index = run(&["explain", "--json"]).json();
    let entries = index["causes"].as_array().unwrap();
    assert_eq!(entries.len(), cause::all().count());
    for entry in entries {
        for field in ["id", "title", "happened", "why", "fix", "class", "provoke"] {
            assert!(entry[field].is_string(), "{field} of {entry}");
        }
        assert!(entry["shows"].as_array().is_some_and(|s| !s.is_empty()), "{entry}");
    }
    every_key_is_documented(&index);
    every_key_is_documented(&run(&["explain", "--json", "EAGAIN"]).json());
    every_key_is_documented(&run(&["explain", "--json", "listen"]).json());
    every_key_is_documented(&run(&["explain", "--json", "--search", "backlog"]).json());
    let page = run(&["explain", "connect/stale-socket"]);
    assert_eq!(page.code, 0);
    for heading in ["What happened", "Why", "What to do", "What programs see", "rm FILE"] {
        assert!(page.out.contains(heading), "{heading}");
    }
    let one = run(&["explain", "--json", "connect/stale-socket"]).json();
    assert_eq!(one["id"], "connect/stale-socket");
}

#[test]
fn errnos_and_calls_lead_to_their_causes() {
    for name in ["ECONNREFUSED", "econnrefused", "111"] {
        let run = run(&["explain", name]);
        assert_eq!(run.code, 0);
        assert!(run.out.starts_with("ECONNREFUSED: connection refused\n"), "{}", run.out);
        assert!(run.out.contains("connect/stale-socket"), "{}", run.out);
    }
    let json = run(&["explain", "--json", "connect"]).json();
    assert_eq!(json["call"], "connect");
    let symptoms = json["symptoms"].as_array().unwrap();
    assert!(symptoms.iter().any(|s| s["symptom"] == "ECONNREFUSED"), "{json}");
    for call in Call::ALL {
        assert_eq!(run(&["explain", call.name()]).code, 0, "{call}");
    }
    for errno in Errno::ALL {
        assert_eq!(run(&["explain", errno.name()]).code, 0, "{errno}");
    }
    assert_eq!(run(&["explain", "hang"]).code, 0);
}

#[test]
fn messages_stand_for_their_errnos() {
    for (message, errno) in [
        ("connection refused", "ECONNREFUSED"),
        ("dial unix /run/x.sock: connect: permission denied", "EACCES"),
        ("Too many open files (os error 24)", "EMFILE"),
        ("Error: connect ENOENT /run/x.sock", "ENOENT"),
    ] {
        let page = run(&["explain", message]);
        assert!(page.out.starts_with(&format!("{errno}: ")), "{}{}", page.out, page.err);
        let asked = run(&["why", "--json", "--error", message, "/nowhere/at/all"]).json();
        assert_eq!(asked["errno"], errno);
    }
    for message in ["too many open files", "permission denied", "broken pipe"] {
        assert_eq!(run(&["explain", "--search", message]).code, 0, "{message}");
    }
}

#[test]
fn searches_want_all_words() {
    let found = run(&["explain", "--search", "file", "left behind"]);
    assert_eq!(found.code, 0);
    assert!(found.out.contains("connect/stale-socket"), "{}", found.out);
    let nothing = run(&["explain", "--search", "stale xylophone"]);
    assert_eq!((nothing.code, nothing.out.as_str()), (2, ""));
    assert!(nothing.err.contains("no cause speaks of \"stale xylophone\""), "{}", nothing.err);
    let json = run(&["explain", "--json", "--search", "stale"]).json();
    assert_eq!(json["search"][0], "stale");
    assert!(json["causes"].as_array().is_some_and(|c| !c.is_empty()));
}

#[test]
fn slips_are_mended_and_nonsense_is_escaped() {
    for (typed, meant) in [
        ("connect/stale-sokcet", "connect/stale-socket"),
        ("stale-socket", "bind/stale-socket or connect/stale-socket"),
        ("ECONREFUSED", "ECONNREFUSED"),
        ("conect", "connect"),
    ] {
        let run = run(&["explain", typed]);
        assert_eq!(run.code, 2);
        assert!(run.err.contains(&format!("did you mean {meant}?")), "{}", run.err);
    }
    let long = "x".repeat(100_000);
    for nonsense in ["", "\x1b[31mred", "\u{202e}abc", "a\nb", &long] {
        let run = run(&["explain", nonsense]);
        assert_eq!((run.code, run.out.as_str()), (2, ""), "{nonsense:?}");
        assert!(run.err.len() < 1000, "{}", run.err);
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    for (args, code) in [
        (&["explain"][..], 0),
        (&["explain", "--json"], 0),
        (&["completions", "bash"], 0),
        (&["why", "/nowhere/at/all"], 1),
    ] {
        let mut child =
            sunpath().args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let mut err = String::new();
        child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        let status = child.wait().unwrap();
        assert_eq!((status.code(), err.as_str()), (Some(code), ""), "{args:?}");
    }
}

#[test]
fn a_full_disk_is_told() {
    let Ok(full) = std::fs::File::options().write(true).open("/dev/full") else {
        eprintln!("skipped: /dev/full is not there");
        return;
    };
    let output = sunpath().arg("explain").stdout(full).output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(4));
    assert!(err.contains("cannot write to standard output"), "{err}");
}

#[test]
fn colours_come_only_when_asked_for() {
    let coloured = |args: &[&str], no_color: bool| {
        let mut command = sunpath();
        if no_color {
            command.env("NO_COLOR", "1");
        }
        let output = command.args(args).output().unwrap();
        output.stdout.contains(&0x1b)
    };
    assert!(!coloured(&["explain", "EAGAIN"], false));
    assert!(coloured(&["--color", "always", "explain", "ECONNREFUSED"], false));
    assert!(coloured(&["explain", "--color=always", "ECONNREFUSED"], true));
    assert!(!coloured(&["--color=never", "explain", "ECONNREFUSED"], false));
    assert!(!coloured(&["--help"], false));
    assert!(coloured(&["--help", "--color=always"], false));
}

#[test]
fn wrong_command_lines_exit_with_2() {
    for args in [
        &[][..],
        &["frobnicate"],
        &["why"],
        &["why", "--type", "raw", "/x"],
        &["why", "--call", "fork", "/x"],
        &["why", "--error", "EWHATEVER", "/x"],
        &["why", "--pid", "many", "/x"],
        &["explain", "a", "b"],
        &["man", "nothing"],
        &["completions", "csh"],
        &["\x1b[31mred\x07"],
        &["why", "--call", "\x1b]0;title\x07", "/x"],
        &["why", "--error", "\u{9b}31m", "/x"],
        &["why", "/x", "a\nb\r\x1b[2J"],
    ] {
        let run = run(args);
        assert_eq!((run.code, run.out.as_str()), (2, ""), "{args:?}: {}", run.err);
        assert!(!run.err.is_empty());
    }
    for (args, tip) in [
        (&["wy", "/x"][..], "why"),
        (&["/run/x.sock"], "sunpath why /run/x.sock"),
        (&["@x"], "sunpath why @x"),
        (&["postgres://me:secret@db/x"], "sunpath why tcp:HOST:PORT"),
        (&["why", "-x.sock"], "write ./-x.sock"),
        (&["why", "--call", "accept", "/x"], "sunpath explain accept"),
    ] {
        let run = run(args);
        assert_eq!((run.code, run.out.as_str()), (2, ""), "{args:?}");
        assert!(run.err.contains("tip: ") && run.err.contains(tip), "{args:?}: {}", run.err);
        assert!(!run.err.contains("secret"), "{}", run.err);
    }
    let slip = run(&["why", "--error", "EAGIAN", "/x"]);
    assert!(slip.err.contains("did you mean EAGAIN?"), "{}", slip.err);
}

#[test]
fn man_pages_are_complete() {
    let dir = common::Dir::new();
    let path = dir.join("man");
    let to = path.to_str().unwrap();
    assert_eq!(run(&["man", "--dir", to]).code, 0);
    let pages: Vec<_> = std::fs::read_dir(&path).unwrap().map(|e| e.unwrap().path()).collect();
    assert!(pages.len() >= 7, "{pages:?}");
    for page in pages {
        let text = std::fs::read_to_string(&page).unwrap();
        let name = page.file_name().unwrap().to_string_lossy().into_owned();
        let of_format = ["sunpath-trace.1", "sunpath-json.1"].contains(&name.as_str());
        let sections = match of_format {
            true => &["NAME", "DESCRIPTION", "SEE ALSO"][..],
            false => &["NAME", "SYNOPSIS", "EXAMPLES", "EXIT STATUS", "SEE ALSO"],
        };
        for section in sections {
            let heads = [format!(".SH {section}\n"), format!(".SH \"{section}\"\n")];
            assert!(heads.iter().any(|h| text.contains(h)), "{section} of {}", page.display());
        }
        // In a terminal of the usual width, behind the margin.
        let kept = text.split(".nf\n").skip(1).map(|rest| rest.split(".fi\n").next());
        for line in kept.flatten().flat_map(str::lines) {
            let shown = line.replace("\\-", "-").replace("\\*(Aq", "'");
            let width = shown.trim_start_matches("\\&").chars().count();
            assert!(width <= 87, "{}: {line}", page.display());
        }
    }
    assert!(run(&["man", "why"]).out.contains("sunpath\\-why"));
    let denied = run(&["man", "--dir", "/proc/nothing\x1b"]);
    assert_eq!(denied.code, 4);
    assert!(denied.err.contains("/proc/nothing\\x1b"), "{}", denied.err);
}

/// The words of a text, without what marks them up.
fn words(text: &str) -> Vec<String> {
    let marks = |c: char| "`|[]()*".contains(c);
    let mut parts = text.split("](");
    let first = parts.next().unwrap_or_default();
    let text: String =
        [first].into_iter().chain(parts.map(|p| p.split_once(')').map_or(p, |p| p.1))).collect();
    text.split_whitespace()
        .filter(|word| *word != "---" && !word.starts_with("```"))
        .map(|word| word.replace(marks, "").to_lowercase())
        .filter(|word| word.contains(|c| c != '#') && word != "-")
        .collect()
}

#[test]
fn the_pages_on_formats_say_what_the_documents_say() {
    let docs = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    for (page, document) in [("trace", "traces.md"), ("json", "json.md")] {
        let page = run(&["man", page]);
        assert_eq!(page.code, 0, "{}", page.err);
        let shown = std::process::Command::new("man")
            .args(["-l", "-"])
            .envs([("MANWIDTH", "5000"), ("LC_ALL", "C.UTF-8"), ("MANROFFOPT", "-ww")])
            .env("MAN_KEEP_FORMATTING", "")
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn();
        let Ok(mut shown) = shown else {
            eprintln!("skipped: there is no man to show the page");
            return;
        };
        let mut stdin = shown.stdin.take().unwrap();
        let text = page.out.clone();
        let giving = std::thread::spawn(move || {
            std::io::Write::write_all(&mut stdin, text.as_bytes()).unwrap();
        });
        let shown = common::Run::from(shown.wait_with_output().unwrap());
        giving.join().unwrap();
        assert_eq!((shown.code, shown.err.as_str()), (0, ""));
        let all = std::fs::read_to_string(docs.join(document)).unwrap();
        let next = all.lines().skip(1).chain([""]);
        let is_head = |next: &str| next.starts_with("| ---");
        let all = all.lines().zip(next).filter(|(_, next)| !is_head(next)).map(|(line, _)| line);
        let (shown, all) = (words(&shown.out), all.collect::<Vec<_>>().join("\n"));
        let mut at = shown.iter();
        for word in words(&all).iter().skip(1) {
            assert!(at.any(|other| other == word), "{document}: \"{word}\" is not on the page");
        }
    }
}

#[test]
fn completions_know_the_subcommands() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = sunpath().args(["completions", shell]).output().unwrap();
        let script = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(0));
        for name in ["why", "explain", "conform", "demo"] {
            assert!(script.contains(name), "{shell}: {name}");
        }
    }
}

#[test]
fn completions_offer_names_without_wanting_them() {
    for shell in ["bash", "zsh"] {
        let output = sunpath().args(["completions", shell]).output().unwrap();
        let script = String::from_utf8(output.stdout).unwrap();
        for name in ["connect/stale-socket", "ECONNREFUSED", "getpeername", "healthy/abstract"] {
            assert!(script.contains(name), "{shell}: {name}");
        }
    }
    assert_eq!(run(&["explain", "econnrefused"]).code, 0);
    assert!(run(&["explain", "stale-sokcet"]).err.contains("did you mean"));
}
