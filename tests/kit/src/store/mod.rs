//! The store's contract as a suite: [`conforms`] runs all of it on a backend, on a clock of its own. A file for each
//! duty; [`conforms`] lists what each of them promises.

mod accept;
mod bench;
mod claim;
mod commit;
mod confirmation;
mod crowd;
mod deadlines;
mod due;
mod errands;
mod hands;
mod identity;
mod recall;
mod records;
mod renew;
mod settle;
mod sweep;

pub use bench::{Bench, said};
pub(crate) use bench::{LEASE, inbox, to_contact, to_desk, worker};

/// Runs the named parts of each duty, one after the other, each on a backend of its own.
macro_rules! parts {
    ($fresh:ident: $($duty:ident { $($part:ident),+ $(,)? })+) => {
        $($($duty::$part(&$fresh()).await;)+)+
    };
}

/// Runs the whole suite; `fresh` makes an empty backend for each part.
///
/// # Panics
/// Where the backend does not conform.
pub async fn conforms(fresh: impl Fn() -> Bench) {
    parts! { fresh:
        accept {
            repeats_are_seen,
            arrivals_keep_their_order,
        }
        claim {
            one_worker_has_a_conversation,
            a_lost_claim_writes_nothing,
        }
        commit {
            a_claim_is_committed_once,
            only_what_a_claim_carries_is_done,
            seats_are_kept,
            a_bound_thread_leads_to_its_conversation,
        }
        due {
            a_lane_keeps_its_order,
            held_dispatches_wait_for_a_release,
            an_inbox_or_a_bot_is_left_out,
            a_dispatch_is_withdrawn_unless_somebody_sends_it,
        }
        renew {
            a_renewed_lease_is_not_over,
            what_was_taken_over_is_not_renewed,
            what_is_over_is_renewed_until_somebody_takes_it,
            errands_and_deadlines_are_renewed_with_dispatches,
        }
        recall {
            what_a_clock_set_back_has_put_off_is_due,
            what_was_in_work_when_the_clock_was_set_back_is_taken_over,
            what_is_put_off_for_good_reason_is_not_recalled,
        }
        settle {
            what_waited_its_turn_was_not_tried,
            a_dead_dispatch_tells_and_moves_on,
            an_old_fence_settles_nothing,
            a_late_settlement_counts_unless_taken_over,
        }
        errands {
            questions_are_merged_until_taken,
            a_question_carries_the_newest_words,
            a_question_once_asked_takes_no_more_words,
            cancelled_errands_are_gone,
        }
        deadlines {
            deadlines_are_set_moved_and_unset,
            a_deadline_moved_is_not_settled_away,
        }
        records {
            transcripts_traces_and_cursors_are_kept,
            a_transcript_knows_its_opening,
            what_was_sent_is_found_by_its_external_id,
            what_did_not_arrive_counts_as_dead,
            waiting_contacts_are_in_order,
            facts_keep_their_first_value,
            media_are_remembered,
        }
        confirmation {
            what_has_arrived_is_confirmed_once,
            a_receipt_speaks_for_its_recipient_and_time,
            a_receipt_does_not_mind_what_was_said,
            what_a_page_has_not_shown_is_not_confirmed,
        }
        hands {
            what_is_in_hand_is_nobody_elses,
            what_is_sent_at_once_keeps_its_lane,
        }
        sweep {
            sweeping_leaves_what_is_young,
            what_is_held_for_who_never_comes_back_is_forgotten,
            what_was_released_or_is_young_is_not_forgotten,
        }
        identity {
            who_is_known_by_one_handle_is_one_person,
            a_person_is_split_into_what_they_were,
            a_tie_is_refused_where_the_turn_saw_others,
            two_who_learn_one_handle_at_once_find_each_other,
        }
        crowd {
            many_at_once_lose_nothing,
        }
    }
}
