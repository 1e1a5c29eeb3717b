//! `sunpath explain`: the catalogue, read by people and programs.

use crate::args::Explain;
use crate::exit::Exit;
use crate::json;
use crate::nearest::nearest;
use crate::out::{self, Stop};
use crate::render::text::width;
use crate::render::{cause as page, lists};
use crate::symptom::{self, meaning};
use sunpath::{Call, Cause, Errno, Symptom, cause};

/// What an argument names.
enum Subject {
    Cause(&'static Cause),
    Symptom(Symptom),
    Call(Call),
}

/// Prints what was asked for.
pub fn run(args: &Explain) -> Result<Exit, Stop> {
    let text = match (&args.what, &args.search) {
        (Some(what), _) => {
            let subject = subject(what)?;
            if args.json { json_of(&subject) } else { text_of(&subject) }
        }
        (None, Some(words)) => {
            let words = split(words);
            let found = search(&words);
            if found.is_empty() {
                return Err(Stop::usage(nothing_found(&words)));
            }
            if args.json { json::found(&words, &found) } else { lists::found(&found, width()) }
        }
        (None, None) if args.json => json::index(),
        (None, None) => lists::index(width()),
    };
    out::print(&text)?;
    Ok(Exit::Success)
}

fn text_of(subject: &Subject) -> String {
    match subject {
        Subject::Cause(cause) => page::page(cause, width()),
        Subject::Symptom(symptom) => lists::symptom(*symptom, meaning(*symptom), width()),
        Subject::Call(call) => lists::call(*call, width()),
    }
}

fn json_of(subject: &Subject) -> String {
    match subject {
        Subject::Cause(cause) => json::cause(cause),
        Subject::Symptom(symptom) => json::symptom(*symptom, meaning(*symptom)),
        Subject::Call(call) => json::call(*call),
    }
}

/// Finds what an argument names: an id, a symptom or a call.
fn subject(what: &str) -> Result<Subject, Stop> {
    if let Some(cause) = cause::find(what) {
        return Ok(Subject::Cause(cause));
    }
    if let Some(symptom) = symptom::parse(what) {
        return Ok(Subject::Symptom(symptom));
    }
    if let Ok(call) = what.to_ascii_lowercase().parse() {
        return Ok(Subject::Call(call));
    }
    Err(Stop::usage(unknown(what)))
}

/// What to say to a name that nothing has.
pub fn unknown(what: &str) -> String {
    let shown = crate::render::text::quoted(what.as_bytes());
    if cause::RETIRED.contains(&what) {
        return format!("{shown} was retired: the catalogue has no such cause any more");
    }
    let start = format!("there is no cause, errno or call {shown}");
    let meant = suggestions(what);
    if meant.is_empty() {
        return format!("{start}; \"sunpath explain\" lists them, --search finds words in them");
    }
    format!("{start}; did you mean {}?", meant.join(" or "))
}

/// The names that were probably meant: those that end so, or the nearest.
fn suggestions(what: &str) -> Vec<&'static str> {
    const MOST: usize = 4;
    let lower = what.to_ascii_lowercase();
    let reason = |id: &'static str| id.split_once('/').map_or(id, |(_, reason)| reason);
    let ending = |end: &str| -> Vec<_> {
        cause::all().map(|c| c.id).filter(|id| reason(id) == end).take(MOST).collect()
    };
    let exact = ending(&lower);
    if !exact.is_empty() {
        return exact;
    }
    let word: Vec<_> =
        cause::all().map(|c| c.id).filter(|id| has_word(id, &lower)).take(MOST).collect();
    if !word.is_empty() {
        return word;
    }
    let errnos = Errno::ALL.iter().map(|e| e.name());
    let ids = cause::all().map(|c| c.id).chain(Call::ALL.iter().map(|c| c.name()));
    let whole = nearest(&lower, ids).or_else(|| nearest(&what.to_ascii_uppercase(), errnos));
    if let Some(name) = whole {
        return vec![name];
    }
    if let Some(reason) = nearest(&lower, cause::all().map(|c| reason(c.id))) {
        return ending(reason);
    }
    part_of_an_id(&lower, MOST)
}

/// Whether the text is one of the words of an id.
fn has_word(id: &str, text: &str) -> bool {
    id.split(['/', '-']).any(|word| word == text)
}

/// The ids that have the text in them, or, if it has a slash, those that begin nearly so.
fn part_of_an_id(text: &str, most: usize) -> Vec<&'static str> {
    const SHORTEST: usize = 4;
    if text.len() < SHORTEST {
        return Vec::new();
    }
    let ids = || cause::all().map(|c| c.id);
    let within: Vec<_> = ids().filter(|id| id.contains(text)).take(most).collect();
    if !within.is_empty() || !text.contains('/') {
        return within;
    }
    let start = |id: &'static str| id.get(..text.len().saturating_add(1)).unwrap_or(id);
    let begins = nearest(text, ids().map(start));
    begins
        .map(|begin| ids().filter(|id| start(id) == begin).take(most).collect())
        .unwrap_or_default()
}

fn nothing_found(words: &[String]) -> String {
    let words = crate::render::text::quoted(words.join(" ").as_bytes());
    format!("no cause speaks of {words}; try fewer words, or \"sunpath explain\" for the index")
}

/// Lower-case words, also where several came in one argument.
fn split(words: &[String]) -> Vec<String> {
    words.iter().flat_map(|w| w.split_whitespace()).map(str::to_lowercase).collect()
}

/// The causes that hold all words, best first; if the words are an error's message, then the
/// causes of this error before others.
fn search(words: &[String]) -> Vec<&'static Cause> {
    const FIRST: u32 = 1000;
    let errno = Errno::in_message(&words.join(" ")).map(Symptom::Errno);
    let shows = |c: &Cause| errno.is_some_and(|errno| lists::symptoms(c).contains(&errno));
    let rank = |c: &Cause| match (score(c, words), shows(c)) {
        (score, true) => Some(score.unwrap_or(0) + FIRST),
        (score, false) => score,
    };
    let mut found: Vec<(u32, &Cause)> = cause::all().filter_map(|c| Some((rank(c)?, c))).collect();
    found.sort_by_key(|(score, c)| (std::cmp::Reverse(*score), c.id));
    found.into_iter().map(|(_, c)| c).collect()
}

/// How well a cause fits: words in the id, errno and title count more than those in the texts.
/// `None` if a word is nowhere.
fn score(cause: &Cause, words: &[String]) -> Option<u32> {
    let symptoms: Vec<_> = lists::symptoms(cause).iter().map(|s| s.name()).collect();
    let errnos = lists::symptoms(cause).into_iter().filter_map(Symptom::errno);
    let messages: Vec<_> = errnos.flat_map(Errno::messages).collect();
    let calls: Vec<_> = cause.calls.iter().map(|p| p.call.name()).collect();
    let fields = [
        (8, cause.id.to_lowercase()),
        (6, cause.title.to_lowercase()),
        (6, symptoms.join(" ").to_lowercase()),
        (3, cause.happened.to_lowercase()),
        (2, cause.fix.to_lowercase()),
        (2, cause.commands.join(" ").to_lowercase()),
        (2, messages.join(", ")),
        (1, calls.join(" ")),
        (1, cause.why.to_lowercase()),
        (1, cause.differs.unwrap_or("").to_lowercase()),
    ];
    let of_word = |word: &String| {
        let spelt = spellings(word);
        let hits = fields.iter().filter(|(_, text)| spelt.iter().any(|word| text.contains(word)));
        let sum: u32 = hits.map(|(weight, _)| weight).sum();
        (sum > 0).then_some(sum)
    };
    if words.is_empty() {
        return None;
    }
    words.iter().map(of_word).sum()
}

/// The word, and how the texts write it where that differs from what people look for.
fn spellings(word: &str) -> Vec<&str> {
    match word {
        "timeout" | "timeouts" => vec!["timeout", "timed out", "timed-out", "timedout"],
        word => vec![word],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn search_wants_all_words_and_ranks_titles_first() {
        let words = |w: &[&str]| split(&w.iter().map(|s| (*s).to_string()).collect::<Vec<_>>());
        let found = search(&words(&["socket", "left behind"]));
        assert_eq!(found.first().map(|c| c.id), Some("connect/stale-socket"));
        assert!(search(&words(&["stale", "xylophone"])).is_empty());
        assert!(search(&words(&[""])).is_empty());
    }

    #[test]
    fn messages_and_other_spellings_are_found() {
        let found = |text: &str| search(&split(&[text.to_string()]));
        for (message, errno) in [
            ("too many open files", Errno::EMFILE),
            ("Permission denied", Errno::EACCES),
            ("broken pipe", Errno::EPIPE),
        ] {
            let first = found(message).first().map(|c| lists::symptoms(c)).unwrap_or_default();
            assert!(first.contains(&errno.into()), "{message}: {first:?}");
        }
        let late = found("timeout");
        let (first, others) = late.split_at(5);
        assert!(first.iter().all(|c| c.id.contains("timed-out")), "{:?}", first[4].id);
        assert!(!others.iter().any(|c| c.id.contains("timed-out")));
    }

    #[test]
    fn slips_are_mended() {
        for id in ["bind/stale-socket", "connect/stale-socket"] {
            assert!(suggestions("stale").contains(&id));
        }
        assert_eq!(suggestions("connect/stale-sokcet"), ["connect/stale-socket"]);
        for half in ["stale-socket", "stale-soket"] {
            assert_eq!(suggestions(half), ["bind/stale-socket", "connect/stale-socket"]);
        }
        assert_eq!(suggestions("econrefused"), ["ECONNREFUSED"]);
        assert_eq!(suggestions("conect"), ["connect"]);
        assert!(suggestions("conect/stale").contains(&"connect/stale-socket"));
        assert!(suggestions("stopped").contains(&"wait/server-stopped"));
        assert!(suggestions("zzzzzzzzzzzz").is_empty());
        assert!(suggestions("zzzz/zzzzzzz").is_empty());
    }
}
