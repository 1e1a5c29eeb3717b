//! `sunpath tap`: conversations through it are what they are without it, transcripts say what was
//! said, and a server's path is the server's again, whatever ends the tap.

#[path = "../common/mod.rs"]
mod common;

mod conversation;
mod credentials;
mod datagram;
mod end;
mod in_place;
mod load;
mod pcapng;
mod programs;
mod scene;
mod transcript;
