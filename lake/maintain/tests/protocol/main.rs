//! The protocol of hot files and seals, checked: it holds in every order of steps and crashes, and the model finds
//! each of the mistakes that would break it.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test stops at what it can't do"
)]

mod model;

use std::time::Duration;

use model::{Bug, Protocol};
use stateright::{Checker, HasDiscoveries, Model, UniformChooser};

const ALL: Protocol = Protocol {
    bug: None,
    objects: 2,
    takes: 3,
    merger: true,
    sealers: 2,
    collectors: 2,
    replay: true,
    readers: true,
};

/// Every order of steps, as far as the number of states allows; all of it if `whole`.
fn holds(protocol: Protocol, states: usize, whole: bool) {
    let checker = protocol.checker().threads(2).target_state_count(states).spawn_bfs().join();
    println!("{protocol:?}: {} states, depth {}", checker.unique_state_count(), checker.max_depth());
    if let Some(path) = checker.discovery("every row once") {
        panic!("{}\n{path}", path.last_state().broken.unwrap_or_default());
    }
    assert!(!whole || checker.state_count() < states, "not all states were reached");
}

#[test]
fn writers_sealers_and_readers() {
    holds(Protocol { merger: false, collectors: 0, replay: false, takes: 2, ..ALL }, 4_000_000, true);
}

#[test]
fn writers_merger_collectors_and_readers() {
    holds(Protocol { sealers: 0, replay: false, takes: 2, ..ALL }, 4_000_000, true);
}

#[test]
fn sealers_and_replay() {
    let protocol = Protocol { merger: false, collectors: 0, readers: false, takes: 2, ..ALL };
    holds(protocol, 4_000_000, true);
}

#[test]
fn all_of_them_as_deep_as_fits() {
    holds(ALL, 400_000, false);
}

#[test]
fn all_of_them_at_random() {
    let seconds = std::env::var("CAUCE_MODEL_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(10);
    let protocol = Protocol { objects: 3, takes: 6, ..ALL };
    let checker = protocol
        .checker()
        .threads(2)
        .target_max_depth(120)
        .timeout(Duration::from_secs(seconds))
        .spawn_simulation(7, UniformChooser)
        .join();
    println!("{} states visited at random", checker.state_count());
    if let Some(path) = checker.discovery("every row once") {
        panic!("{}\n{path}", path.last_state().broken.unwrap_or_default());
    }
}

/// The mistake is found, and what it breaks is what is expected.
fn finds(bug: Bug, protocol: Protocol, expected: &str) {
    let protocol = Protocol { bug: Some(bug), ..protocol };
    let checker = protocol.checker().threads(2).finish_when(HasDiscoveries::Any).spawn_bfs().join();
    let path = checker.discovery("every row once");
    let path = path.unwrap_or_else(|| panic!("{bug:?} was not found in {} states", checker.state_count()));
    let broken = path.last_state().broken.unwrap_or_default();
    println!("{bug:?}: {broken}, after {:?}", path.into_actions());
    assert_eq!(broken, expected, "{bug:?}");
}

const FEW: Protocol = Protocol { takes: 2, merger: false, sealers: 0, collectors: 0, replay: false, ..ALL };

#[test]
fn acknowledging_before_writing_loses_rows() {
    finds(Bug::AcknowledgeBeforeWrite, FEW, "an acknowledged row is missing in an answer");
}

#[test]
fn splitting_a_raw_object_shows_half_of_it() {
    finds(Bug::SplitRawObject, FEW, "half a raw object in an answer");
}

#[test]
fn sealing_without_looking_at_other_seals_doubles_rows() {
    finds(Bug::SealWithoutSeals, Protocol { sealers: 2, ..FEW }, "a row twice in the seals");
}

#[test]
fn collecting_without_grace_hides_rows_from_a_reader_that_is_listing() {
    let protocol = Protocol { merger: true, collectors: 1, ..FEW };
    finds(Bug::CollectWithoutGrace, protocol, "an acknowledged row is missing in an answer");
}

#[test]
fn a_replay_that_drops_what_it_cannot_read_loses_rows() {
    finds(Bug::ReplayDrops, Protocol { sealers: 1, replay: true, ..FEW }, "a sealed row is gone");
}

#[test]
fn a_name_that_is_free_again_lets_a_late_sealer_double_rows() {
    finds(Bug::FreeASealsName, Protocol { sealers: 2, ..FEW }, "a row twice in the seals");
}
