// A backup's file: whatever it holds, its heading is read or refused, and nothing is unpacked that is not authentic.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "backup/archive.hpp"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t bytes) {
  using namespace faelled;
  const int fd = ::memfd_create("backup", 0);
  require(fd >= 0 && ::write(fd, data, bytes) == static_cast<ssize_t>(bytes));
  const std::string file = "/proc/self/fd/" + std::to_string(fd);
  const auto heading = backup::ArchiveReader::heading_of(file);
  if (heading && !heading->keys) {
    auto reader = backup::ArchiveReader::open(file, "");
    require(reader.has_value());
    // No chunk opens that was not sealed for this very heading, so the folder is never written to.
    require(!reader->unpack("/nonexistent"));
  }
  ::close(fd);
  return 0;
}
