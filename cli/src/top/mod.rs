//! `sunpath top`: a live view of sockets.
//!
//! ```text
//!   keyboard ─┐                     ┌─► frame ──► terminal
//!   signals ──┼─► live ──► view ────┤
//!   looker ───┤   (events)          └─► look again, diagnose, quit
//!   answers ──┘
//!                 Listing ──► row ──► waits ──► status ──► sort
//! ```
//! - [`row`]: what the view knows of one socket. [`waits`]: how long each queue has waited, which
//!   takes two looks to tell. [`status`]: what is wrong. [`sort`]: the orders.
//! - [`view`]: the whole state, changed by keys and looks; it knows no terminal and no clock.
//!   [`frame`] draws it as lines, [`columns`] the list, [`texts`] holds the help.
//! - [`terminal`]: raw mode, the other screen, and everything back at the end.
//!   [`live`]: threads and events. [`batch`]: the same data without a view.
//! - [`question`]: what to ask `sunpath why` about a socket.

pub mod batch;
mod columns;
mod frame;
pub mod live;
mod question;
pub mod row;
pub mod sort;
mod status;
mod terminal;
mod texts;
mod view;
mod waits;

pub use terminal::obstacle;
pub use view::View;
