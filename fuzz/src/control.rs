//! The parser of control messages gets any bytes, and the encoder takes back what it read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sunpath::sys::control::{self, Item, Meaning, NoRoom, Writer};

fuzz_target!(|bytes: &[u8]| {
    let items: Vec<Item> = control::items(bytes).collect();
    let mut end = 0;
    for item in &items {
        assert!(item.payload.start >= end + control::HEADER, "messages overlap");
        assert!(item.payload.start <= item.payload.end && item.payload.end <= bytes.len());
        end = item.payload.end;
        check(bytes, item);
    }
    again(bytes, &items);
});

/// What a message means agrees with its payload.
fn check(bytes: &[u8], item: &Item) {
    let payload = &bytes[item.payload.clone()];
    match control::meaning(bytes, item) {
        Meaning::Rights(data) | Meaning::Pidfd(data) => {
            assert_eq!(data, payload);
            assert_eq!(control::numbers(data).count(), data.len() / 4);
        }
        Meaning::Credentials(ids) => {
            let written = [ids.pid.to_ne_bytes(), ids.uid.to_ne_bytes(), ids.gid.to_ne_bytes()];
            assert_eq!(written.as_flattened(), payload);
        }
        Meaning::Unread(_) => assert_eq!(payload.len(), 4),
        Meaning::Label | Meaning::Time | Meaning::Unknown => {}
    }
}

/// Encoding what was parsed, and parsing that, gives the same messages.
fn again(bytes: &[u8], items: &[Item]) {
    let mut room = vec![0; items.iter().map(|item| control::space(item.payload.len())).sum()];
    let mut writer = Writer::new(&mut room);
    for item in items {
        let written = writer.raw(item.level, item.kind, &bytes[item.payload.clone()]);
        assert!(written.is_ok(), "the room is large enough");
    }
    assert!(matches!(writer.raw(0, 0, &[]), Err(NoRoom)), "and no larger");
    let written = writer.into_bytes();
    let mut read = control::items(written);
    for item in items {
        let same = read.next().expect("every message is read back");
        assert_eq!((same.level, same.kind), (item.level, item.kind));
        assert_eq!(written[same.payload], bytes[item.payload.clone()]);
    }
    assert_eq!(read.next(), None);
}
