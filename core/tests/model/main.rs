//! The model, call by call.

mod accept;
mod anything;
mod bind;
mod buffers;
mod connect;
mod create;
mod environment;
mod explore;
mod faults;
mod files;
mod inet;
mod listen;
mod look_up;
mod names;
mod options;
mod pair;
mod peek;
mod processes;
mod profiles;
mod scene;
mod send;
mod service;
mod urgent;
