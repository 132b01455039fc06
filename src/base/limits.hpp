// Every bound of Fælled by name, with its unit. A full queue refuses; it does not grow (house style, rule 8).
// Those an operator may set have their default here and their key in docs/configuration.md.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace faelled::limits {

using namespace std::chrono_literals;

// HTTP server
inline constexpr std::size_t http_target_bytes_max = 8 * 1024;
inline constexpr std::size_t http_header_bytes_max = 32 * 1024;  // all header lines of one message together
inline constexpr std::size_t http_headers_max = 100;
inline constexpr std::size_t http_body_bytes_max = 8 * 1024 * 1024;
inline constexpr std::size_t http_connections_max = 10'000;
inline constexpr std::size_t http_pipelined_bytes_max = 64 * 1024;     // read ahead while an answer is under way
inline constexpr std::size_t http_unsent_bytes_max = 2 * 1024 * 1024;  // answer bytes a slow client may leave unread
inline constexpr std::size_t http_buffered_bytes_max = 512 * 1024 * 1024;  // of all connections together
inline constexpr std::size_t http_always_served_bytes = 64 * 1024;  // of one connection, however much others hold
inline constexpr auto http_idle_max = 75s;                          // between requests on a kept-alive connection
inline constexpr auto http_head_max = 10s;                          // first byte of a request to the end of its headers
inline constexpr auto http_body_max = 60s;                          // end of headers to end of body
inline constexpr auto http_write_stall_max = 30s;                   // no byte taken by the client
inline constexpr auto http_drain_max = 5s;                          // SIGTERM to the last answer
inline constexpr auto refusals_log_every = 60s;  // one address's wrong keys or handshakes: a line each
inline constexpr std::size_t refusals_addresses_max = 1024;

// TLS
inline constexpr auto tls_handshake_max = 10s;  // accepted to open
inline constexpr auto tls_look_every = 1s;      // at the files of certificate, key and authorities
inline constexpr std::size_t tls_file_bytes_max = 1024 * 1024;
inline constexpr std::size_t tls_idle_bytes_max = 4 * 1024;      // of each direction, kept by a quiet connection
inline constexpr std::size_t tls_unsent_bytes_max = 256 * 1024;  // records that wait for the wire
inline constexpr std::size_t tls_write_bytes_max = 16 * 1024;    // plain text put into a record at once
inline constexpr std::size_t certificate_chain_max = 8;
inline constexpr std::size_t certificate_list_bytes_max = 64 * 1024;  // what the other side may show
inline constexpr std::size_t certificate_authorities_max = 1000;
inline constexpr std::size_t certificate_names_max = 64;
inline constexpr std::size_t certificate_name_bytes_max = 512;

// JSON edge
inline constexpr std::size_t json_depth_max = 64;
inline constexpr std::size_t chat_messages_max = 4096;
inline constexpr std::size_t stop_sequences_max = 4;
inline constexpr std::size_t logit_biases_max = 300;
inline constexpr std::uint32_t output_tokens_max = 1024 * 1024;
inline constexpr std::size_t embedding_inputs_max = 2048;
inline constexpr std::size_t choices_max = 8;  // of one request: n times its prompts
inline constexpr std::uint32_t top_logprobs_max = 20;
inline constexpr std::uint32_t dimensions_max = 65536;
inline constexpr std::size_t rerank_documents_max = 1000;
inline constexpr std::size_t tools_max = 128;
inline constexpr std::size_t tools_bytes_max = 256 * 1024;  // all definitions together
inline constexpr std::size_t tool_name_bytes_max = 128;
inline constexpr std::size_t tool_calls_max = 128;  // of one message
inline constexpr std::size_t metadata_pairs_max = 16;
inline constexpr std::size_t metadata_name_bytes_max = 4 * 64 + 2;    // as JSON; 64 characters
inline constexpr std::size_t metadata_value_bytes_max = 6 * 512 + 2;  // as JSON; 512 characters, escapes and all
inline constexpr std::size_t echoed_field_bytes_max = 64 * 1024;      // of a request that /v1/responses says again

// A client's JSON schema: engines make a grammar of it, on the thread that serves everybody
inline constexpr std::size_t schema_bytes_max = 64 * 1024;
inline constexpr std::size_t schema_depth_max = 16;           // schemas within schemas
inline constexpr std::size_t schema_nodes_max = 2000;         // schemas, each counted once per type it may have
inline constexpr std::size_t schema_union_depth_max = 6;      // anyOf, oneOf, allOf and $ref right within each other
inline constexpr std::size_t schema_unions_max = 5000;        // steps to follow every anyOf, oneOf, allOf and $ref
inline constexpr std::size_t schema_properties_max = 200;     // of one object
inline constexpr std::size_t schema_references_max = 100;     // different ones
inline constexpr std::size_t schema_enum_values_max = 1000;   // of one enum
inline constexpr std::size_t schema_pattern_bytes_max = 256;  // a regular expression
inline constexpr std::int64_t schema_repetitions_max = 2000;  // minLength, maxItems, …

// Tickets
inline constexpr std::size_t tickets_waiting_max = 4096;
inline constexpr std::size_t residency_events_max = 2'000;  // kept to be shown
inline constexpr auto ticket_wait_max = 120s;               // in line before 429
inline constexpr auto queue_full_retry_after = 10s;
inline constexpr auto engine_retry_after = 30s;
inline constexpr std::size_t engine_attempts_max = 2;  // of a request whose engine died before it said anything
inline constexpr auto engine_attempt_pause = 50ms;     // before the second; five times as long before each further one
inline constexpr auto ticket_total_max = 600s;         // first place to the last byte
inline constexpr auto keep_alive_every = 10s;          // SSE comment while nothing else is sent
inline constexpr auto engine_silence_max = 120s;       // no byte from a running engine
inline constexpr auto standing_every = 1s;             // so soon an answer ends whose key or user was stopped

// Engine side
inline constexpr std::size_t upstream_head_bytes_max = 64 * 1024;
inline constexpr std::size_t upstream_body_bytes_max = 32 * 1024 * 1024;  // an answer that is not streamed
inline constexpr std::size_t sse_event_bytes_max = 1024 * 1024;
inline constexpr std::size_t upstream_idle_connections_max = 1024;
inline constexpr auto upstream_connect_max = 5s;
inline constexpr auto upstream_idle_max = 60s;

// The catalogue
inline constexpr std::size_t models_max = 1'000'000;
inline constexpr std::size_t adapters_max = 64;                 // of one model
inline constexpr std::size_t adapter_members_max = 100;         // that one is for
inline constexpr std::size_t adapter_rank_max = 512;            // that vLLM knows
inline constexpr std::size_t definition_bytes_max = 64 * 1024;  // of one model that was added at run time
inline constexpr std::size_t models_page_rows_max = 1000;
inline constexpr std::size_t models_page_searched_max = 100'000;  // looked at for one page

// Engine files and processes
inline constexpr std::uint32_t context_tokens_default = 4096;  // per place, where neither operator nor file says less
inline constexpr std::uint32_t engine_places_max = 256;        // slots of one llama-server
inline constexpr std::size_t unix_path_bytes_max = 107;        // sockaddr_un, without the closing zero
// Of models as they are, the largest have some 20 MiB of header: 300,000 tokens with their scores and kinds, and
// 600,000 merges. An engine takes up to 250 bytes for each value that a header lists, and the square of pairs and
// tensors in time.
inline constexpr std::uint64_t gguf_header_bytes_max = 64 * 1024 * 1024;
inline constexpr std::uint64_t gguf_values_max = 4'000'000;  // of all lists together
inline constexpr std::uint64_t gguf_tensors_max = 100'000;   // some ten thousand where each expert has its own
inline constexpr std::uint64_t gguf_pairs_max = 10'000;      // some hundred
inline constexpr std::size_t gguf_text_bytes_max = 4096;     // keys and names; longer ones are skipped
inline constexpr std::uint64_t safetensors_header_bytes_max = 16 * 1024 * 1024;  // of one file; some 100 a tensor
inline constexpr std::size_t safetensors_tensors_max = 200'000;
inline constexpr std::size_t model_shards_max = 1000;
inline constexpr std::size_t model_config_bytes_max = 1024 * 1024;      // config.json
inline constexpr std::size_t model_index_bytes_max = 32 * 1024 * 1024;  // where each tensor lies; tokenizer_config.json
inline constexpr std::uint64_t vllm_own_bytes = 2ULL << 30U;      // Python, torch and what a pass needs; as measured
inline constexpr std::uint64_t vllm_gpu_own_bytes = 5ULL << 29U;  // on a GPU: its context, graphs and a pass; a guess
inline constexpr std::size_t gpus_max = 64;                       // of one machine, parts of divided ones alike
inline constexpr unsigned gpu_processes_max = 4096;
inline constexpr std::uint64_t gpu_reserve_bytes = 256ULL << 20U;  // or a fiftieth: what nobody counts
inline constexpr std::size_t engine_log_bytes_max = 1024 * 1024;   // and one older file of the same size
inline constexpr std::size_t engine_log_line_bytes_max = 1024;

// Journal and ledger
inline constexpr std::size_t journal_segment_bytes = 4 * 1024 * 1024;
inline constexpr std::size_t journal_record_bytes_max = 1024;
inline constexpr auto journal_sync_every = 50ms;
inline constexpr std::size_t journal_spare_segments = 2;  // laid out ahead, so that a burst never waits for the disk
inline constexpr std::size_t usage_cause_bytes_max = 96;
inline constexpr auto ledger_intake_every = 1s;               // journal to ledger, when nobody asks
inline constexpr std::size_t ledger_intake_rows_max = 2000;   // rows in one transaction
inline constexpr std::size_t ledger_intake_batches_max = 10;  // in one go, when nobody asks
inline constexpr std::size_t usage_hours_max = 20'000;        // sums by hour and model in one answer
inline constexpr auto usage_hours_span_max = std::chrono::days(32);
inline constexpr std::size_t usage_page_rows_max = 1000;

// Store
inline constexpr std::size_t store_jobs_waiting_max = 4096;
inline constexpr auto store_busy_max = 5s;
inline constexpr auto store_connect_max = 3s;       // PostgreSQL: from the first packet to a session
inline constexpr auto store_statement_max = 10s;    // then PostgreSQL gives a statement up
inline constexpr auto store_answer_max = 12s;       // and then we give the connection up
inline constexpr auto store_reconnect_min = 100ms;  // between attempts while the database is away; doubles
inline constexpr auto store_reconnect_max = 2s;
inline constexpr auto store_start_wait_max = 60s;            // at start, for a database that is still starting
inline constexpr auto store_follow_every = 1s;               // how soon changes made by another server count here
inline constexpr std::size_t store_changes_read_max = 1000;  // taken in at once; more: all is read again
inline constexpr auto store_changes_kept = std::chrono::days(7);

// Members, users, keys, sessions
inline constexpr std::size_t name_bytes_max = 200;
inline constexpr auto sign_in_link_max = 15min;
inline constexpr auto session_max = std::chrono::hours(12);
inline constexpr std::size_t member_id_bytes_max = 64;
inline constexpr std::size_t members_max = 10'000;
inline constexpr std::size_t users_max = 1'000'000;
inline constexpr std::size_t keys_max = 200'000;
inline constexpr std::size_t sessions_max = 200'000;
inline constexpr auto key_last_used_every = 10min;   // how coarsely "last used" is kept
inline constexpr std::size_t email_bytes_max = 254;  // RFC 5321 section 4.5.3.1.3, without the brackets
inline constexpr std::size_t external_id_bytes_max = 200;
inline constexpr std::size_t contact_bytes_max = 500;
inline constexpr std::size_t allowed_models_max = 500;  // named in one policy or key
inline constexpr std::uint32_t policy_days_max = 3650;
inline constexpr auto clocks_apart_max = 10min;  // how far ahead of ours a browser's clock may reckon a longest life
inline constexpr auto key_overlap_max = std::chrono::days(90);  // a rotated key may go on for so long
inline constexpr auto key_overlap_default = std::chrono::days(7);
inline constexpr std::size_t people_page_rows_max = 500;  // users, keys

// Agreements
inline constexpr std::uint32_t share_max = 1'000'000;
inline constexpr std::uint32_t member_places_max = 100'000;  // of one member at once
inline constexpr std::uint32_t agreement_wait_s_max = 3600;
inline constexpr std::int64_t fee_ore_max = 100'000'000'000;  // of a month
inline constexpr std::uint32_t inhabitants_max = 100'000'000;
inline constexpr std::size_t tiers_max = 100;
inline constexpr std::size_t size_bands_max = 50;                // of one table
inline constexpr std::size_t agreements_of_member_max = 20;      // that are not over
inline constexpr std::size_t agreements_in_one_go_max = 20'000;  // in one file or call
inline constexpr std::size_t agreements_file_bytes_max = 8 * 1024 * 1024;
inline constexpr std::size_t agreements_page_rows_max = 500;
inline constexpr std::size_t agreement_problems_max = 50;        // nobody mends more in one go
inline constexpr std::size_t suspension_reason_bytes_max = 500;  // of one language

// Audit
inline constexpr std::size_t acts_waiting_max = 1024;
inline constexpr std::size_t audit_page_rows_max = 1000;
inline constexpr std::size_t refusals_written_max = 20;  // of one actor in refusals_counted_for; the rest is counted
inline constexpr auto refusals_counted_for = 1min;
inline constexpr std::size_t refusing_actors_max = 1000;

// Decision log
inline constexpr auto decisions_write_every = 100ms;
inline constexpr std::size_t decisions_batch_bytes = 64 * 1024;              // written before that time
inline constexpr std::size_t decisions_waiting_bytes_max = 8 * 1024 * 1024;  // while the disk takes nothing
inline constexpr std::size_t decisions_file_bytes_max = 64 * 1024 * 1024;
inline constexpr std::uint64_t decisions_bytes_max = 16ULL * 1024 * 1024 * 1024;  // of all files; the oldest go
inline constexpr auto decisions_days_max = std::chrono::days(100);
inline constexpr std::size_t decisions_findings_max = 100;            // of one kind in one file, told by name
inline constexpr std::size_t decisions_read_bytes_max = 1ULL << 30U;  // of one file, by a replay
// A server's check of its own log
inline constexpr std::uint64_t decisions_check_bytes_max = 8ULL << 30U;  // the newest of it
inline constexpr auto decisions_check_first_after = 10min;
inline constexpr auto decisions_check_every = 24h;
inline constexpr std::size_t decisions_check_faults_told_max = 3;  // on the page; the rest is counted
inline constexpr std::size_t decisions_check_fault_bytes_max = 300;

// Housekeeping
inline constexpr auto housekeeping_every = 1min;
inline constexpr auto housekeeping_goes_on_after = 1s;  // where one run did not get through
inline constexpr std::size_t retention_rows_max = 500;  // conversations erased in one run, of all members together

// Front ends that speak for many people, and keys brought in from another gateway
inline constexpr std::size_t front_ends_max = 64;
inline constexpr std::size_t front_end_rules_max = 10'000;          // of one front end
inline constexpr std::size_t front_end_token_bytes_max = 4096;      // Open WebUI's are some 400
inline constexpr std::size_t front_end_secret_bytes_min = 32;       // RFC 7518 section 3.2: as long as the hash
inline constexpr std::size_t front_end_claims_max = 64;             // of one token; further ones are not looked at
inline constexpr std::size_t front_end_groups_max = 256;            // of one person
inline constexpr std::size_t front_end_subject_bytes_max = 256;     // what a front end calls a person
inline constexpr std::size_t front_end_member_users_max = 100'000;  // people of one member made on first sight
inline constexpr auto front_end_clock_skew = 30s;                   // between a front end's clock and ours
inline constexpr auto front_end_token_life_max = 15min;             // Open WebUI's live 5
inline constexpr std::size_t key_file_bytes_max = 64 * 1024 * 1024;
inline constexpr std::size_t key_import_rows_max = 20'000;  // keys in one import
inline constexpr auto waiting_note_after = 1s;              // before a place in line is told, and between two notes

// Model files that are fetched
inline constexpr std::size_t fetch_redirects_max = 5;
inline constexpr std::size_t fetch_url_bytes_max = 2000;
inline constexpr std::uint64_t fetch_file_bytes_max = 4'000'000'000'000;
inline constexpr auto fetch_connect_max = 15s;
inline constexpr auto fetch_stall_max = 30s;                 // below a kilobyte a second
inline constexpr auto fetch_question_max = 20s;              // one question about a source, before it is fetched
inline constexpr std::size_t fetch_questions_max = 64;       // to read the header of a file that is not here yet
inline constexpr std::uint64_t fetch_piece_bytes = 1 << 20;  // of a file's beginning, with each question
inline constexpr auto fetch_retry_first = 2s;                // doubles with each try that brought nothing
inline constexpr auto fetch_retry_most = 10min;
inline constexpr std::size_t fetch_tries_max = 20;  // in a row that brought nothing; some two hours

// What operators tell everybody, and what they are told
inline constexpr std::size_t notices_max = 50;
inline constexpr std::size_t notice_bytes_max = 1000;             // of one language
inline constexpr auto incident_shown_for = std::chrono::days(7);  // after it was over
inline constexpr auto maintenance_retry_after = 60s;              // where nobody said until when
inline constexpr std::uint64_t disk_low_bytes = 5'000'000'000;    // as in deploy/prometheus
inline constexpr std::uint64_t disk_full_bytes = 256'000'000;
inline constexpr auto backup_age_max = std::chrono::hours(48);
inline constexpr auto certificate_soon = std::chrono::days(21);
inline constexpr auto certificate_now = std::chrono::days(3);
inline constexpr auto readings_kept = 10s;  // of disk and backup: so often at most they are looked at
inline constexpr std::size_t data_files_counted_max = 100'000;
inline constexpr std::size_t engine_log_tail_bytes_max = 64 * 1024;
inline constexpr std::size_t residency_page_rows_max = 500;  // of what came into a memory and went
inline constexpr std::size_t state_file_bytes_max = 4096;

// Page's conversations
inline constexpr std::size_t turn_text_bytes_max = 256 * 1024;
inline constexpr std::size_t prompt_text_bytes_max = 256 * 1024;
inline constexpr std::size_t turns_running_max = 1024;
inline constexpr std::size_t conversations_page_max = 200;
// All of one is read for each further question, and for its page.
inline constexpr std::size_t conversation_messages_max = 4096;
inline constexpr std::size_t conversation_bytes_max = 16 * 1024 * 1024;
inline constexpr auto conversation_undo_max = 10min;  // a deleted one can come back so long
inline constexpr auto conversation_erase_every = 1min;
inline constexpr std::size_t search_query_bytes_max = 200;
inline constexpr std::size_t search_words_max = 8;
inline constexpr std::size_t search_slice_conversations = 50;  // looked through in one job of the store's thread
inline constexpr std::size_t search_conversations_max = 5'000;
inline constexpr std::size_t search_bytes_max = 64 * 1024 * 1024;
inline constexpr std::size_t search_found_max = 50;
inline constexpr std::size_t rating_reason_bytes_max = 500;
inline constexpr auto turn_unwatched_max = 30s;  // after its last viewer has gone

// Backups
inline constexpr std::size_t backup_heading_bytes_max = 4096;
inline constexpr std::size_t backup_chunk_bytes = 1024 * 1024;  // of a file's content in one sealed chunk
inline constexpr std::size_t passphrase_bytes_min = 12;
inline constexpr std::size_t passphrase_bytes_max = 1024;

// Doctor and support bundle
inline constexpr std::uint64_t doctor_own_memory_bytes = 512ULL * 1024 * 1024;  // the server's, at full load
inline constexpr std::uint64_t doctor_shm_bytes_min = 1024ULL * 1024 * 1024;    // what vLLM wants on several GPUs
inline constexpr std::uint64_t doctor_disk_bytes_min = 256ULL * 1024 * 1024;    // journal segments laid out ahead
inline constexpr std::uint64_t doctor_disk_bytes_low = 5ULL * 1024 * 1024 * 1024;
inline constexpr std::uint64_t doctor_own_files = 256;
inline constexpr std::int64_t doctor_backup_age_h_max = 48;
inline constexpr std::size_t doctor_output_bytes_max = 4 * 1024 * 1024;  // of nvidia-smi
inline constexpr std::size_t doctor_gpus_max = 64;
inline constexpr std::size_t support_log_bytes_max = 1024 * 1024;  // the newest of the log

// Simulation
inline constexpr std::size_t sim_requests_max = 10'000'000;  // of one trace
inline constexpr std::size_t sim_file_bytes_max = 1024 * 1024 * 1024;
inline constexpr double sim_time_s_max = 1e8;  // some three years
inline constexpr std::uint32_t sim_tokens_max = 10'000'000;
inline constexpr std::size_t what_if_rows_max = 20'000;      // of the ledger, for one question of the portal
inline constexpr std::size_t what_if_requests_max = 60'000;  // played once they are multiplied
inline constexpr std::uint32_t what_if_users_max = 10'000;
inline constexpr double what_if_factor_max = 100;

}  // namespace faelled::limits
