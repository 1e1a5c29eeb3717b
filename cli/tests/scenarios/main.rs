//! Everyday failures and sockets that are well, set up for real: `why` must name the cause, and
//! must not raise a false alarm.
//!
//! Each scene is looked at in three ways: by root from the client's position (its user, its
//! namespaces, its restrictions), by root from outside while a client waits in that position, and
//! with everything, servers included, belonging to an ordinary user. The commands that set scenes
//! up, `demo` and `conform`, are tested here too.

mod conform;
mod demo;
mod failures;
mod healthy;
mod reality;
mod roles;
mod tool;
