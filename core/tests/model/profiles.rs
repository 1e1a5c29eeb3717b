//! The rules as a table: what each rests on, and a picture of them all.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use sunpath_core::op::Opt;
use sunpath_core::profile::{Inherited, LINUX, Profile, Urgent, linux};

/// A rule of one system, as text.
struct Rule {
    is: String,
    rests_on: String,
    because: String,
}

/// The rules of a system by section and name, in their order, read off its debugging form.
fn rules(profile: &Profile) -> Vec<(String, Rule)> {
    let text = format!("{profile:#?}");
    let mut rules = Vec::new();
    let (mut section, mut lines) = ("", text.lines());
    while let Some(line) = lines.next() {
        let depth = line.len() - line.trim_start().len();
        let Some((name, rest)) = line.trim().split_once(": ") else { continue };
        match (depth, rest) {
            (4, _) => section = name,
            (8, "Cell {") => {
                let cell: Vec<_> = lines.by_ref().take_while(|l| *l != "        },").collect();
                rules.push((format!("{section}.{name}"), rule(&cell)));
            }
            _ => panic!("{line:?} is not a rule"),
        }
    }
    rules
}

fn rule(cell: &[&str]) -> Rule {
    let starts = |field: &str| cell.iter().position(|l| l.trim_start().starts_with(field)).unwrap();
    let [is, rests_on, because] = ["is:", "rests_on:", "because:"].map(starts);
    let text = |from: usize, to: usize| {
        let joined = cell[from..to].iter().map(|l| l.trim()).collect::<Vec<_>>().join(" ");
        let value = joined.split_once(": ").unwrap().1;
        value.trim_end_matches(',').replace(", }", " }").replace(", ]", "]").to_string()
    };
    let because_text = text(because, cell.len());
    Rule {
        is: text(is, rests_on),
        rests_on: text(rests_on, because).to_lowercase(),
        because: because_text.trim_matches('"').to_string(),
    }
}

#[test]
fn every_rule_says_what_it_rests_on() {
    let mut faults = Vec::new();
    for profile in Profile::ALL {
        for (name, rule) in rules(profile) {
            let measured = rule.rests_on == "measured";
            let platform = profile.platform;
            if measured && platform != LINUX.platform {
                faults.push(format!("{platform} {name}: measured on a system nobody has here"));
            }
            if measured != rule.because.is_empty() {
                faults.push(format!("{platform} {name}: {} {:?}", rule.rests_on, rule.because));
            }
            if rule.rests_on == "source" && !rule.because.contains(": ") {
                faults.push(format!("{platform} {name}: names no function: {:?}", rule.because));
            }
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn the_picture_of_all_rules_is_up_to_date() {
    let mut picture = String::from(
        "The rules of each system, and what each rests on. Written by the test that compares it,\n\
         with SUNPATH_RECORD set.\n",
    );
    let mut by_name: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut order = Vec::new();
    for profile in Profile::ALL {
        for (name, rule) in rules(profile) {
            let because = if rule.because.is_empty() { "" } else { ": " };
            let line = format!(
                "  {:<11} {:<24} {}{because}{}",
                profile.platform.name(),
                rule.is,
                rule.rests_on,
                rule.because
            );
            by_name.entry(name.clone()).or_default().push(line.trim_end().to_string());
            if !order.contains(&name) {
                order.push(name);
            }
        }
    }
    for name in order {
        writeln!(picture, "\n{name}").unwrap();
        for line in &by_name[&name] {
            writeln!(picture, "{line}").unwrap();
        }
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots/profiles.txt");
    if std::env::var_os("SUNPATH_RECORD").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &picture).unwrap();
    }
    let recorded = std::fs::read_to_string(&path).unwrap_or_default();
    for (line, (was, is)) in recorded.lines().zip(picture.lines()).enumerate() {
        assert_eq!(was, is, "line {} of {} is old: set SUNPATH_RECORD", line + 1, path.display());
    }
    assert_eq!(recorded.len(), picture.len(), "{} is old: set SUNPATH_RECORD", path.display());
}

#[test]
fn earlier_versions_of_linux_lack_what_came_later() {
    let absent = |major, minor| linux(major, minor).options.absent.is.to_vec();
    assert_eq!(linux(6, 18), LINUX);
    assert_eq!(linux(7, 0), LINUX);
    assert_eq!(absent(6, 16), [Opt::Inq]);
    assert_eq!(absent(6, 15), [Opt::Inq, Opt::PassRights]);
    assert_eq!(absent(6, 5), [Opt::Inq, Opt::PassRights]);
    assert!(absent(6, 4).contains(&Opt::PeerPidfd));
    assert!(absent(5, 15).contains(&Opt::PassPidfd));
    assert_eq!(*linux(5, 14).transfer.urgent, Urgent::NotYet);
    assert_eq!(linux(5, 15).transfer.urgent, LINUX.transfer.urgent);
    assert!(*linux(6, 16).ancillary.pidfd_of_reaped);
    assert!(!*linux(6, 15).ancillary.pidfd_of_reaped);
    assert_eq!(*linux(6, 15).connection.wishes_inherited, Inherited::WithAccept);
    for version in [(5, 4), (6, 1), (6, 15)] {
        let rules = linux(version.0, version.1);
        assert_ne!(rules, LINUX);
        assert_eq!(rules.platform, LINUX.platform);
    }
}
