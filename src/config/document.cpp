#include "config/document.hpp"

#include <yaml-cpp/eventhandler.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <sstream>
#include <system_error>

#include "base/whole_file.hpp"

namespace faelled::config {
namespace fs = std::filesystem;
namespace {

constexpr int documents_max = 100;  // empty ones, before we stop looking

// Where the first thing of a document stands.
class Beginning : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark&) override { at.reset(); }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { note(mark); }
  void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t, const std::string&) override { note(mark); }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {
    note(mark);
  }
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {
    note(mark);
  }
  void OnMapEnd() override {}

  std::optional<YAML::Mark> at;

 private:
  void note(const YAML::Mark& mark) {
    if (!at) at = mark;
  }
};

// YAML::Load reads one document and is silent about the rest; YAML::LoadAll never ends on a stray '}'.
std::optional<YAML::Mark> second_document(std::string_view text) {
  std::istringstream in{std::string(text)};
  YAML::Parser parser(in);
  Beginning document;
  if (!parser.HandleNextDocument(document)) return std::nullopt;
  for (int i = 1; i < documents_max && parser.HandleNextDocument(document); ++i)
    if (document.at) return document.at;
  return std::nullopt;
}

}  // namespace

Expected<std::string> read_text(const fs::path& path, const char* absent_hint) {
  std::error_code error;
  if (fs::is_directory(path, error)) {
    return fail(Errc::invalid, path.string() + " is a folder", "name the YAML file in it");
  }
  auto text = read_whole(path);
  if (!text) {
    const int cause = errno;
    return fail(cause == ENOENT ? Errc::not_found : Errc::io,
                path.string() + " cannot be read: " + std::strerror(cause),
                cause == ENOENT ? absent_hint : "let the user that starts faelled read it");
  }
  return std::move(*text);
}

void read_tree(std::string_view text, Problems& problems, const std::function<void(const YAML::Node&)>& read,
               std::size_t bytes_max) {
  if (text.size() > bytes_max)
    return problems.add(YAML::Mark::null_mark(), "the file is " + std::to_string(text.size()) + " bytes long",
                        "at most " + std::to_string(bytes_max) + " are allowed");
  try {
    read(YAML::Load(std::string(text)));
    if (const auto second = second_document(text))
      problems.add(*second, "a second document begins here; nothing of it would be read",
                   "a file is one document: write it into the first, without '---', or take it away");
  } catch (const YAML::Exception& error) {
    problems.add(error.mark, "this is no YAML: " + error.msg, "check the indentation, colons and quotes on this line");
  }
}

std::string describe(const std::vector<Problem>& problems, const fs::path& path) {
  std::string all;
  for (const Problem& problem : problems) all += (all.empty() ? "" : "\n") + describe(problem, path.string());
  return all;
}

}  // namespace faelled::config
