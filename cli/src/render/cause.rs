//! The page of one cause.

use super::page::Page;
use super::text::{capital, list};
use super::{DIM, HEAD, paint};
use sunpath::cause::{Document, Effect, Evidence, Provoke};
use sunpath::{Cause, Platform, SocketType, Sockets};

/// Everything the catalogue knows of a cause.
pub fn page(cause: &Cause, width: usize) -> String {
    let mut page = Page::new(width);
    page.line(&paint(HEAD, cause.id));
    page.para(&capital(cause.title), 0);
    page.gap();
    let calls: Vec<_> = cause.calls.iter().map(|p| p.call.name()).collect();
    page.field("calls", 8, &list(&calls));
    page.field("sockets", 8, &sockets(cause.sockets));
    page.field("noticed", 8, cause.class.name());
    page.head("What happened");
    page.para(cause.happened, 2);
    page.head("Why");
    page.para(cause.why, 2);
    page.head("What to do");
    page.para(cause.fix, 2);
    page.commands(&cause.commands.iter().map(|c| spelt_out(c)).collect::<Vec<_>>());
    page.head("What programs see");
    page.table(&platforms(cause), 2);
    background(&mut page, cause);
    page.finish()
}

/// Documents, provocation, and what it is easily taken for.
fn background(page: &mut Page, cause: &Cause) {
    if let Some(differs) = cause.differs {
        page.head("What documents get wrong");
        page.para(differs, 2);
    }
    if !cause.documents.is_empty() {
        page.head("Where it is documented");
        for document in cause.documents {
            page.para(&name(*document), 2);
        }
    }
    page.head("How it is provoked");
    match cause.provoke {
        Provoke::Live(how) => page.para(&capital(how), 2),
        Provoke::Not(why) => page.para(&format!("Not on a live kernel: {why}"), 2),
    }
    if !cause.confusable.is_empty() {
        page.head("Cannot be told from");
        for id in cause.confusable {
            let title = sunpath::cause::find(id).map_or("", |c| c.title);
            page.para(&format!("{id}: {title}"), 2);
        }
    }
}

/// One row for each platform and different effect on it.
fn platforms(cause: &Cause) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for platform in Platform::ALL {
        for (effect, evidence, types) in effects(cause, *platform) {
            let seen = match effect {
                Effect::Shows(symptom) => symptom.name().to_string(),
                Effect::Never => "does not happen".to_string(),
            };
            let narrowed = types.len() < cause.sockets.iter().count();
            let types: Vec<_> = types.iter().map(|t| t.name()).collect();
            let only = if narrowed { format!(" ({})", list(&types)) } else { String::new() };
            let evidence = paint(DIM, &format!("{}{only}", evidence.name()));
            rows.push(vec![platform.name().to_string(), seen, evidence]);
        }
    }
    rows
}

/// What a platform does, and for which of the cause's socket types.
pub fn effects(cause: &Cause, platform: Platform) -> Vec<(Effect, Evidence, Vec<SocketType>)> {
    let mut found: Vec<(Effect, Evidence, Vec<SocketType>)> = Vec::new();
    for socket in cause.sockets.iter() {
        let Some(rule) = cause.rule(platform, socket) else { continue };
        match found.iter_mut().find(|(e, v, _)| (*e, *v) == (rule.effect, rule.evidence)) {
            Some((_, _, types)) => types.push(socket),
            None => found.push((rule.effect, rule.evidence, vec![socket])),
        }
    }
    found
}

/// The socket types in words.
pub fn sockets(set: Sockets) -> String {
    let names: Vec<_> = set.iter().map(|t| t.name()).collect();
    list(&names)
}

/// A document by its name.
pub fn name(document: Document) -> String {
    match document {
        Document::OpenServer => "OpenServer, UNIX domain error codes".to_string(),
        Document::Unix7 => "unix(7)".to_string(),
        Document::BsdConnect2 => "connect(2) of the BSDs".to_string(),
        Document::Posix(page) => format!("POSIX.1-2024, {page}"),
        Document::Man(page) => page.to_string(),
        Document::Source(file) => format!("the kernel's source, {file}"),
    }
}

/// A command whose placeholders stand in capitals, as manuals write them.
pub fn spelt_out(command: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for c in command.chars() {
        match c {
            '{' => inside = true,
            '}' => inside = false,
            c if inside => out.extend(c.to_uppercase()),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_fits_80_columns_and_has_its_headings() {
        for cause in sunpath::cause::all() {
            let text = anstream::adapter::strip_str(&page(cause, 80)).to_string();
            for heading in ["What happened", "Why", "What to do", "What programs see"] {
                assert!(text.contains(heading), "{}: {heading}", cause.id);
            }
            for line in text.lines().filter(|l| !l.starts_with("    ")) {
                let columns = super::super::text::columns(line);
                let one_word = !line.trim().contains(' ');
                assert!(columns <= 80 || one_word, "{}: {line}", cause.id);
            }
        }
    }

    #[test]
    fn placeholders_stand_in_capitals() {
        assert_eq!(spelt_out("usermod -aG {group} {user}"), "usermod -aG GROUP USER");
    }
}
