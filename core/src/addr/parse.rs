//! Reads the many ways in which addresses are written.

use super::{Address, Endpoint};
use crate::SocketType;
use crate::text::escape;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::net::SocketAddr;

/// Why some bytes are not an address that can be looked at. Its `Display` says what is wrong and
/// which forms are accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AddressError {
    /// There is nothing, or nothing behind the prefix.
    Empty,
    /// A NUL byte inside a path: the kernel would end the path there.
    NulInPath,
    /// A URL of a scheme that names no UNIX domain socket.
    Scheme {
        /// The scheme.
        scheme: String,
        /// The address of the server that the URL names, as it is written here.
        server: Option<String>,
    },
    /// An internet address with a user or a password in front of the host.
    Credentials,
    /// `fd://`: a descriptor that a service manager passes, not an address.
    Descriptor,
    /// A D-Bus address that only a server can use: it says where to make a socket.
    ServerOnly(String),
    /// A D-Bus address without a value for `path`, `abstract`, `host` or `port`.
    MissingKey(String),
    /// `%` without two hexadecimal digits behind it.
    BadPercent,
    /// An internet address without a host.
    NoHost,
    /// A host that is not text, or holds white space or control characters.
    BadHost,
    /// An internet address without a port.
    NoPort,
    /// A port that is not a number from 0 to 65535.
    BadPort(String),
    /// An IPv6 address without brackets: where it ends and the port begins is unclear.
    Unbracketed,
    /// `127.0.0.1:80` without saying which transport is meant.
    BareInternet(SocketAddr),
    /// `localhost:80` or `:80`, if there is no file of this name. See [`Endpoint::misread`].
    BareHost {
        /// The host; empty if there is none.
        host: String,
        /// The port.
        port: u16,
    },
    /// `vsock:2:1024`: another address family. See [`Endpoint::misread`].
    Vsock,
}

/// What every error ends with.
const FORMS: &str = "Write a path (/run/app.sock, ./@odd), an abstract name (@name), \
                     unix:PATH, unix-abstract:NAME, tcp:HOST:PORT or udp:HOST:PORT.";

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |text: &str| escape(text.as_bytes());
        match self {
            AddressError::Empty => f.write_str("the address is empty")?,
            AddressError::NulInPath => {
                f.write_str("a path cannot hold a NUL byte: the kernel would end it there")?;
            }
            AddressError::Scheme { scheme, server } => {
                let server = server.as_deref().unwrap_or("tcp:HOST:PORT");
                let scheme = shown(scheme);
                write!(f, "a URL that begins with {scheme}:// names no UNIX domain socket; ")?;
                write!(f, "for the server behind it, write {server}")?;
            }
            AddressError::Credentials => {
                f.write_str("leave user and password out: write tcp:HOST:PORT")?;
            }
            AddressError::Descriptor => f.write_str(
                "fd:// stands for a descriptor that a service manager passes to a server, and has \
                 no address of its own; ask about the address in the manager's socket unit",
            )?,
            AddressError::ServerOnly(key) => write!(
                f,
                "a D-Bus address with {}= tells a server where to make its socket; ask about the \
                 address that the server prints",
                shown(key)
            )?,
            AddressError::MissingKey(key) => {
                write!(f, "the D-Bus address gives no {}=", shown(key))?;
            }
            AddressError::BadPercent => {
                f.write_str("in a URL, % must be followed by two hexadecimal digits")?;
            }
            AddressError::NoHost => f.write_str("the host is missing")?,
            AddressError::BadHost => {
                f.write_str("a host is text without white space or control characters")?;
            }
            AddressError::NoPort => f.write_str("the port is missing")?,
            AddressError::BadPort(port) => {
                write!(f, "{:?} is no port: a number from 0 to 65535 is needed", shown(port))?;
            }
            AddressError::Unbracketed => {
                f.write_str("an IPv6 address is written in brackets: tcp:[::1]:80")?;
            }
            AddressError::BareInternet(at) => {
                write!(f, "write tcp:{at} or udp:{at} (or ./{at} for a file of this name)")?;
            }
            AddressError::BareHost { host, port } => {
                let name = if host.is_empty() { "localhost" } else { host };
                write!(f, "there is no such file; for a server write tcp:{name}:{port} or ")?;
                write!(f, "udp:{name}:{port} (or ./{host}:{port} for a file of this name)")?;
            }
            AddressError::Vsock => f.write_str(
                "there is no such file, and addresses of the family AF_VSOCK cannot be looked at \
                 (for a file of this name, write ./ in front)",
            )?,
        }
        write!(f, ". {FORMS}")
    }
}

impl core::error::Error for AddressError {}

type Parsed = Result<Endpoint, AddressError>;

impl Endpoint {
    /// Reads an address as people write or paste it.
    ///
    /// | form | meaning |
    /// | --- | --- |
    /// | `/run/x`, `run/x`, `./@x` | a path |
    /// | `@x`, `unix:@x`, `unix-abstract:x`, `\0x`, `%00x` | an abstract name |
    /// | `unix:/run/x`, `unix:///run/x`, `local:/run/x` | a path |
    /// | `unix://run/x` | the *relative* path `run/x`: a slash was lost |
    /// | `http+unix://%2Frun%2Fx/info`, `http://unix:/run/x:/info` | a path |
    /// | `file:///run/x` | a path, with `%` escapes |
    /// | `unix:path=/run/x,guid=...`, `unix:abstract=x` | D-Bus addresses; of several, the first |
    /// | `tcp:HOST:PORT`, `tcp://HOST:PORT`, `udp:[::1]:PORT` | an internet address |
    /// | `DOCKER_HOST=...` | what follows the `=` |
    ///
    /// Bytes are kept as they are, white space included: a newline at the end is a mistake that
    /// the diagnosis tells.
    ///
    /// # Errors
    /// [`AddressError`] says what is wrong. Nothing is too long here: a path of any length is
    /// accepted, and the diagnosis says that it does not fit.
    ///
    /// ```
    /// use sunpath_core::{Address, Endpoint};
    ///
    /// let pasted = Endpoint::parse(b"DOCKER_HOST=unix:///run/docker.sock").unwrap();
    /// assert_eq!(pasted, Endpoint::Unix(Address::Path(b"/run/docker.sock".to_vec())));
    /// assert!(Endpoint::parse(b"tcp:localhost").unwrap_err().to_string().contains("port"));
    /// ```
    pub fn parse(input: &[u8]) -> Parsed {
        let text = assigned_value(input);
        if let Some(name) = after(text, b"unix-abstract:") {
            return abstract_name(name);
        }
        if let Some(rest) = after(text, b"unix:").or_else(|| after(text, b"local:")) {
            return unix(rest);
        }
        if let Some(rest) = after(text, b"tcp:") {
            return internet(rest, SocketType::Tcp);
        }
        if let Some(rest) = after(text, b"udp:") {
            return internet(rest, SocketType::Udp);
        }
        match split_scheme(text) {
            Some((scheme, rest)) => url(scheme, rest),
            None => plain(text),
        }
    }
}

impl Endpoint {
    /// What a text that [`Endpoint::parse`] takes for a path is more likely to be, if there is no
    /// file of this name: `localhost:80`, `:80`, `vsock:2:1024`. `None` for every other text.
    ///
    /// ```
    /// use sunpath_core::Endpoint;
    ///
    /// let hint = Endpoint::misread(b"localhost:8080").unwrap().to_string();
    /// assert!(hint.contains("tcp:localhost:8080"));
    /// assert_eq!(Endpoint::misread(b"./localhost:8080"), None);
    /// ```
    pub fn misread(input: &[u8]) -> Option<AddressError> {
        let text = core::str::from_utf8(input).ok()?;
        let number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if after(input, b"vsock:").is_some_and(|_| text[6..].split(':').all(number)) {
            return Some(AddressError::Vsock);
        }
        let (host, port) = text.split_once(':').filter(|(_, port)| number(port))?;
        let in_host = |b: u8| b.is_ascii_alphanumeric() || b"-.".contains(&b);
        let port = port.parse().ok().filter(|_| host.bytes().all(in_host))?;
        Some(AddressError::BareHost { host: host.to_string(), port })
    }
}

/// Without a `NAME=` in front, as in environment files, and without quotes around the value.
fn assigned_value(input: &[u8]) -> &[u8] {
    let name = input.iter().take_while(|b| b.is_ascii_uppercase() || **b == b'_').count();
    let digits = input[name..].iter().take_while(|b| b.is_ascii_digit()).count();
    let end = name + if name > 0 { digits } else { 0 };
    if end == 0 || input.get(end) != Some(&b'=') {
        return input;
    }
    match &input[end + 1..] {
        [b'"', value @ .., b'"'] | [b'\'', value @ .., b'\''] => value,
        value => value,
    }
}

/// What follows a prefix, which may be written in any case.
fn after<'a>(text: &'a [u8], prefix: &[u8]) -> Option<&'a [u8]> {
    let (head, rest) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}

/// `scheme://rest`, if it is one.
fn split_scheme(text: &[u8]) -> Option<(&str, &[u8])> {
    let is_scheme = |b: &u8| b.is_ascii_alphanumeric() || b"+-.".contains(b);
    let length = text.iter().take_while(|b| is_scheme(b)).count();
    if length == 0 || !text[0].is_ascii_alphabetic() {
        return None;
    }
    let rest = text[length..].strip_prefix(b"://")?;
    Some((core::str::from_utf8(&text[..length]).ok()?, rest))
}

/// A path or an abstract name without any prefix.
fn plain(text: &[u8]) -> Parsed {
    if let Ok(Ok(at)) = core::str::from_utf8(text).map(str::parse::<SocketAddr>) {
        return Err(AddressError::BareInternet(at));
    }
    name_or_path(text)
}

/// `@name`, a name that begins with a NUL (written in any of the usual ways), or a path.
fn name_or_path(text: &[u8]) -> Parsed {
    let marks: [&[u8]; 5] = [b"@", b"\0", b"\\0", b"\\x00", b"%00"];
    match marks.iter().find_map(|mark| text.strip_prefix(*mark)) {
        Some(name) => abstract_name(name),
        None => path(text),
    }
}

fn abstract_name(name: &[u8]) -> Parsed {
    Ok(Endpoint::Unix(Address::Abstract(name.to_vec())))
}

fn path(bytes: &[u8]) -> Parsed {
    if bytes.is_empty() {
        return Err(AddressError::Empty);
    }
    if bytes.contains(&0) {
        return Err(AddressError::NulInPath);
    }
    Ok(Endpoint::Unix(Address::Path(bytes.to_vec())))
}

/// What follows `unix:`.
fn unix(rest: &[u8]) -> Parsed {
    if let Some(parsed) = dbus(rest, &["path", "abstract"]) {
        let (key, value) = parsed?;
        return if key == "path" { path(&value) } else { abstract_name(&value) };
    }
    name_or_path(rest.strip_prefix(b"//").unwrap_or(rest))
}

/// A URL that names a socket in its path or in its host.
fn url(scheme: &str, rest: &[u8]) -> Parsed {
    let lower = scheme.to_ascii_lowercase();
    if lower == "fd" {
        return Err(AddressError::Descriptor);
    }
    if lower == "file" {
        return path(&percent_decoded(after(rest, b"localhost").unwrap_or(rest))?);
    }
    if lower.ends_with("+unix") {
        let text = until(rest, b"?#");
        let socket = if text.starts_with(b"/") { text } else { until(text, b"/") };
        return name_or_path(&percent_decoded(socket)?);
    }
    match after(rest, b"unix:") {
        Some(upstream) => name_or_path(until(upstream, b":")),
        None => {
            Err(AddressError::Scheme { scheme: scheme.to_string(), server: server(&lower, rest) })
        }
    }
}

/// The server that a URL names, with the port that goes with its scheme. A user and a password in
/// front of the host are left out; where an `@` makes it unclear what is the host, there is none.
fn server(scheme: &str, rest: &[u8]) -> Option<String> {
    const PORTS: [(&str, u16); 17] = [
        ("http", 80),
        ("ws", 80),
        ("https", 443),
        ("wss", 443),
        ("redis", 6379),
        ("rediss", 6379),
        ("postgres", 5432),
        ("postgresql", 5432),
        ("mysql", 3306),
        ("mariadb", 3306),
        ("mongodb", 27017),
        ("amqp", 5672),
        ("amqps", 5671),
        ("ldap", 389),
        ("ldaps", 636),
        ("ssh", 22),
        ("ftp", 21),
    ];
    let authority = until(rest, b"/?#");
    if rest[authority.len()..].contains(&b'@') {
        return None;
    }
    let at = authority.iter().rposition(|b| *b == b'@').map_or(0, |at| at + 1);
    let named = &authority[at..];
    let found = internet(named, SocketType::Tcp).or_else(|why| {
        let port = PORTS.iter().find(|(known, _)| *known == scheme).ok_or(why)?.1.to_string();
        let mut full = named.strip_suffix(b":").unwrap_or(named).to_vec();
        full.extend_from_slice(b":");
        full.extend_from_slice(port.as_bytes());
        internet(&full, SocketType::Tcp)
    });
    found.ok().map(|server| server.spelling())
}

/// The text before the first of these bytes.
fn until<'a>(text: &'a [u8], ends: &[u8]) -> &'a [u8] {
    text.split(|b| ends.contains(b)).next().unwrap_or(text)
}

fn percent_decoded(text: &[u8]) -> Result<Vec<u8>, AddressError> {
    let hex = |b: Option<&u8>| b.and_then(|b| (*b as char).to_digit(16)).map(|d| d as u8);
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        if text[at] == b'%' {
            let digits = hex(text.get(at + 1)).zip(hex(text.get(at + 2)));
            let (high, low) = digits.ok_or(AddressError::BadPercent)?;
            out.push(high << 4 | low);
            at += 3;
        } else {
            out.push(text[at]);
            at += 1;
        }
    }
    Ok(out)
}

/// What follows the transport in a D-Bus address: `None` if it is none, else the first of the
/// wanted keys with its value.
fn dbus<'k>(rest: &[u8], wanted: &[&'k str]) -> Option<Result<(&'k str, Vec<u8>), AddressError>> {
    const KEYS: [&str; 8] =
        ["path", "abstract", "guid", "dir", "tmpdir", "runtime", "host", "port"];
    let first = until(rest, b"=");
    if first.len() == rest.len() || !KEYS.iter().any(|k| k.as_bytes() == first) {
        return None;
    }
    let pairs = || until(rest, b";").split(|b| *b == b',');
    for pair in pairs() {
        let key = until(pair, b"=");
        if let Some(known) = wanted.iter().find(|k| k.as_bytes() == key) {
            let value = pair.get(key.len() + 1..).unwrap_or_default();
            return Some(percent_decoded(value).map(|value| (*known, value)));
        }
        if let Some(server) = ["dir", "tmpdir", "runtime"].iter().find(|k| k.as_bytes() == key) {
            return Some(Err(AddressError::ServerOnly(server.to_string())));
        }
    }
    Some(Err(AddressError::MissingKey(wanted[0].to_string())))
}

/// What follows `tcp:` or `udp:`.
fn internet(rest: &[u8], transport: SocketType) -> Parsed {
    if let Some(host) = dbus(rest, &["host"]) {
        let port = dbus(rest, &["port"]).unwrap_or(Err(AddressError::NoPort));
        return endpoint(transport, &host?.1, &port?.1);
    }
    let text = rest.strip_prefix(b"//").unwrap_or(rest);
    let text = text.strip_suffix(b"/").unwrap_or(text);
    if text.contains(&b'@') {
        return Err(AddressError::Credentials);
    }
    if let Some(inside) = text.strip_prefix(b"[") {
        let host = until(inside, b"]");
        return match &inside[host.len()..] {
            [b']', b':', port @ ..] => endpoint(transport, host, port),
            _ => Err(AddressError::NoPort),
        };
    }
    let Some(colon) = text.iter().rposition(|b| *b == b':') else {
        return Err(if text.is_empty() { AddressError::NoHost } else { AddressError::NoPort });
    };
    let (host, port) = (&text[..colon], &text[colon + 1..]);
    if host.contains(&b':') {
        return Err(AddressError::Unbracketed);
    }
    endpoint(transport, host, port)
}

fn endpoint(transport: SocketType, host: &[u8], port: &[u8]) -> Parsed {
    if host.is_empty() {
        return Err(AddressError::NoHost);
    }
    let printable = |h: &&str| !h.contains(char::is_whitespace) && escape(h.as_bytes()) == *h;
    let host = core::str::from_utf8(host).ok().filter(printable);
    let host = host.ok_or(AddressError::BadHost)?.to_string();
    let text = String::from_utf8_lossy(port);
    if port.is_empty() {
        return Err(AddressError::NoPort);
    }
    let digits = port.iter().all(u8::is_ascii_digit);
    let number = if digits { text.parse::<u16>().ok() } else { None };
    let port = number.ok_or_else(|| AddressError::BadPort(text.into_owned()))?;
    Ok(Endpoint::Inet { transport, host, port })
}
