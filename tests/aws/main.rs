//! The whole stack on a local emulator of AWS: the template by SAM, the functions' real binaries, the same answers as
//! the embedded mode. `make test` builds the functions first; where they, the emulator or SAM are missing, it says that
//! it is skipped.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test stops at what it can't do"
)]

mod delivery;
mod killed;
mod payments;
#[path = "../postgres/mod.rs"]
mod postgres;
mod push;
mod stack;
#[allow(dead_code, reason = "shared with the end-to-end tests, which use more of it")]
#[path = "../end_to_end/support.rs"]
mod support;
mod throughput;
mod trades;
mod worlds;

use std::time::Instant;

use stack::Stack;

/// One stack for all: it takes half a minute to deploy.
#[tokio::test(flavor = "multi_thread")]
async fn the_stack_does_what_the_embedded_mode_does() {
    let Some(stack) = Stack::up().await else { return };
    let begun = Instant::now();
    let told = |what: &str| println!("{:>6.1} s  {what}", begun.elapsed().as_secs_f64());
    worlds::a_schedule_fires_and_the_numbers_are_those_of_the_embedded_mode(&stack).await;
    told("both worlds give the same numbers");
    worlds::a_large_answer_is_a_link(&stack).await;
    told("a large answer is a link");
    push::who_may_push_and_what_becomes_of_it(&stack).await;
    push::a_run_by_hand_says_its_count(&stack).await;
    push::a_payment_event_is_understood_at_once_and_is_a_row(&stack).await;
    told("pushed, refused, by link, and in quarantine");
    payments::what_no_rule_knows_is_asked_and_is_a_row(&stack).await;
    payments::a_database_is_taken_over(&stack).await;
    payments::an_hour_without_the_usual_payments_is_noticed(&stack).await;
    told("a model asked, a database taken over");
    trades::trades_are_fetched_analyzed_and_delivered(&stack).await;
    told("trades fetched, analyzed, delivered");
    delivery::a_message_delivered_again_and_side_by_side_changes_nothing(&stack).await;
    told("delivered again and side by side");
    delivery::normalizers_killed_in_the_middle_lose_nothing(&stack).await;
    told("killed in the middle");
    killed::a_normalizer_killed_between_writing_and_answering(&stack).await;
    told("killed between writing and answering");
    delivery::poison_dies_alone_and_is_healed_by_a_redrive(&stack).await;
    told("poison");
    worlds::maintenance_keeps_the_answers(&stack).await;
    told("maintenance");
    throughput::bundles_through_the_queue(&stack).await;
    told("throughput");
}
