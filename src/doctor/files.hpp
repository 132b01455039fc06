// What lies in the data folder and beside the configuration: rights, master key, last backup. Blocking; a command's
// thread.
#pragma once

#include <filesystem>

#include "base/clock.hpp"
#include "doctor/finding.hpp"

namespace faelled::doctor {

Finding configuration(const std::filesystem::path& file, bool holds_secrets);
Finding data_folder(const std::filesystem::path& data);
// `elsewhere`: the rows lie in a database, and not in DATA.
Finding master_key(const std::filesystem::path& data, bool elsewhere = false);
// From DATA/last_backup.json, which 'faelled backup' writes.
Finding last_backup(const std::filesystem::path& data, WallTime now);

}  // namespace faelled::doctor
