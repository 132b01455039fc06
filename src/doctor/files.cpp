#include "doctor/files.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>

#include "base/limits.hpp"
#include "base/whole_file.hpp"
#include "json/document.hpp"
#include "json/fields.hpp"

namespace faelled::doctor {
namespace {

namespace fs = std::filesystem;
using enum Verdict;

std::optional<unsigned> rights_of(const fs::path& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return std::nullopt;
  return info.st_mode & 0777U;
}

}  // namespace

Finding configuration(const fs::path& file, bool holds_secrets) {
  const auto rights = rights_of(file);
  if (!rights) return {"configuration", bad, file.string() + " cannot be read", "check the name and the rights"};
  if (holds_secrets && (*rights & 077U) != 0)
    return {"configuration", warn, file.string() + " holds keys and can be read by others than its owner",
            "run: chmod 600 " + file.string() + "; better, make keys with 'faelled key add' and leave them out"};
  return {"configuration", good, file.string() + " is in order", {}};
}

Finding data_folder(const fs::path& data) {
  const auto rights = rights_of(data);
  if (!rights) return {"data", note, data.string() + " is not there yet; the first start makes it", {}};
  if (::access(data.c_str(), R_OK | W_OK | X_OK) != 0)
    return {"data", bad, data.string() + ": " + std::strerror(errno),
            "run this as the server's user, or give it the right"};
  if ((*rights & 077U) != 0)
    return {"data", warn, data.string() + " can be opened by others than its owner", "run: chmod 700 " + data.string()};
  return {"data", good, data.string() + " is the server's own", {}};
}

Finding master_key(const fs::path& data, bool elsewhere) {
  const fs::path file = data / "master.key";
  const auto rights = rights_of(file);
  if (!rights && rights_of(data / "faelled.db"))
    return {"master key", bad, file.string() + " is missing: no conversation can be opened",
            "restore it from the backup; without it they cannot be read by anyone"};
  if (!rights && elsewhere)
    return {"master key", warn, file.string() + " is not there, as before the very first start",
            "where this database has conversations, restore it from the backup: no server starts without it"};
  if (!rights) return {"master key", note, "the first start makes it", {}};
  if ((*rights & 077U) != 0)
    return {"master key", bad, file.string() + " can be read by others than its owner",
            "run: chmod 600 " + file.string()};
  return {"master key", good, "there, for the server's user alone", {}};
}

Finding last_backup(const fs::path& data, WallTime now) {
  constexpr const char* mend =
      "run: faelled backup FILE --passphrase-file …, every night; keep file and passphrase apart";
  const std::string text = read_whole(data / "last_backup.json").value_or("");
  json::Document document;
  std::optional<std::int64_t> made_at_s;
  if (auto root = document.parse(text)) {
    const auto at = root->find("made_at_s");
    if (at) made_at_s = at->integer();
  }
  if (!made_at_s)
    return {"backup", rights_of(data / "faelled.db") ? warn : note, "none was ever made of this folder", mend};
  const auto age_h = (unix_seconds(now) - *made_at_s) / 3600;
  if (age_h > limits::doctor_backup_age_h_max)
    return {"backup", warn, fmt::format("the last one is {} days old", age_h / 24), mend};
  return {"backup", good, fmt::format("the last one is {} hours old", age_h), {}};
}

}  // namespace faelled::doctor
