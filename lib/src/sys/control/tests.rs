use super::*;
use proptest::prelude::*;
use std::os::fd::AsFd;

const IDS: Credentials = Credentials { pid: 4711, uid: 1000, gid: 100 };

/// Level, type and payload.
type Read = (c_int, c_int, Vec<u8>);

/// What was written, as it is read back.
fn read(control: &[u8]) -> Vec<Read> {
    items(control).map(|i| (i.level, i.kind, control[i.payload].to_vec())).collect()
}

/// A sequence of control messages of these payload lengths; each payload is its own place.
fn sequence(lengths: &[usize]) -> (Vec<u8>, Vec<Read>) {
    let mut room = vec![0xee; lengths.iter().map(|l| space(*l)).sum()];
    let mut writer = Writer::new(&mut room);
    let mut expected = Vec::new();
    for (i, length) in lengths.iter().enumerate() {
        let payload = vec![i as u8 + 1; *length];
        writer.raw(libc::SOL_SOCKET, i as c_int, &payload).unwrap();
        expected.push((libc::SOL_SOCKET, i as c_int, payload));
    }
    let written = writer.into_bytes().to_vec();
    assert_eq!(written.len(), room.len());
    (written, expected)
}

#[test]
fn the_layout_is_that_of_the_c_library() {
    for length in 0..100u32 {
        // SAFETY: computes with numbers.
        let (all, one) = unsafe { (libc::CMSG_SPACE(length), libc::CMSG_LEN(length)) };
        assert_eq!(space(length as usize), all as usize);
        assert_eq!(HEADER + length as usize, one as usize);
    }
    assert_eq!((SCM_PIDFD, CREDENTIALS), (4, size_of::<libc::ucred>()));
}

#[test]
fn what_is_written_is_what_the_c_library_reads() {
    let mut room = [0xee; 128];
    let file = std::fs::File::open("/dev/null").unwrap();
    let mut writer = Writer::new(&mut room);
    writer.rights(&[file.as_fd(); 3]).unwrap().credentials(IDS).unwrap();
    let bytes = writer.into_bytes();
    let number = file.as_raw_fd().to_ne_bytes();
    let ids = [4711i32.to_ne_bytes(), 1000u32.to_ne_bytes(), 100u32.to_ne_bytes()].concat();
    let expected = [
        (libc::SOL_SOCKET, libc::SCM_RIGHTS, [number; 3].concat()),
        (libc::SOL_SOCKET, libc::SCM_CREDENTIALS, ids),
    ];
    assert_eq!(read(bytes), expected);
    assert_eq!(bytes.len(), space(12) + space(12));
    // The padding is cleared: nothing of this process leaks through it.
    assert_eq!(&bytes[HEADER + 12..space(12)], &[0; 4][..space(12) - HEADER - 12]);
    let found: Vec<_> = items(bytes).map(|item| meaning(bytes, &item)).collect();
    assert!(matches!(found[0], Meaning::Rights(payload) if payload == [number; 3].concat()));
    assert_eq!(found[1], Meaning::Credentials(IDS));
}

#[test]
fn there_is_room_for_the_largest_message() {
    let file = std::fs::File::open("/dev/null").unwrap();
    let all = vec![file.as_fd(); MOST_DESCRIPTORS];
    let mut room = [0; ROOM_TO_SEND];
    let mut writer = Writer::new(&mut room);
    writer.rights(&all).unwrap().credentials(IDS).unwrap();
    assert_eq!(writer.credentials(IDS).unwrap_err(), NoRoom);
    assert_eq!(writer.into_bytes().len(), ROOM_TO_SEND);
}

#[test]
fn a_message_that_does_not_fit_leaves_what_was_written() {
    for room in 0..=space(5) + space(7) {
        let mut memory = vec![0xee; room];
        let mut writer = Writer::new(&mut memory);
        let first = writer.raw(1, 2, &[5; 5]).is_ok();
        let second = writer.raw(3, 4, &[7; 7]).is_ok();
        assert_eq!(first, room >= space(5));
        // Where the first did not fit, the second has the room for itself.
        assert_eq!(second, room >= space(7) + if first { space(5) } else { 0 });
        let read = read(writer.into_bytes());
        assert_eq!(read.len(), usize::from(first) + usize::from(second));
    }
}

/// Every sequence of up to three messages with payloads of 0 to 9 bytes, cut at every byte.
#[test]
fn every_cut_of_every_sequence_gives_a_prefix() {
    let lengths: Vec<usize> = (0..10).collect();
    let mut sequences: Vec<Vec<usize>> = lengths.iter().map(|l| vec![*l]).collect();
    for a in &lengths {
        for b in &lengths {
            sequences.push(vec![*a, *b]);
            sequences.extend([0, 1, 4, 8].map(|c| vec![*a, *b, c]));
        }
    }
    for sizes in &sequences {
        let (bytes, expected) = sequence(sizes);
        assert_eq!(read(&bytes), expected);
        for cut in 0..bytes.len() {
            let found = read(&bytes[..cut]);
            assert!(found.len() <= expected.len());
            for (i, (found, whole)) in found.iter().zip(&expected).enumerate() {
                assert_eq!((found.0, found.1), (whole.0, whole.1));
                assert!(whole.2.starts_with(&found.2));
                // Only the last one may be cut off.
                assert!(i + 1 == read(&bytes[..cut]).len() || found.2 == whole.2);
            }
            // No whole message is overlooked.
            let mut end = 0;
            let fit = sizes.iter().take_while(|size| {
                let fits = end + HEADER + **size <= cut;
                end += space(**size);
                fits
            });
            assert!(found.len() >= fit.count());
        }
    }
}

/// Every length that a header can claim near the limits, in every position.
#[test]
fn claimed_lengths_never_lead_outside() {
    let claims = (0..200).chain((0..80).map(|below| usize::MAX - below));
    for claim in claims.chain([1 << 31, 1 << 32, 1 << 63, isize::MAX as usize]) {
        for tail in 0..64 {
            let mut bytes = claim.to_ne_bytes().to_vec();
            bytes.resize(size_of::<usize>() + tail, 1);
            let found: Vec<_> = items(&bytes).collect();
            for item in &found {
                assert!(item.payload.start <= item.payload.end && item.payload.end <= bytes.len());
            }
            assert!(claim >= HEADER || found.is_empty());
        }
    }
}

#[test]
fn lengths_that_a_type_does_not_have_mean_nothing() {
    let mut room = [0; 64];
    for length in 0..40 {
        let payload = [1; 40];
        let kinds = [libc::SCM_CREDENTIALS, SCM_INQ, libc::SCM_RIGHTS, SCM_PIDFD];
        for kind in kinds {
            let mut writer = Writer::new(&mut room);
            writer.raw(libc::SOL_SOCKET, kind, &payload[..length]).unwrap();
            let bytes = writer.into_bytes();
            let item = items(bytes).next().unwrap();
            let known = match meaning(bytes, &item) {
                Meaning::Unknown => false,
                Meaning::Rights(data) | Meaning::Pidfd(data) => {
                    assert_eq!(numbers(data).count(), length / 4);
                    true
                }
                _ => true,
            };
            let fixed = match kind {
                libc::SCM_CREDENTIALS => Some(12),
                SCM_INQ => Some(4),
                _ => None,
            };
            assert_eq!(known, fixed.is_none_or(|fixed| fixed == length));
        }
    }
}

#[test]
fn another_level_means_nothing() {
    let mut room = [0; 64];
    for kind in [libc::SCM_RIGHTS, SCM_PIDFD, libc::SCM_CREDENTIALS, SCM_SECURITY, SCM_INQ] {
        let mut writer = Writer::new(&mut room);
        writer.raw(libc::IPPROTO_TCP, kind, &[0; 12]).unwrap();
        let bytes = writer.into_bytes();
        assert_eq!(meaning(bytes, &items(bytes).next().unwrap()), Meaning::Unknown);
    }
}

proptest! {
    #[test]
    fn any_sequence_survives_the_round_trip(
        messages in prop::collection::vec(
            (any::<i32>(), any::<i32>(), prop::collection::vec(any::<u8>(), 0..40)),
            0..8,
        ),
    ) {
        let mut room = [0xee; 8 * 64];
        let mut writer = Writer::new(&mut room);
        for (level, kind, payload) in &messages {
            writer.raw(*level, *kind, payload).unwrap();
        }
        prop_assert_eq!(read(writer.into_bytes()), messages);
    }

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut end = 0;
        for item in items(&bytes) {
            prop_assert!(item.payload.start >= end + HEADER && item.payload.end <= bytes.len());
            end = item.payload.end;
            let _ = meaning(&bytes, &item);
        }
    }

    /// Headers that are nearly right reach further into the parser than noise does.
    #[test]
    fn any_damage_to_a_sequence_is_survived(
        lengths in prop::collection::vec(0usize..24, 1..6),
        place in any::<prop::sample::Index>(),
        value in any::<u8>(),
    ) {
        let (mut bytes, _) = sequence(&lengths);
        let place = place.index(bytes.len());
        bytes[place] = value;
        for item in items(&bytes) {
            prop_assert!(item.payload.end <= bytes.len());
            let _ = meaning(&bytes, &item);
        }
    }
}
