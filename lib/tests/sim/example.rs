//! The worked example, and that its page shows what it prints.

#[path = "../../examples/simulation.rs"]
#[allow(dead_code, reason = "its main is not called")]
mod simulation;

use simulation::Version::{Careful, Careless};

#[test]
fn a_live_servers_file_is_taken_by_the_careless_version_only() {
    let found = simulation::the_live_server(Careless);
    assert!(found.contains("the second server took a live server's place"), "{found}");
    assert!(simulation::the_live_server(Careful).starts_with("nothing went wrong"));
}

#[test]
fn a_descriptor_is_lost_by_the_careless_version_only() {
    let found = simulation::the_lost_descriptor(Careless).to_string();
    assert!(found.contains("main waits in recv"), "{found}");
    assert!(found.contains("server panicked"), "{found}");
    simulation::the_lost_descriptor(Careful).unwrap();
}

#[test]
fn clients_wait_for_ever_in_the_careless_version_only() {
    let found = simulation::the_full_backlog(Careless);
    assert!(found.contains("(wait/backlog-full)"), "{found}");
    assert!(simulation::the_full_backlog(Careful).starts_with("nothing went wrong"));
}

#[test]
fn the_page_shows_what_is_printed() {
    let page = include_str!("../../src/sim/found.txt");
    assert_eq!(simulation::everything().trim_end(), page.trim_end(), "the page is out of date");
}
