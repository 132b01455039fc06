// The configuration: any text gives a configuration or problems that name a line of it, never both lost, and no problem
// tells a secret.
#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <string>

#include "config/config.hpp"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

// A word that merely ends like the beginning of a key ("desk-…") is shown as it is.
bool tells(std::string_view message, std::string_view secret) {
  for (std::size_t at = message.find(secret); at != std::string_view::npos; at = message.find(secret, at + 1))
    if (at == 0 || std::isalnum(static_cast<unsigned char>(message[at - 1])) == 0) return true;
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t bytes) {
  using namespace faelled;
  const std::string_view text(reinterpret_cast<const char*>(data), bytes);
  const config::Parsed parsed = config::parse(text, "/folder");
  const auto lines = static_cast<std::size_t>(std::ranges::count(text, '\n')) + 1;
  std::size_t before = 0;
  for (const config::Problem& problem : parsed.problems) {
    require(!problem.message.empty());
    require(problem.line <= lines + 1);
    require(problem.line == 0 || problem.line >= before);
    before = std::max(before, problem.line);
    require(!config::describe(problem, "f").empty());
    for (const config::Key& key : parsed.config.keys) require(!tells(problem.message, key.secret));
  }
  if (parsed.problems.empty())
    for (const config::Model& model : parsed.config.models) require(!model.id.empty() && model.concurrency > 0);
  if (bytes % 4 != 0) return 0;  // reading it twice each time would halve what is tried
  if (const auto model = config::parse_model(text); !model) {
    require(!model.error().empty());
    for (const config::Problem& problem : model.error()) require(!problem.message.empty() && problem.line == 0);
  } else {
    require(!model->id.empty() && model->concurrency > 0);
  }
  return 0;
}
