//! Socket addresses as the kernel may give them, in any family and of any length.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sunpath::Address;
use sunpath::sys::libc::AF_UNIX;
use sunpath::sys::name::Name;

fuzz_target!(|input: &[u8]| {
    let Some((family, rest)) = input.split_first_chunk() else { return };
    let family = u16::from_ne_bytes(*family);
    let name = Name::from_bytes(family, rest);
    let _ = (name.to_internet(), name.sun_path(), name.family(), format!("{name:?}"));
    let Some(address) = name.address() else {
        assert!(i32::from(family) != AF_UNIX, "a UNIX domain address has a form");
        return;
    };
    // What can be encoded again is the same address.
    match (&address, Name::new(&address)) {
        (Address::Path(path), Err(_)) => assert!(path.len() > 107),
        (Address::Abstract(bytes), Err(_)) => assert!(bytes.len() > 107),
        (Address::Unnamed, Err(errno)) => panic!("no name: {errno}"),
        (_, Ok(again)) => assert_eq!(again.address(), Some(address)),
    }
});
