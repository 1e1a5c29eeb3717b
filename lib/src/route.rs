//! How an address reaches the kernel, also a path that is too long for `sun_path`.

use crate::AddressRef;
use crate::sys::{self, name::Name};

/// Makes a call with the address in the form that the kernel takes.
pub(crate) fn reach<T>(
    to: AddressRef<'_>,
    call: impl FnOnce(&Name) -> sys::Result<T>,
) -> sys::Result<T> {
    call(&encode(to)?)
}

/// The address as it stands; `EINVAL` if it does not fit.
pub(crate) fn encode(address: AddressRef<'_>) -> sys::Result<Name> {
    match address {
        AddressRef::Unnamed => Ok(Name::from_bytes(sys::libc::AF_UNIX as u16, &[])),
        AddressRef::Path(path) => Name::path(path),
        AddressRef::Abstract(name) => Name::abstract_name(name),
    }
}
