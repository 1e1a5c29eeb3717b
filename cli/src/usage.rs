//! What to add to a usage error where the cure is known.

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use std::ffi::OsString;
use sunpath::text::escape;

/// Puts a tip into an error of the parser, in place of its own guess.
pub fn advise(error: &mut clap::Error, args: &[OsString]) {
    let tip = match error.kind() {
        ErrorKind::InvalidSubcommand => command(error),
        ErrorKind::UnknownArgument => dashed(error, args),
        ErrorKind::InvalidValue => value(error),
        _ => None,
    };
    let Some(tip) = tip else { return };
    error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![StyledStr::from(tip)]));
}

fn context(error: &clap::Error, kind: ContextKind) -> Option<&str> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(text),
        _ => None,
    }
}

/// For an address, or a slip, where a command should stand.
fn command(error: &mut clap::Error) -> Option<String> {
    const NAMES: [&str; 14] = [
        "why",
        "explain",
        "ls",
        "map",
        "top",
        "conform",
        "demo",
        "play",
        "connect",
        "listen",
        "tap",
        "man",
        "completions",
        "help",
    ];
    const LONGEST: usize = 200;
    let typed = context(error, ContextKind::InvalidSubcommand)?.to_string();
    let address = typed.contains(['/', ':']) || typed.starts_with('@');
    if typed.contains("://") && typed.contains('@') {
        // It may hold a password.
        error.insert(ContextKind::InvalidSubcommand, ContextValue::String("URL".into()));
        error.remove(ContextKind::SuggestedSubcommand);
        return Some("to ask about an address, write: sunpath why tcp:HOST:PORT".into());
    }
    let shown = sunpath::text::shell(typed.as_bytes());
    if address && typed.len() <= LONGEST {
        error.remove(ContextKind::SuggestedSubcommand);
        return Some(format!("to ask about an address, write: sunpath why {shown}"));
    }
    let offered = error.get(ContextKind::SuggestedSubcommand).is_some();
    let meant = crate::nearest::nearest(&typed.to_ascii_lowercase(), NAMES.into_iter())?;
    (!offered).then(|| format!("a similar command exists: {meant}"))
}

/// For a file name that begins with a dash.
fn dashed(error: &clap::Error, args: &[OsString]) -> Option<String> {
    let unknown = context(error, ContextKind::InvalidArg)?;
    let before_names = args.iter().take_while(|a| *a != "--");
    let file = before_names
        .skip_while(|a| !["why", "connect", "listen"].iter().any(|name| a == name))
        .find(|a| {
            let text = a.to_string_lossy();
            text.starts_with(unknown) && (text.contains(['.', '/']) || !text.starts_with("--"))
        })?;
    let name = escape(file.as_encoded_bytes());
    Some(format!("for a file whose name begins with a dash, write ./{name}"))
}

/// For a call that is understood, but has no address.
fn value(error: &clap::Error) -> Option<String> {
    let option = context(error, ContextKind::InvalidArg)?;
    let typed = context(error, ContextKind::InvalidValue)?;
    let call: sunpath::Call = typed.to_ascii_lowercase().parse().ok()?;
    option
        .starts_with("--call")
        .then(|| format!("{call} takes no address to ask about; see: sunpath explain {call}"))
}
