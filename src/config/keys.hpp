// Every key the file may hold, by section: the one table that reading, "did you mean" and the documentation are held to
// (tests/lint checks that docs/configuration.md has a row for each). Private to config.
#pragma once

#include <array>
#include <span>
#include <string_view>

namespace faelled::config {

using Keys = std::span<const std::string_view>;

namespace keys {

inline constexpr auto top =
    std::to_array<std::string_view>({"listen", "tls", "trusted_proxies", "public_url", "data", "store",
                                     "store_password_file", "store_ca_file", "members", "users", "keys", "front_ends",
                                     "llama_server", "vllm", "models", "downloads", "residency", "limits", "log"});
inline constexpr auto tls =
    std::to_array<std::string_view>({"listen", "certificate", "key", "client_ca", "client_certificates"});
inline constexpr auto trusted_proxies = std::to_array<std::string_view>({"address", "certificate"});
inline constexpr auto members = std::to_array<std::string_view>({"id", "name"});
inline constexpr auto users = std::to_array<std::string_view>({"member", "name"});
inline constexpr auto keys = std::to_array<std::string_view>({"member", "name", "user", "secret", "show_waiting"});
inline constexpr auto front_ends = std::to_array<std::string_view>(
    {"name", "key", "certificate", "token", "groups_header", "without_person", "keep", "members", "default_member"});
inline constexpr auto front_end_key = std::to_array<std::string_view>({"member", "name"});
inline constexpr auto front_end_token =
    std::to_array<std::string_view>({"secret_file", "header", "issuer", "clock_skew_s"});
inline constexpr auto front_end_members =
    std::to_array<std::string_view>({"email_domain", "group", "claim", "value", "member"});
inline constexpr auto models = std::to_array<std::string_view>({"id",
                                                                "name",
                                                                "engine",
                                                                "file",
                                                                "source",
                                                                "sha256",
                                                                "folder",
                                                                "url",
                                                                "upstream_model",
                                                                "api_key_file",
                                                                "ca_file",
                                                                "certificate_file",
                                                                "key_file",
                                                                "members",
                                                                "concurrency",
                                                                "context_tokens",
                                                                "threads",
                                                                "chat_template_file",
                                                                "device",
                                                                "copies",
                                                                "tool_parser",
                                                                "stop",
                                                                "aliases",
                                                                "adapters",
                                                                "adapters_max",
                                                                "adapters_rank",
                                                                "adapters_folder",
                                                                "embeddings",
                                                                "rerank",
                                                                "shorter_vectors",
                                                                "demo",
                                                                "pinned",
                                                                "card"});
inline constexpr auto aliases = std::to_array<std::string_view>({"name", "lane", "listed"});
inline constexpr auto adapters =
    std::to_array<std::string_view>({"name", "file", "folder", "members", "aliases", "card"});
inline constexpr auto card = std::to_array<std::string_view>({"da", "en"});
inline constexpr auto card_text = std::to_array<std::string_view>({"summary", "good_for", "where"});
inline constexpr auto downloads =
    std::to_array<std::string_view>({"hub", "token_file", "ca_file", "offline", "keep_free_gb", "rate_mb_s"});
inline constexpr auto residency =
    std::to_array<std::string_view>({"memory_gb", "turn_s", "promise_s", "unused_after_s", "idle_w", "load_w", "wait_w",
                                     "patience_s", "warm", "sleep", "gpu_groups"});
inline constexpr auto limits = std::to_array<std::string_view>(
    {"wait_s", "total_s", "silence_s", "keep_alive_s", "connect_s", "handshake_s", "idle_s", "head_s", "body_s",
     "write_stall_s", "drain_s", "body_mib", "connections", "waiting"});
inline constexpr auto log = std::to_array<std::string_view>({"level", "file"});

}  // namespace keys

}  // namespace faelled::config
