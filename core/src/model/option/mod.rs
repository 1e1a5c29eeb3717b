//! Options and requests.

mod get;
mod ioctl;
mod set;
