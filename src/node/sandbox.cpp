#include "node/sandbox.hpp"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace faelled::node {
namespace {

constexpr std::uint64_t execute = LANDLOCK_ACCESS_FS_EXECUTE;
constexpr std::uint64_t read_files = LANDLOCK_ACCESS_FS_READ_FILE;
constexpr std::uint64_t read_folders = LANDLOCK_ACCESS_FS_READ_DIR;
constexpr std::uint64_t write_files = LANDLOCK_ACCESS_FS_WRITE_FILE;
constexpr std::uint64_t change_folders = LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
                                         LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
                                         LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO;
constexpr std::uint64_t never =
    LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM;
// Of later kernels; Debian 12's headers do not name them (linux/landlock.h of 6.2).
constexpr std::uint64_t refer = 1U << 13;     // version 2: to link or move between folders
constexpr std::uint64_t truncate = 1U << 14;  // version 3

std::uint64_t handled(int version) {
  std::uint64_t out = execute | read_files | read_folders | write_files | change_folders | never;
  if (version >= 2) out |= refer;
  if (version >= 3) out |= truncate;
  return out;
}

// Also of later kernels, for the network: version 4. No rule ever grants it.
constexpr std::uint64_t connect_tcp = 1U << 1;
struct RulesetOfVersion4 {
  std::uint64_t handled_access_fs;
  std::uint64_t handled_access_net;
};

// What a rule may say of a file that is no folder.
constexpr std::uint64_t of_files = execute | read_files | write_files | truncate;

bool allow(int ruleset, const std::string& path, std::uint64_t access, bool must_be_there) {
  const int fd = ::open(path.c_str(), O_PATH | O_CLOEXEC);
  if (fd < 0) return !must_be_there;
  struct stat info{};
  landlock_path_beneath_attr rule{};
  rule.parent_fd = fd;
  rule.allowed_access = ::fstat(fd, &info) == 0 && S_ISDIR(info.st_mode) ? access : access & of_files;
  const long added = ::syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
  const int cause = errno;
  ::close(fd);
  errno = cause;
  return added == 0;
}

}  // namespace

Reach system_reach() {
  // Of /etc what loaders and drivers read, for our configuration lies there too; of /proc what tells of the machine,
  // for a process's own folder holds its environment. The engine's own is added by itself.
  return {{"/usr", "/lib", "/lib64", "/bin"},
          {"/etc/ld.so.cache", "/etc/ld.so.preload", "/etc/alternatives", "/etc/localtime", "/etc/nsswitch.conf",
           "/etc/passwd", "/etc/nvidia", "/etc/OpenCL", "/etc/vulkan", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat",
           "/proc/version", "/proc/devices", "/proc/modules", "/proc/filesystems", "/proc/sys", "/proc/driver", "/sys"},
          {"/dev"}};
}

int Sandbox::version() {
  const long version = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  return version > 0 ? static_cast<int>(version) : 0;
}

Expected<std::optional<Sandbox>> Sandbox::of(const Reach& reach) {
  const int has = version();
  if (has == 0) return std::nullopt;
  const RulesetOfVersion4 wanted{handled(has), connect_tcp};
  const std::size_t known = has >= 4 ? sizeof wanted : sizeof wanted.handled_access_fs;
  const long made = ::syscall(SYS_landlock_create_ruleset, &wanted, known, 0);
  if (made < 0) return fail(Errc::io, std::string("the engine's file rules cannot be made: ") + std::strerror(errno));
  Sandbox out(::fcntl(static_cast<int>(made), F_DUPFD_CLOEXEC, 3));  // clear of the child's own three
  ::close(static_cast<int>(made));
  if (out.fd_ < 0) return fail(Errc::exhausted, "no descriptor is left for an engine's file rules");
  const Reach system = system_reach();
  const std::uint64_t all = handled(has);
  struct Grant {
    const std::vector<std::string>& paths;
    std::uint64_t access;
    bool must_be_there;
  };
  for (const Grant& grant :
       {Grant{system.runs, execute | read_files | read_folders, false},
        Grant{system.reads, read_files | read_folders, false},
        Grant{system.writes, read_files | read_folders | write_files, false},
        Grant{reach.runs, execute | read_files | read_folders, false},  // exec says it better
        Grant{reach.reads, read_files | read_folders, true}, Grant{reach.writes, (all & ~execute & ~never), true},
        Grant{reach.lists, read_folders, true}}) {
    for (const std::string& path : grant.paths)
      if (!allow(out.fd_, path, grant.access, grant.must_be_there))
        return fail(Errc::io, path + " cannot be given to the engine: " + std::strerror(errno),
                    "check that it is there");
  }
  return out;
}

Sandbox::Sandbox(Sandbox&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
Sandbox::~Sandbox() {
  if (fd_ >= 0) ::close(fd_);
}

bool enter_sandbox(int fd) {
  landlock_path_beneath_attr own{};
  own.allowed_access = read_files | read_folders;
  own.parent_fd = ::open("/proc/self", O_PATH | O_CLOEXEC);
  if (own.parent_fd >= 0) {
    ::syscall(SYS_landlock_add_rule, fd, LANDLOCK_RULE_PATH_BENEATH, &own, 0);
    ::close(own.parent_fd);
  }
  return ::syscall(SYS_landlock_restrict_self, fd, 0) == 0;
}

}  // namespace faelled::node
