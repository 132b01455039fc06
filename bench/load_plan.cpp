#include "bench/load_plan.hpp"

#include <algorithm>

#include "bench/posix.hpp"

namespace faelled::bench {

std::string build_request(const LoadPlan& plan) {
  std::string prompt = "You help the citizens of a municipality. ";
  if (plan.streams()) prompt += "pace_us=" + std::to_string(plan.pace_us) + " ";
  while (prompt.size() < plan.body_bytes) prompt += "When is the town hall open, and what do I bring along? ";
  std::string body = R"({"model":")" + plan.model + R"(","messages":[{"role":"system","content":"Answer briefly."},)" +
                     R"({"role":"user","content":")" + prompt.substr(0, plan.body_bytes) + R"("}],"temperature":0)";
  if (plan.streams()) {
    body += R"(,"stream":true,"stream_options":{"include_usage":true},"max_tokens":)" + std::to_string(plan.chunks);
  }
  body += "}";
  return "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer " + plan.key +
         "\r\nContent-Type: application/json\r\nAccept: */*\r\nUser-Agent: bench\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

LoadPlan read_plan(int count, char** words) {
  if (count < 2) die("bench_load closed|open|streams --port N …");
  LoadPlan plan;
  plan.mode = words[1];
  if (plan.mode != "closed" && plan.mode != "open" && !plan.streams()) die("closed, open or streams?");
  Flags flags(count, words, 2);
  plan.port = static_cast<std::uint16_t>(flags.number("port", 0));
  plan.key = flags.text("key", "sk-test0000000000000000000000000001");
  plan.model = flags.text("model", "mock");
  plan.body_bytes = flags.number("body-bytes", 1800);
  plan.seconds_max = flags.number("seconds-max", 120);
  if (plan.open_loop()) {
    plan.rate = std::max<std::uint64_t>(1, flags.number("rate", 500));
    plan.requests = plan.rate * flags.number("seconds", 10);
    plan.connections = flags.number("connections", 64);
  } else if (plan.streams()) {
    plan.connections = flags.number("streams", 64);
    plan.chunks = flags.number("chunks", 300);
    plan.pace_us = flags.number("pace-us", 10'000);
    plan.requests = plan.connections * flags.number("rounds", 1);
    plan.ramp_ns = flags.number("ramp-ms", 10) * 1'000'000;
  } else {
    plan.connections = flags.number("connections", 64);
    plan.requests = flags.number("requests", 20'000);
  }
  flags.finish();
  if (plan.port == 0 || plan.connections == 0) die("--port and at least one connection are needed");
  return plan;
}

}  // namespace faelled::bench
