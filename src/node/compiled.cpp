#include "node/compiled.hpp"

#include <fmt/format.h>

#include <system_error>

#include "base/folder.hpp"
#include "crypto/digest.hpp"

namespace faelled::node {

namespace fs = std::filesystem;

std::string compiled_folder(const std::string& root, const engines::ModelSettings& model) {
  constexpr std::size_t name_chars = 24;
  std::string of = model.id;
  for (const std::string& part : {model.vllm, model.folder}) of.append(1, '\0').append(part);
  return fmt::format("{}/{}", root, crypto::hex(crypto::sha256(of)).substr(0, name_chars));
}

Expected<void> use_compiled(const std::string& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (!error) fs::permissions(folder, fs::perms::owner_all, error);
  if (!error) fs::last_write_time(folder, fs::file_time_type::clock::now(), error);
  if (!error) return {};
  return fail(Errc::io, fmt::format("folder {}: {}", folder, error.message()),
              "make the data folder writable for the server's user");
}

void forget_compiled(const std::string& root, fs::file_time_type before) {
  std::error_code error;
  for (const auto& entry : entries_of(root)) {
    const auto used = fs::last_write_time(entry.path(), error);
    if (!error && used < before) fs::remove_all(entry.path(), error);
  }
}

}  // namespace faelled::node
