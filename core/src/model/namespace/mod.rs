//! Names: the file system, abstract names, and the sockets behind them.

mod bind;
mod files;
mod look_up;
mod name;
