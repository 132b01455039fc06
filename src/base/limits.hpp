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
inline constexpr auto http_idle_max = 75s;         // between requests on a kept-alive connection
inline constexpr auto http_head_max = 10s;         // first byte of a request to the end of its headers
inline constexpr auto http_body_max = 60s;         // end of headers to end of body
inline constexpr auto http_write_stall_max = 30s;  // no byte taken by the client
inline constexpr auto http_drain_max = 5s;         // SIGTERM to the last answer

// JSON edge
inline constexpr std::size_t json_depth_max = 64;
inline constexpr std::size_t chat_messages_max = 4096;
inline constexpr std::size_t stop_sequences_max = 4;
inline constexpr std::size_t logit_biases_max = 300;
inline constexpr std::uint32_t output_tokens_max = 1024 * 1024;
inline constexpr std::size_t embedding_inputs_max = 2048;
inline constexpr std::size_t choices_max = 1;  // n > 1 comes with the complete contract

// Tickets
inline constexpr std::size_t tickets_waiting_max = 4096;
inline constexpr auto ticket_wait_max = 120s;  // in line before 429
inline constexpr auto queue_full_retry_after = 10s;
inline constexpr auto engine_retry_after = 30s;
inline constexpr std::size_t engine_attempts_max = 2;  // of a request whose engine died before it said anything
inline constexpr auto engine_attempt_pause = 50ms;     // before the second; five times as long before each further one
inline constexpr auto ticket_total_max = 600s;         // admission to the last byte
inline constexpr auto keep_alive_every = 10s;          // SSE comment while nothing else is sent
inline constexpr auto engine_silence_max = 120s;       // no byte from a running engine

// Engine side
inline constexpr std::size_t upstream_head_bytes_max = 64 * 1024;
inline constexpr std::size_t upstream_body_bytes_max = 32 * 1024 * 1024;  // an answer that is not streamed
inline constexpr std::size_t sse_event_bytes_max = 1024 * 1024;
inline constexpr std::size_t upstream_idle_connections_max = 1024;
inline constexpr auto upstream_connect_max = 5s;
inline constexpr auto upstream_idle_max = 60s;

// Engine files and processes
inline constexpr std::uint32_t context_tokens_default = 4096;  // per place, where neither operator nor file says less
inline constexpr std::uint32_t engine_places_max = 256;        // slots of one llama-server
inline constexpr std::size_t unix_path_bytes_max = 107;        // sockaddr_un, without the closing zero
inline constexpr std::uint64_t gguf_header_bytes_max = 256 * 1024 * 1024;  // vocabularies are some MiB
inline constexpr std::uint64_t gguf_tensors_max = 1'000'000;
inline constexpr std::uint64_t gguf_pairs_max = 100'000;
inline constexpr std::size_t gguf_text_bytes_max = 4096;          // keys and names; longer ones are skipped
inline constexpr std::size_t engine_log_bytes_max = 1024 * 1024;  // and one older file of the same size
inline constexpr std::size_t engine_log_line_bytes_max = 1024;

// Journal and ledger
inline constexpr std::size_t journal_segment_bytes = 4 * 1024 * 1024;
inline constexpr std::size_t journal_record_bytes_max = 1024;
inline constexpr auto journal_sync_every = 50ms;
inline constexpr std::size_t journal_spare_segments = 2;  // laid out ahead, so that a burst never waits for the disk
inline constexpr std::size_t usage_cause_bytes_max = 96;
inline constexpr auto ledger_intake_every = 1s;              // journal to ledger, when nobody asks
inline constexpr std::size_t ledger_intake_rows_max = 2000;  // rows in one transaction
inline constexpr std::size_t usage_page_rows_max = 1000;

// Store
inline constexpr std::size_t store_jobs_waiting_max = 4096;
inline constexpr auto store_busy_max = 5s;

// Members, users, keys, sessions
inline constexpr std::size_t name_bytes_max = 200;
inline constexpr auto sign_in_link_max = 15min;
inline constexpr auto session_max = std::chrono::hours(12);
inline constexpr std::size_t member_id_bytes_max = 64;
inline constexpr std::size_t members_max = 10'000;
inline constexpr std::size_t users_max = 1'000'000;
inline constexpr std::size_t keys_max = 200'000;
inline constexpr std::size_t sessions_max = 200'000;
inline constexpr auto key_last_used_every = 10min;  // how coarsely "last used" is kept

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

// Page's conversations
inline constexpr std::size_t turn_text_bytes_max = 256 * 1024;
inline constexpr std::size_t prompt_text_bytes_max = 256 * 1024;
inline constexpr std::size_t turns_running_max = 1024;
inline constexpr std::size_t conversations_page_max = 200;
inline constexpr auto turn_unwatched_max = 30s;  // after its last viewer has gone

// Backups
inline constexpr std::size_t backup_heading_bytes_max = 4096;
inline constexpr std::size_t backup_chunk_bytes = 1024 * 1024;  // of a file's content in one sealed chunk
inline constexpr std::size_t passphrase_bytes_min = 12;
inline constexpr std::size_t passphrase_bytes_max = 1024;

// Doctor and support bundle
inline constexpr std::uint64_t doctor_own_memory_bytes = 512ULL * 1024 * 1024;      // the server's, at full load
inline constexpr std::uint64_t doctor_shm_bytes_min = 1024ULL * 1024 * 1024;        // what vLLM wants on several GPUs
inline constexpr std::uint64_t doctor_disk_bytes_min = 256ULL * 1024 * 1024;        // journal segments laid out ahead
inline constexpr std::uint64_t doctor_disk_bytes_low = 5ULL * 1024 * 1024 * 1024;
inline constexpr std::uint64_t doctor_own_files = 256;
inline constexpr std::int64_t doctor_backup_age_h_max = 48;
inline constexpr std::size_t doctor_output_bytes_max = 4 * 1024 * 1024;  // of nvidia-smi
inline constexpr std::size_t doctor_gpus_max = 64;
inline constexpr std::size_t support_log_bytes_max = 1024 * 1024;  // the newest of the log

}  // namespace faelled::limits
