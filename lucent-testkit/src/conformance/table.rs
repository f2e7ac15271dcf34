//! The table of behaviors: one list, from which everything else is made.
//!
//! Invariant: a behavior that is not here is not run; a test compares the table with the code.

use crate::conformance::{Behavior, Gap, behaviors};

/// Makes one test per promise of a store, in a module `conformance`; see [the suite](mod@crate::conformance).
///
/// `conformance!(Fixture)` names a [`StoreFixture`](crate::conformance::StoreFixture);
/// `conformance!(relaxed: Fixture)` names the module, too, where there is more than one.
#[macro_export]
macro_rules! conformance {
    ($module:ident: $fixture:ty $(,)?) => {
        $crate::__for_each_behavior! { __behavior_tests $module $fixture }
    };
    ($fixture:ty $(,)?) => {
        $crate::__for_each_behavior! { __behavior_tests conformance $fixture }
    };
}

/// The tests of one fixture.
#[doc(hidden)]
#[macro_export]
macro_rules! __behavior_tests {
    ([$module:ident $fixture:ty] $($theme:ident $gap:tt { $($name:ident,)* })*) => {
        mod $module {
            #[allow(unused_imports, reason = "the fixture may be named by a path")]
            use super::*;

            type Fixture = $fixture;

            $(mod $theme {
                $(#[test]
                fn $name() {
                    $crate::conformance::run::<super::Fixture>(
                        stringify!($theme),
                        stringify!($name),
                    );
                })*
            })*
        }
    };
}

/// The behaviors as values.
#[doc(hidden)]
#[macro_export]
macro_rules! __behavior_list {
    ([] $($theme:ident $gap:tt { $($name:ident,)* })*) => {
        /// Every promise of stores that the suite checks.
        pub static BEHAVIORS: &[Behavior] = &[$($(Behavior {
            theme: stringify!($theme),
            name: stringify!($name),
            excused_by: excuse!($gap),
            check: |subject| Box::pin(behaviors::$theme::$name(subject)),
        },)*)*];
    };
}

macro_rules! excuse {
    ([]) => {
        None
    };
    ([$gap:ident]) => {
        Some(Gap::$gap)
    };
}

/// Hands the table to a macro: themes, the gap that excuses a store from them, names.
#[doc(hidden)]
#[macro_export]
macro_rules! __for_each_behavior {
    ($callback:ident $($arguments:tt)*) => {
        $crate::$callback! {
            [$($arguments)*]

            append [] {
                a_new_store_is_empty,
                events_come_back_with_every_field,
                one_batch_keeps_its_order,
                the_outcome_names_position_and_version,
                an_acknowledged_append_is_visible_at_once,
                versions_count_from_one_in_each_stream,
                positions_grow_across_streams,
                an_empty_batch_writes_nothing,
                an_empty_write_makes_no_stream,
                a_stream_that_occurs_twice_is_refused,
                a_payload_beyond_the_limit_is_refused,
                one_bad_event_refuses_the_batch,
                a_refused_append_consumes_nothing,
                a_large_batch_is_one_append,
                a_dropped_append_is_all_or_nothing,
            }
            versions [] {
                any_takes_new_and_old_streams,
                no_stream_takes_a_new_stream,
                no_stream_refuses_an_old_stream,
                stream_exists_takes_an_old_stream,
                stream_exists_refuses_a_new_stream,
                exact_takes_the_current_version,
                exact_refuses_an_older_version,
                exact_refuses_a_version_to_come,
                exact_zero_takes_only_a_new_stream,
                exact_counts_events_not_appends,
                an_empty_write_checks_its_expectation,
                a_conflict_tells_where_to_go_on,
                unrelated_streams_never_conflict,
            }
            multi_stream [SingleStreamAppends] {
                a_batch_stands_together_in_the_log,
                versions_are_in_the_order_of_the_writes,
                one_conflict_refuses_every_stream,
                each_write_has_its_own_expectation,
                an_empty_write_guards_its_stream,
                a_hundred_streams_in_one_batch,
                readers_never_see_half_of_a_batch,
            }
            conditions [NoConditions] {
                an_unmatched_condition_holds,
                a_matching_type_fails_it,
                a_matching_tag_fails_it,
                all_tags_of_an_item_must_match,
                type_and_tags_must_be_of_one_event,
                any_item_may_match,
                no_items_match_nothing,
                all_matches_any_event,
                the_position_is_exclusive,
                the_error_names_the_first_match,
                a_position_beyond_the_head_holds,
                its_own_events_do_not_count,
                an_empty_append_checks_it,
                versions_are_checked_too,
                tags_match_to_the_letter,
                types_match_to_the_letter,
                a_query_may_be_large,
                exactly_one_of_racing_decisions_wins,
            }
            commands [] {
                a_repeated_id_has_no_effect,
                the_first_outcome_is_given_later_too,
                the_reply_is_given_back,
                a_repetition_is_not_a_conflict,
                a_refused_append_keeps_its_id_free,
                the_outcome_can_be_asked_for,
                an_append_without_events_is_remembered,
                ids_do_not_meet,
                racing_repetitions_have_one_effect,
            }
            joined_commands [] {
                each_has_an_outcome_of_its_own,
                one_that_comes_again_alone_gives_its_outcome,
                a_known_one_refuses_the_batch,
                a_known_one_is_not_a_conflict,
                a_refused_batch_keeps_the_ids_free,
                those_that_do_not_fit_are_refused,
                racing_batches_do_a_command_once,
            }
            reading_streams [] {
                a_missing_stream_is_empty,
                reading_starts_after_a_version,
                nothing_is_after_the_last_version,
                backward_starts_at_the_newest,
                backward_starts_before_a_version,
                pages_follow_each_other,
                a_page_is_as_long_as_asked,
                a_page_of_none_holds_one,
                the_last_event_is_the_end,
                a_page_tells_the_streams_version,
                similar_names_are_different_streams,
                pages_are_cut_by_bytes,
                a_large_event_comes_alone,
            }
            folding [] {
                a_fold_sees_what_reading_gives,
                a_fold_starts_after_a_version,
                a_missing_stream_folds_to_nothing,
                a_fold_stops_when_it_has_enough,
                a_long_stream_folds_whole,
            }
            reading_log [] {
                the_log_has_every_stream_in_order,
                reading_starts_after_a_position,
                backward_starts_before_a_position,
                pages_follow_each_other,
                a_page_is_as_long_as_asked,
                the_last_event_is_the_end,
                the_end_is_the_head,
                unwanted_events_move_a_reader,
                a_reader_is_never_sent_back,
                a_filtered_reader_finds_what_is_new,
                rare_events_are_found_among_many,
                pages_are_cut_by_bytes,
                a_large_event_comes_alone,
            }
            filters [] {
                a_category_has_its_own_streams,
                categories_are_no_patterns,
                types_are_found_in_order,
                all_tags_are_needed,
                several_matching_items_find_it_once,
                an_item_wants_type_and_tags,
                a_category_narrows_a_query,
                empty_queries_and_empty_items_differ,
                names_of_any_script_are_told_apart,
                signs_of_query_languages_are_data,
            }
            order [] {
                positions_are_unique,
                each_stream_keeps_its_order_in_the_log,
                streams_and_log_agree,
                batches_are_not_interleaved,
                the_head_never_goes_back,
            }
            concurrency [] {
                exactly_one_writer_of_a_version_wins,
                exactly_one_writer_makes_a_stream,
                writers_without_expectations_all_win,
                each_outcome_names_its_own_place,
                retrying_writers_lose_no_update,
                losers_spare_other_writers,
            }
            subscription_seam [] {
                nothing_is_skipped_or_doubled,
                a_filtered_follower_skips_nothing,
                a_follower_goes_on_from_its_position,
                waiting_for_the_past_is_over_at_once,
                waiting_for_the_future_waits,
                an_append_before_the_wait_counts,
                every_waiter_is_woken,
                a_wait_can_be_given_up,
            }
            long_streams [] {
                versions_count_beyond_sixteen_bits,
                the_end_of_a_long_stream_is_near,
                a_long_log_is_read_in_pages,
            }
            payloads [] {
                an_empty_payload,
                a_payload_of_a_megabyte,
                every_byte_comes_back,
                json_comes_back_as_it_was_written,
                text_of_every_script,
                content_types_come_back,
                many_tags_keep_their_order,
                odd_tags_come_back,
                odd_stream_names_come_back,
                odd_types_come_back,
                metadata_comes_back,
                event_ids_come_back,
            }
            time [] {
                microseconds_are_kept,
                times_before_1970_are_kept,
                the_ends_of_the_calendar_are_kept,
                a_clock_that_goes_back_changes_no_order,
            }
            snapshots [] {
                a_missing_snapshot_is_none,
                snapshots_come_back_with_every_field,
                a_newer_one_replaces_an_older_one,
                an_older_one_is_not_kept,
                another_shape_replaces_a_newer_one,
                each_key_has_its_own,
                a_snapshot_may_be_large,
            }
            projections [] {
                a_new_projection_is_at_zero,
                a_step_moves_documents_and_checkpoint,
                a_step_from_elsewhere_is_refused,
                the_first_step_starts_at_zero,
                a_step_may_be_empty,
                changes_happen_in_their_order,
                removing_nothing_is_no_error,
                documents_come_in_the_order_asked,
                many_documents_at_once,
                documents_come_back_as_they_were,
                keys_are_compared_to_the_letter,
                pages_are_in_the_order_of_keys,
                pages_of_documents_follow_each_other,
                pages_have_bodies_and_no_removed_ones,
                versions_are_apart,
                a_step_can_activate_its_version,
                dropping_a_version_leaves_the_others,
                a_dropped_version_can_be_built_anew,
                steps_do_not_touch_the_log,
                exactly_one_of_racing_steps_wins,
            }
            parked [] {
                a_new_projection_has_parked_nothing,
                parked_events_come_back_with_every_field,
                a_step_parks_and_moves_the_checkpoint,
                a_refused_step_parks_nothing,
                a_line_is_in_the_order_of_the_log,
                a_line_is_read_from_its_start,
                lines_are_in_the_order_of_their_keys,
                documents_and_streams_are_apart,
                an_event_may_stand_in_several_lines,
                parking_again_changes_the_reason,
                a_released_event_leaves_its_line,
                releasing_nothing_is_no_error,
                each_change_moves_the_revision,
                a_step_planned_before_a_change_is_refused,
                exactly_one_of_racing_changes_wins,
                versions_have_lines_of_their_own,
                dropping_a_version_drops_its_lines,
                odd_texts_come_back,
            }
            rebuilding [] {
                stored_versions_are_listed,
                a_dropped_version_is_not_listed,
                a_replacement_takes_everything_along,
                a_replacement_leaves_nothing_behind,
                a_replaced_version_stays_active,
                a_replacement_that_is_behind_is_refused,
                a_step_planned_before_a_replacement_is_refused,
                steps_go_on_after_a_replacement,
                several_replacements_take_their_places,
                several_replacements_are_refused_if_one_is_behind,
                a_replacement_without_its_lease_is_refused,
                a_refused_replacement_leaves_nothing_behind,
                readers_see_what_was_or_what_was_built,
            }
            leases [] {
                a_free_lease_is_granted,
                a_held_lease_is_refused,
                a_holder_may_ask_again,
                an_expired_lease_is_free,
                a_lease_ends_by_itself,
                a_takeover_raises_the_token,
                a_released_lease_is_free,
                a_release_raises_the_token,
                renewing_sets_the_time_anew,
                a_lost_lease_cannot_be_renewed,
                a_lost_lease_cannot_be_released,
                a_released_lease_cannot_be_renewed,
                several_leases_are_renewed_at_once,
                names_are_independent,
                held_leases_are_found_by_their_start,
                exactly_one_of_racing_askers_wins,
                a_fenced_step_is_taken,
                a_step_of_an_expired_lease_is_taken,
                a_step_of_a_lost_lease_is_refused,
                a_step_of_a_released_lease_is_refused,
                a_step_of_an_invented_lease_is_refused,
                no_step_follows_a_takeover,
                parts_write_into_one_read_model,
            }
            inline [NoInlineProjections] {
                the_read_model_is_written_with_the_events,
                every_event_of_a_batch_is_projected_once,
                a_document_can_be_removed,
                unwanted_events_move_the_checkpoint,
                an_error_refuses_the_append,
                only_the_failing_append_fails,
                a_failing_append_spares_its_neighbors,
                a_projection_that_is_behind_catches_up,
                a_projection_far_behind_catches_up,
                several_projections_are_all_or_nothing,
                several_projections_are_apart,
                a_repeated_command_is_not_projected,
                a_conflict_is_not_projected,
            }
            restart [Volatile] {
                events_survive,
                positions_and_versions_go_on,
                expectations_are_checked_across_a_restart,
                command_outcomes_survive,
                read_models_survive,
                parked_events_survive,
                leases_survive,
                inline_projections_go_on,
                a_follower_goes_on_after_a_restart,
                refused_appends_do_not_come_back,
            }
            second_instance [SingleInstance] {
                each_sees_the_others_events,
                versions_are_checked_across_instances,
                commands_are_known_across_instances,
                a_wait_ends_across_instances,
                checkpoints_are_checked_across_instances,
                parked_events_are_shared_by_instances,
                leases_hold_across_instances,
                racing_instances_lose_nothing,
            }
            decision_models [NoConditions] {
                of_many_who_want_a_name_exactly_one_gets_it,
                a_command_id_has_one_effect,
            }
            applications [] {
                callers_on_one_aggregate_lose_and_double_nothing,
                every_event_counts_once_while_nodes_are_killed,
                partitions_are_rebuilt_while_the_node_that_builds_is_killed,
                nodes_that_share_a_handler_handle_each_event_once,
                events_of_a_killed_node_are_handled_by_others,
            }
        }
    };
}

crate::__for_each_behavior!(__behavior_list);
