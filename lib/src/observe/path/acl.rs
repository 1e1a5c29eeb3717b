//! POSIX access control lists, as the attribute `system.posix_acl_access` holds them.

use sunpath_core::fact::path::Acl;

/// The attribute's name.
pub(super) const NAME: &std::ffi::CStr = c"system.posix_acl_access";

const VERSION: u32 = 2;
const USER: u16 = 0x02;
const GROUP_OBJ: u16 = 0x04;
const GROUP: u16 = 0x08;
const MASK: u16 = 0x10;

/// Parses the attribute: a version, then entries of tag, permission and id, little-endian. None if
/// it makes no sense.
pub(super) fn parse(bytes: &[u8]) -> Option<Acl> {
    let (version, entries) = bytes.split_first_chunk::<4>()?;
    if u32::from_le_bytes(*version) != VERSION || entries.len() % 8 != 0 {
        return None;
    }
    let mut acl = Acl { mask: 7, ..Acl::default() };
    for entry in entries.chunks_exact(8) {
        let tag = u16::from_le_bytes([entry[0], entry[1]]);
        let bits = (u16::from_le_bytes([entry[2], entry[3]]) & 7) as u8;
        let id = u32::from_le_bytes([entry[4], entry[5], entry[6], entry[7]]);
        match tag {
            USER => acl.users.push((id, bits)),
            GROUP => acl.groups.push((id, bits)),
            GROUP_OBJ => acl.owning_group = bits,
            MASK => acl.mask = bits,
            // Owner and others are in the mode.
            _ => {}
        }
    }
    Some(acl)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What [`parse`] reads: a list for a file of this mode.
    pub(in crate::observe::path) fn write(acl: &Acl, mode: u32) -> Vec<u8> {
        let mut bytes = VERSION.to_le_bytes().to_vec();
        let mut entry = |tag: u16, bits: u8, id: u32| {
            bytes.extend(tag.to_le_bytes());
            bytes.extend(u16::from(bits).to_le_bytes());
            bytes.extend(id.to_le_bytes());
        };
        entry(0x01, (mode >> 6 & 7) as u8, u32::MAX);
        acl.users.iter().for_each(|(id, bits)| entry(USER, *bits, *id));
        entry(GROUP_OBJ, acl.owning_group, u32::MAX);
        acl.groups.iter().for_each(|(id, bits)| entry(GROUP, *bits, *id));
        entry(MASK, acl.mask, u32::MAX);
        entry(0x20, (mode & 7) as u8, u32::MAX);
        bytes
    }

    #[test]
    fn without_a_mask_nothing_is_masked() {
        let bytes = [&VERSION.to_le_bytes()[..], &[4, 0, 5, 0, 255, 255, 255, 255]].concat();
        assert_eq!(parse(&bytes), Some(Acl { owning_group: 5, mask: 7, ..Acl::default() }));
        assert_eq!(parse(&bytes[..11]), None);
        assert_eq!(parse(&[1, 0, 0, 0]), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes: Vec<u8>) {
            parse(&bytes);
        }

        #[test]
        fn lists_survive(users in prop::collection::vec((any::<u32>(), 0u8..8), 0..5),
                         groups in prop::collection::vec((any::<u32>(), 0u8..8), 0..5),
                         owning_group in 0u8..8, mask in 0u8..8) {
            let acl = Acl { users, groups, owning_group, mask };
            prop_assert_eq!(parse(&write(&acl, 0o640)), Some(acl));
        }
    }
}
