//! `sunpath man`: man pages, generated from the command line's definition, and from the documents
//! on formats ([`document`]).

mod document;

use crate::args::{Cli, Man};
use crate::exit::Exit;
use crate::failure;
use crate::out::{self, Stop};
use clap::CommandFactory;
use clap_mangen::roff::{Roff, roman};
use std::path::Path;

/// Prints a page or writes all of them.
pub fn run(args: &Man) -> Result<Exit, Stop> {
    let pages = pages();
    if let Some(dir) = &args.dir {
        write_all(dir, &pages)?;
        return Ok(Exit::Success);
    }
    let wanted = |p: &&Page| p.name == args.page || p.name == format!("sunpath-{}", args.page);
    let Some(page) = pages.iter().find(wanted) else {
        let names: Vec<_> = pages.iter().map(|p| p.name.as_str()).collect();
        return Err(Stop::usage(format!(
            "there is no man page \"{}\"; there are: {}",
            args.page.escape_debug(),
            names.join(", ")
        )));
    };
    out::print(&page.text)?;
    Ok(Exit::Success)
}

struct Page {
    name: String,
    text: String,
}

fn write_all(dir: &Path, pages: &[Page]) -> Result<(), Stop> {
    std::fs::create_dir_all(dir).map_err(|e| cannot("make the directory", dir, &e))?;
    for page in pages {
        let file = dir.join(format!("{}.1", page.name));
        std::fs::write(&file, &page.text).map_err(|e| cannot("write", &file, &e))?;
    }
    Ok(())
}

fn cannot(what: &str, path: &Path, error: &std::io::Error) -> Stop {
    Stop::trouble(failure::on_file(what, path, error))
}

/// One page for the tool and one for each subcommand.
fn pages() -> Vec<Page> {
    let mut root = Cli::command().disable_help_subcommand(true);
    root.build();
    let shown = |c: &&clap::Command| !c.is_hide_set();
    let subcommands: Vec<_> = root.get_subcommands().filter(shown).cloned().collect();
    let mut names = vec!["sunpath".to_string()];
    names.extend(subcommands.iter().map(|c| format!("sunpath-{}", c.get_name())));
    let of_commands = names.len();
    names.extend(DOCUMENTS.iter().map(|(name, ..)| (*name).to_string()));
    let commands = std::iter::once(root).chain(subcommands);
    let commands = names[..of_commands].iter().zip(commands);
    let documents = DOCUMENTS.iter().map(|(name, about, text)| Page {
        name: (*name).to_string(),
        text: document::page(name, about, text) + &see_also(name, &names),
    });
    commands.map(|(name, command)| page(name, command, &names)).chain(documents).collect()
}

/// Pages on formats: the name, what it is, and the document.
const DOCUMENTS: [(&str, &str, &str); 2] = [
    (
        "sunpath-trace",
        "the language of the stories that sunpath play plays",
        include_str!("../../../docs/traces.md"),
    ),
    ("sunpath-json", "the JSON that sunpath prints", include_str!("../../../docs/json.md")),
];

/// What stands at the foot of each page.
const SOURCE: &str = concat!("sunpath ", env!("CARGO_PKG_VERSION"));

/// Renders one page. What the help prints below the options becomes sections of its own.
fn page(name: &str, command: clap::Command, all: &[String]) -> Page {
    let below = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
    let below = below.strip_prefix("Examples:\n").unwrap_or(&below);
    let (examples, exit) = match below.split_once("\n\nThe exit status ") {
        // Of all statuses, a command has few.
        Some((examples, rest)) => {
            let others = "What all statuses mean, and with which sunpath itself fails, is in";
            (examples, format!("The exit status {rest}\n\n{others} sunpath(1)."))
        }
        None => (below.split("\nExit status:").next().unwrap_or_default(), Exit::table()),
    };
    let has_subcommands = command.has_subcommands();
    let man = clap_mangen::Man::new(command.display_name(name.to_string()))
        .source(SOURCE)
        .manual("Sunpath");
    let mut text = Vec::new();
    let mut rendered = man
        .render_title(&mut text)
        .and_then(|()| man.render_name_section(&mut text))
        .and_then(|()| man.render_synopsis_section(&mut text))
        .and_then(|()| man.render_description_section(&mut text))
        .and_then(|()| man.render_options_section(&mut text));
    if has_subcommands {
        rendered = rendered.and_then(|()| man.render_subcommands_section(&mut text));
    }
    debug_assert!(rendered.is_ok(), "writing to memory cannot fail");
    let mut text = String::from_utf8_lossy(&text).into_owned();
    text.push_str(&section("EXAMPLES", examples));
    text.push_str(&section("EXIT STATUS", &exit));
    text.push_str(&see_also(name, all));
    Page { name: name.to_string(), text }
}

fn see_also(name: &str, all: &[String]) -> String {
    let others = all.iter().filter(|n| *n != name).map(|n| format!("{n}(1)"));
    let others: Vec<_> =
        others.chain(["unix(7)", "connect(2)", "bind(2)", "ss(8)"].map(String::from)).collect();
    let mut see_also = Roff::new();
    see_also.control("SH", ["SEE ALSO"]);
    see_also.text([roman(others.join(", "))]);
    see_also.to_roff()
}

/// A section. Lines that are indented stay as they are; others are text, which is filled.
fn section(title: &str, lines: &str) -> String {
    let mut roff = Roff::new();
    roff.control("SH", [title]);
    let mut filled = true;
    for line in lines.trim_end().lines() {
        if line.is_empty() {
            roff.control("PP", []);
            continue;
        }
        if filled == line.starts_with(' ') {
            filled = !filled;
            roff.control(if filled { "fi" } else { "nf" }, []);
        }
        roff.text([roman(line)]);
    }
    roff.control("fi", []);
    roff.to_roff()
}
