//! What is attempted, what is against it, which guests try, and which tests look.
//!
//! A guest without a row, a row without a guest, and a test that does not exist do not compile; a
//! test that stands in no row is a function that nobody calls, which the compiler warns of. The
//! tests are made here out of the functions named, and each ends with a healthy plugin at work.

use postroom_sandbox_tests::{Component, for_each_guest};

/// Every guest has a row.
macro_rules! has_a_row {
    ($($guest:ident)+) => { $(const _: fn() -> Component = $guest;)+ };
}

macro_rules! attacks {
    (
        beside $neighbour:ident;
        $($row:ident {
            tries: $tries:literal,
            against: $against:literal,
            guests: [$($guest:ident),+ $(,)?],
            tests: [$($module:ident::$test:ident),+ $(,)?] $(,)?
        })+
    ) => {
        $(
            #[doc = concat!("A guest ", $tries, ". Against it: ", $against, ".")]
            mod $row {
                #[allow(unused_imports, reason = "a guest of several rows is found in one of them")]
                pub(super) use postroom_sandbox_tests::guests::{$($guest),+};

                $(
                    #[tokio::test]
                    async fn $test() {
                        crate::$module::$test().await;
                        crate::stage::a_healthy_plugin_answers().await;
                    }
                )+
            }
        )+

        mod covered {
            use super::Component;
            use postroom_sandbox_tests::guests::$neighbour;
            $(
                #[allow(unused_imports, reason = "a guest of several rows is found in one of them")]
                use super::$row::*;
            )+

            super::for_each_guest!(has_a_row);
        }
    };
}

attacks! {
    beside healthy;

    endless_loop {
        tries: "never returns",
        against: "a CPU budget, looked at every 10 ms; other jobs run meanwhile",
        guests: [endless_loop],
        tests: [exhaustion::a_loop_ends_with_its_cpu_budget, exhaustion::a_loop_leaves_its_thread_to_other_jobs],
    }
    host_call_loop {
        tries: "never returns and lets the host work",
        against: "a number of host calls, and a wall-clock budget that requests count against",
        guests: [host_call_loop],
        tests: [
            exhaustion::short_calls_without_end_are_counted,
            exhaustion::slow_calls_without_end_end_with_the_jobs_time,
        ],
    }
    sleep {
        tries: "sleeps",
        against: "the wall-clock budget",
        guests: [sleeper],
        tests: [exhaustion::a_sleeper_ends_with_the_jobs_time],
    }
    memory_bomb {
        tries: "takes all memory, of one linear memory or of many",
        against: "one limit over all memories of a store, and a number of memories",
        guests: [memory_bomb, healthy],
        tests: [
            exhaustion::memory_ends_whether_it_is_used_or_only_reserved,
            start::memories_are_counted_and_added_up,
        ],
    }
    table_bomb {
        tries: "makes or grows tables without end",
        against: "one limit over all tables of a store",
        guests: [healthy],
        tests: [start::tables_end_whether_large_or_growing],
    }
    instance_bomb {
        tries: "instantiates modules without end",
        against: "a number of instances, and one of tables",
        guests: [healthy],
        tests: [start::instances_are_counted, start::one_more_module_that_does_nothing_is_fine],
    }
    loop_at_the_start {
        tries: "goes off when it is loaded, before anybody has approved it",
        against: "the budgets of an examination",
        guests: [healthy],
        tests: [start::a_loop_at_the_start_ends],
    }
    handle_bomb {
        tries: "opens handles and closes none",
        against: "a number of handles",
        guests: [handle_bomb],
        tests: [exhaustion::handles_that_are_never_closed_are_counted],
    }
    wasi_bomb {
        tries: "asks WASI for bytes that cost it a number",
        against: "caps on random bytes and on what a stream takes, and the bytes of a host call",
        guests: [wasi_bomb],
        tests: [exhaustion::wasi_hands_out_no_more_than_a_program_needs],
    }
    giant_line {
        tries: "hands the log 64 MiB",
        against: "a number of bytes per host call, counted while they are read",
        guests: [giant_line],
        tests: [exhaustion::a_giant_line_is_not_taken_and_not_logged],
    }
    log_flood {
        tries: "floods the log with terminal escapes and lines that look like the host's",
        against: "a number of lines and of bytes, control characters spelled out, the source as a field",
        guests: [log_flood],
        tests: [exhaustion::a_flood_of_forged_lines_is_cut_counted_and_spelled_out],
    }
    giant_answer {
        tries: "answers with more than the host can hold",
        against: "a number of bytes per answer, counted while they are read, and lengths looked at before use",
        guests: [giant_answer],
        tests: [
            answers::more_bytes_than_a_call_may_hand_over_end_it,
            answers::more_than_anybody_has_use_for_is_not_used,
        ],
    }
    deep_recursion {
        tries: "calls itself without end",
        against: "the guest's stack, the end of which is a crash like any other",
        guests: [deep_recursion],
        tests: [exhaustion::a_recursion_without_end_is_a_crash],
    }
    crash {
        tries: "ends itself, before a request or after one",
        against: "every trap is a crash, and what went over the wire is told by egress",
        guests: [crash],
        tests: [
            exhaustion::a_panic_and_an_exit_are_crashes_with_their_last_words_in_the_log,
            exhaustion::a_crash_after_a_request_leaves_the_request_in_the_report,
        ],
    }
    unanswered_request {
        tries: "sends a request that is never answered",
        against: "deadlines inside egress, and a request that counts as sent until it is answered",
        guests: [fetcher],
        tests: [
            exhaustion::a_request_without_an_answer_counts_as_sent,
            exhaustion::a_call_that_is_given_up_leaves_nothing_behind,
        ],
    }
    compile_bomb {
        tries: "keeps the compiler busy",
        against: "a size cap before anything is compiled",
        guests: [healthy],
        tests: [loading::a_component_that_is_too_large_never_reaches_the_compiler],
    }
    other_origin {
        tries: "spells a path or a label so that it leads to another host",
        against: "labels and paths instead of URLs, and a path that is read alike by everybody or refused",
        guests: [other_origin],
        tests: [network::no_spelling_of_a_path_or_a_label_leads_elsewhere],
    }
    redirect {
        tries: "is redirected to another host or to this machine",
        against: "redirects are answers",
        guests: [redirect_chaser],
        tests: [network::redirects_are_answers_and_lead_nowhere],
    }
    misleading_name {
        tries: "has a name that leads to this machine, its network, or a metadata service",
        against: "one lookup, its answers filtered, and only what passed connected to",
        guests: [fetcher],
        tests: [
            network::names_that_lead_to_this_machine_or_its_network_are_denied,
            network::metadata_services_are_denied_whatever_the_operator_allows,
            network::of_several_addresses_only_the_allowed_are_connected_to,
        ],
    }
    header_smuggling {
        tries: "sets the host's headers, or hides some in others",
        against: "a list of the host's headers, and names and values that are what they say",
        guests: [header_smuggler],
        tests: [network::headers_of_the_host_and_smuggled_ones_are_refused],
    }
    key_that_names_a_host {
        tries: "takes its host out of the credential",
        against: "a narrow pattern, and fixed labels behind the part",
        guests: [suffix_origin, wide_origin, local_origin],
        tests: [network::a_key_cannot_name_another_host, network::an_origin_that_could_become_any_host_is_refused],
    }
    credential_elsewhere {
        tries: "wants the credential sent to its other origin",
        against: "a slot is bound to one origin, and joins the request last",
        guests: [second_origin],
        tests: [network::a_credential_stays_at_the_origin_that_it_is_bound_to],
    }
    credential_echo {
        tries: "has the provider repeat the credential",
        against: "every form of it is taken out of answers before the guest sees them",
        guests: [fetcher],
        tests: [secrets::an_echo_reaches_no_guest_in_any_form],
    }
    credential_search {
        tries: "looks for the credential in its surroundings",
        against: "no variables, arguments or input, and settings without secrets",
        guests: [credential_seeker],
        tests: [secrets::nothing_that_a_program_can_look_at_holds_the_credential],
    }
    telling_errors {
        tries: "learns about the machine from errors",
        against: "sentences about labels and limits only; no backtraces",
        guests: [fetcher, crash],
        tests: [secrets::an_error_names_no_path_no_address_and_no_code_of_the_host],
    }
    smuggled_state {
        tries: "keeps what it saw for its next call",
        against: "a store per call",
        guests: [state_smuggler],
        tests: [secrets::nothing_of_one_call_is_there_in_the_next],
    }
    description {
        tries: "describes itself differently each time, goes out meanwhile, or never ends",
        against: "an examination in which clocks stand still, chance is the same and the host is silent",
        guests: [fickle_description, calling_description, looping_description],
        tests: [
            loading::a_description_is_the_same_whatever_it_looks_at,
            loading::a_description_reaches_nothing,
            loading::a_description_that_never_ends_is_refused,
        ],
    }
    forged_keys {
        tries: "answers for contacts that it was not given, or twice, or not at all",
        against: "every key is looked up among those given; what is missing stays open",
        guests: [forged_keys],
        tests: [
            answers::unknown_keys_and_keys_that_stand_twice_spoil_an_answer,
            answers::a_missing_key_stays_open_and_the_order_says_nothing,
        ],
    }
    loud_texts {
        tries: "puts markup, terminal escapes and megabytes into texts that people read",
        against: "texts are tamed and cut, ids that are not plain spoil the answer",
        guests: [loud_texts, loud_description, giant_description],
        tests: [
            texts::a_description_that_is_not_plain_is_refused,
            texts::every_text_of_every_answer_is_cut_and_tamed,
            texts::an_error_is_told_in_one_tame_sentence,
            texts::an_id_that_is_not_plain_spoils_the_answer,
        ],
    }
    terms_of_sending {
        tries: "goes out when it is asked for its terms of sending, or promises that nothing is ever done",
        against: "the examination that descriptions go through, and statuses that may say so",
        guests: [calling_terms, bold_terms],
        tests: [sending::terms_of_sending_reach_nothing, sending::terms_that_call_a_success_nothing_are_refused],
    }
    second_message {
        tries: "has a message sent twice: calls it safe to repeat, says that nothing was or can have been done, or dies after it",
        against: "what egress saw of every request that may send, whatever the guest calls it, and no repetition",
        guests: [lying_sender],
        tests: [
            sending::a_message_is_seen_whatever_the_guest_says_of_it,
            sending::a_message_is_not_repeated_for_a_guest_that_calls_it_safe,
            sending::a_guest_that_ends_after_its_message_was_killed,
            sending::a_message_that_outlasts_its_job_was_killed,
            sending::silence_that_means_something_at_once_is_not_believed,
        ],
    }
    swelling_body {
        tries: "fetches a gzip bomb, or a body without an end",
        against: "a cap on the wire and after decoding",
        guests: [fetcher],
        tests: [
            wire::a_body_that_unpacks_to_too_much_is_not_read_to_its_end,
            wire::a_body_without_an_end_is_not_read_to_its_end,
        ],
    }
    slow_drip {
        tries: "fetches a body that comes byte by byte",
        against: "a time for the whole answer",
        guests: [fetcher],
        tests: [wire::a_body_that_drips_ends_with_the_jobs_time],
    }
    connection_exhaustion {
        tries: "holds connections, or floods the provider with requests",
        against: "slots per account, one of them kept for what is urgent, and a number of requests per job",
        guests: [fetcher, request_flood],
        tests: [
            wire::an_account_takes_no_more_connections_than_it_may_and_leaves_one_free,
            wire::an_account_that_takes_all_it_may_does_not_starve_another,
            wire::requests_are_counted,
        ],
    }
    own_files_and_sockets {
        tries: "opens files or connections of its own",
        against: "they are not there to be imported",
        guests: [file_reader, socket_opener],
        tests: [loading::files_are_not_there, loading::sockets_are_not_there],
    }
    foreign_contract {
        tries: "bears the contract's names and speaks another one",
        against: "types are compared when it is loaded",
        guests: [foreign_contract],
        tests: [loading::a_component_of_another_contract_is_refused_by_a_sentence],
    }
    tampered_cache {
        tries: "has its compiled code changed, or exchanged for another's",
        against: "a digest over key and code, checked before anything is loaded",
        guests: [healthy, suffix_origin],
        tests: [loading::compiled_code_that_was_changed_or_exchanged_is_compiled_anew],
    }
    native_code {
        tries: "is handed in already compiled",
        against: "native code is refused from outside",
        guests: [healthy],
        tests: [loading::native_code_is_refused_whoever_made_it],
    }
}
