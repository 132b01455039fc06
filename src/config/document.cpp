#include "config/document.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <system_error>

namespace faelled::config {
namespace fs = std::filesystem;

Expected<std::string> read_text(const fs::path& path, const char* absent_hint) {
  std::error_code error;
  if (fs::is_directory(path, error)) {
    return fail(Errc::invalid, path.string() + " is a folder", "name the YAML file in it");
  }
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    const int cause = errno;
    return fail(cause == ENOENT ? Errc::not_found : Errc::io,
                path.string() + " cannot be read: " + std::strerror(cause),
                cause == ENOENT ? absent_hint : "let the user that starts faelled read it");
  }
  return std::string(std::istreambuf_iterator<char>(in), {});
}

void read_tree(std::string_view text, Problems& problems, const std::function<void(const YAML::Node&)>& read,
               std::size_t bytes_max) {
  if (text.size() > bytes_max)
    return problems.add(YAML::Mark::null_mark(), "the file is " + std::to_string(text.size()) + " bytes long",
                        "at most " + std::to_string(bytes_max) + " are allowed");
  try {
    read(YAML::Load(std::string(text)));
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
