//! Addresses as people write them.

use proptest::prelude::*;
use sunpath_core::{Address, AddressError, Endpoint, SocketType};

fn path(text: &[u8]) -> Result<Endpoint, AddressError> {
    Ok(Endpoint::Unix(Address::Path(text.to_vec())))
}

fn name(text: &[u8]) -> Result<Endpoint, AddressError> {
    Ok(Endpoint::Unix(Address::Abstract(text.to_vec())))
}

fn inet(transport: SocketType, host: &str, port: u16) -> Result<Endpoint, AddressError> {
    Ok(Endpoint::Inet { transport, host: host.into(), port })
}

fn parse(text: &(impl AsRef<[u8]> + ?Sized)) -> Result<Endpoint, AddressError> {
    Endpoint::parse(text.as_ref())
}

#[test]
fn paths() {
    for text in ["/run/x", "run/x", "./@x", "x", "a:b", "a=b", "/run/x\n", " /run/x", "-x", "fd:3"]
    {
        assert_eq!(parse(text), path(text.as_bytes()));
    }
    assert_eq!(parse(b"/run/\xff\x1b[31m"), path(b"/run/\xff\x1b[31m"));
    assert_eq!(parse("unix:/run/x"), path(b"/run/x"));
    assert_eq!(parse("UNIX:///run/x"), path(b"/run/x"));
    assert_eq!(parse("unix://run/x"), path(b"run/x"));
    assert_eq!(parse("unix:run/x"), path(b"run/x"));
    assert_eq!(parse("local:/run/x"), path(b"/run/x"));
    assert_eq!(parse("file:///run/my%20app"), path(b"/run/my app"));
    assert_eq!(parse("file://localhost/run/x"), path(b"/run/x"));
}

#[test]
fn abstract_names() {
    for text in ["@x", "unix:@x", "unix://@x", "unix-abstract:x", "\0x", "\\0x", "\\x00x", "%00x"] {
        assert_eq!(parse(text), name(b"x"), "{text:?}");
    }
    assert_eq!(parse("@"), name(b""));
    assert_eq!(parse("@a\0b\0"), name(b"a\0b\0"));
    assert_eq!(parse("unix-abstract:@x"), name(b"@x"));
}

#[test]
fn environment_and_urls() {
    assert_eq!(parse("DOCKER_HOST=unix:///run/docker.sock"), path(b"/run/docker.sock"));
    assert_eq!(parse("SSH_AUTH_SOCK=\"/tmp/a b\""), path(b"/tmp/a b"));
    assert_eq!(parse("P9='/x'"), path(b"/x"));
    assert_eq!(parse("lower=/x"), path(b"lower=/x"));
    assert_eq!(parse("http+unix://%2Frun%2Fx.sock/info?a=1"), path(b"/run/x.sock"));
    assert_eq!(parse("redis+unix:///run/redis.sock?db=1"), path(b"/run/redis.sock"));
    assert_eq!(parse("http+unix://%00x/info"), name(b"x"));
    assert_eq!(parse("http://unix:/run/x.sock:/info"), path(b"/run/x.sock"));
}

#[test]
fn dbus() {
    assert_eq!(parse("unix:path=/run/user/0/bus,guid=12;tcp:host=a"), path(b"/run/user/0/bus"));
    assert_eq!(parse("unix:guid=12,path=/run/my%20bus"), path(b"/run/my bus"));
    assert_eq!(
        parse("DBUS_SESSION_BUS_ADDRESS=unix:abstract=/tmp/dbus-x,guid=1"),
        name(b"/tmp/dbus-x")
    );
    assert_eq!(parse("tcp:host=localhost,port=12"), inet(SocketType::Tcp, "localhost", 12));
    assert_eq!(parse("unix:tmpdir=/tmp"), Err(AddressError::ServerOnly("tmpdir".into())));
    assert_eq!(parse("unix:guid=1"), Err(AddressError::MissingKey("path".into())));
    assert_eq!(parse("tcp:host=x"), Err(AddressError::MissingKey("port".into())));
    assert_eq!(parse("unix:path="), Err(AddressError::Empty));
    assert_eq!(parse("unix:path=%0"), Err(AddressError::BadPercent));
    assert_eq!(parse("unix:path=%zz"), Err(AddressError::BadPercent));
}

#[test]
fn internet() {
    assert_eq!(parse("tcp:localhost:80"), inet(SocketType::Tcp, "localhost", 80));
    assert_eq!(parse("tcp://10.0.0.1:65535/"), inet(SocketType::Tcp, "10.0.0.1", 65535));
    assert_eq!(parse("udp:[::1]:0"), inet(SocketType::Udp, "::1", 0));
    assert_eq!(parse("udp:[fe80::1%eth0]:53"), inet(SocketType::Udp, "fe80::1%eth0", 53));
    assert_eq!(parse("tcp:"), Err(AddressError::NoHost));
    assert_eq!(parse("tcp::80"), Err(AddressError::NoHost));
    assert_eq!(parse("tcp:x"), Err(AddressError::NoPort));
    assert_eq!(parse("tcp:x:"), Err(AddressError::NoPort));
    assert_eq!(parse("tcp:[::1]"), Err(AddressError::NoPort));
    assert_eq!(parse("tcp:[::1"), Err(AddressError::NoPort));
    assert_eq!(parse("tcp:::1:80"), Err(AddressError::Unbracketed));
    assert_eq!(parse("tcp:x:http"), Err(AddressError::BadPort("http".into())));
    assert_eq!(parse("tcp:x:+80"), Err(AddressError::BadPort("+80".into())));
    assert_eq!(parse("tcp:x:65536"), Err(AddressError::BadPort("65536".into())));
    assert_eq!(parse(b"tcp:\xff:1"), Err(AddressError::BadHost));
    assert_eq!(parse("tcp:a b:1"), Err(AddressError::BadHost));
    assert_eq!(parse("tcp:a\u{202e}b:1"), Err(AddressError::BadHost));
    assert!(matches!(parse("127.0.0.1:80"), Err(AddressError::BareInternet(_))));
    assert!(matches!(parse("[::1]:80"), Err(AddressError::BareInternet(_))));
    assert_eq!(parse("./127.0.0.1:80"), path(b"./127.0.0.1:80"));
}

#[test]
fn refusals_say_what_is_wrong_and_what_is_right() {
    let cases: [(&[u8], &str); 10] = [
        (b"", "empty"),
        (b"unix:", "empty"),
        (b"unix://", "empty"),
        (b"X=", "empty"),
        (b"file://", "empty"),
        (b"/run/x\0y", "NUL"),
        (b"fd://3", "service manager"),
        (b"https://example.org/x", "https://"),
        (b"unix:runtime=yes", "server"),
        (b"tcp:x:\x1b[31m", "\\x1b[31m"),
    ];
    for (text, expected) in cases {
        let error = parse(text).unwrap_err().to_string();
        assert!(error.contains(expected), "{text:?}: {error}");
        assert!(error.contains("tcp:HOST:PORT") && error.ends_with('.'), "{error}");
        assert!(!error.contains('\x1b'), "{error}");
    }
}

#[test]
fn urls_of_servers_are_told_how_to_be_written_and_passwords_are_kept() {
    for (url, server) in [
        ("http://localhost:8080/", "tcp:localhost:8080"),
        ("https://example.org/a?b#c", "tcp:example.org:443"),
        ("redis://", "tcp:HOST:PORT"),
        ("redis://cache", "tcp:cache:6379"),
        ("postgres://user:secret@db:5433/app", "tcp:db:5433"),
        ("postgresql://user:se@cret@db/app", "tcp:db:5432"),
        ("mysql://user:12/secret@db/app", "tcp:HOST:PORT"),
        ("DATABASE_URL=postgres://user:secret@[::1]/app", "tcp:[::1]:5432"),
        ("odd://user:secret@host/", "tcp:HOST:PORT"),
        ("tcp://user:secret@host:80", "tcp:HOST:PORT"),
        ("tcp:user:secret@", "tcp:HOST:PORT"),
    ] {
        let said = parse(url).unwrap_err().to_string();
        assert!(said.contains(&format!("write {server}. ")), "{url}: {said}");
        assert!(!said.contains("secret") && !said.contains("12"), "{said}");
    }
}

#[test]
fn hosts_with_ports_are_no_usual_file_names() {
    let bare = |host: &str, port| Some(AddressError::BareHost { host: host.into(), port });
    assert_eq!(Endpoint::misread(b"localhost:8080"), bare("localhost", 8080));
    assert_eq!(Endpoint::misread(b":8080"), bare("", 8080));
    assert_eq!(Endpoint::misread(b"vsock:2:3"), Some(AddressError::Vsock));
    for text in ["./localhost:80", "a:b", "a:", ":", "x", "a:80000", "a b:80", "vsock:", "a:1:2"] {
        assert_eq!(Endpoint::misread(text.as_bytes()), None, "{text}");
    }
}

#[test]
fn lengths() {
    let long = Address::Path(vec![b'a'; 108]);
    assert!(!long.fits());
    assert_eq!(Address::Path(vec![b'a'; 107]).socket_length(), 110);
    assert!(Address::Path(vec![b'a'; 107]).fits());
    assert!(Address::Abstract(vec![b'a'; 107]).fits());
    assert!(!Address::Abstract(vec![b'a'; 108]).fits());
    assert_eq!(Address::Abstract(Vec::new()).socket_length(), 3);
    assert_eq!(Address::Unnamed.socket_length(), 2);
}

#[test]
fn a_mebibyte_is_read() {
    let long = vec![b'/'; 1 << 20];
    assert_eq!(parse(&long), path(&long));
    let mut pairs = b"unix:".to_vec();
    pairs.resize(1 << 20, b',');
    assert_eq!(parse(&pairs), path(&pairs[5..]));
}

fn endpoints() -> impl Strategy<Value = Endpoint> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..40);
    let paths = bytes().prop_filter_map("a path", |b| {
        (!b.is_empty() && !b.contains(&0)).then_some(Endpoint::Unix(Address::Path(b)))
    });
    let text = "[@%./a-zA-Z_=:+\"'\\\\0-9 ~]{1,24}"
        .prop_map(|t| Endpoint::Unix(Address::Path(t.into_bytes())));
    let names = bytes().prop_map(|b| Endpoint::Unix(Address::Abstract(b)));
    let transport = prop_oneof![Just(SocketType::Tcp), Just(SocketType::Udp)];
    let hosts = prop_oneof!["[a-z0-9.-]{1,20}", "[0-9a-f:]{2,20}"];
    let inet = (transport, hosts, any::<u16>())
        .prop_map(|(transport, host, port)| Endpoint::Inet { transport, host, port });
    prop_oneof![paths, text, names, inet]
}

proptest! {
    #[test]
    fn texts_that_people_paste_are_survived(bytes: Vec<u8>, text in "[a-zA-Z0-9:@/. -]{0,40}") {
        for text in [bytes.as_slice(), text.as_bytes()] {
            if let Some(why) = Endpoint::misread(text) {
                prop_assert!(!text.contains(&b'/') && why.to_string().ends_with('.'));
            }
            let message = String::from_utf8_lossy(text);
            let errno = sunpath_core::Errno::in_message(&message);
            let again = errno.map(|e| format!("{message}: {e}"));
            prop_assert!(again.is_none_or(|again| sunpath_core::Errno::in_message(&again).is_some()));
        }
    }

    #[test]
    fn what_is_written_is_read_back(endpoint in endpoints()) {
        prop_assert_eq!(Endpoint::parse(endpoint.spelling().as_bytes()), Ok(endpoint));
    }

    #[test]
    fn any_bytes_are_an_address_or_an_error(
        prefix in "(|unix:|unix://|unix:path=|tcp:|udp://|http\\+unix://|file://|A=|fd://|\\[)",
        rest in prop::collection::vec(any::<u8>(), 0..64),
    ) {
        let text = [prefix.as_bytes(), &rest].concat();
        match Endpoint::parse(&text) {
            Ok(endpoint) => {
                prop_assert!(endpoint.to_string().chars().all(|c| !c.is_control()));
                prop_assert_eq!(Endpoint::parse(endpoint.spelling().as_bytes()), Ok(endpoint));
            }
            Err(error) => prop_assert!(error.to_string().chars().all(|c| !c.is_control())),
        }
    }
}
