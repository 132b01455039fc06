#include "node/confine.hpp"

#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <iterator>

#include "node/sandbox.hpp"

namespace faelled::node {

namespace {

#if defined(__x86_64__)
constexpr unsigned this_arch = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr unsigned this_arch = AUDIT_ARCH_AARCH64;
#else
#error "name this machine's audit architecture"
#endif

// socket() for anything but unix streams and netlink (a GPU's driver asks that one) is EACCES, and so is every
// connect(), and what calls without it: datagrams, which /dev/log and others take, and MSG_FASTOPEN. An engine listens
// and never calls, or it could be the operator on our own socket, which is the same user's. io_uring, which can open
// sockets behind this filter's back, is ENOSYS; system calls of another architecture end the process.
//
// With `calls`, connect() and TCP sockets are the parent's to decide (Child::let_call). Returns what seccomp(2) does:
// then the descriptor on which it is asked.
long deny_network(bool calls) {
  constexpr auto low_word = [](unsigned argument) {  // both machines are little-endian
    return static_cast<unsigned>(offsetof(seccomp_data, args) + 8 * argument);
  };
  constexpr unsigned socket_type_bits = 0xf;  // beside them: close-on-exec, non-blocking
  const unsigned decided = calls ? SECCOMP_RET_USER_NOTIF : SECCOMP_RET_ERRNO | EACCES;
  const sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, this_arch, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
#if defined(__x86_64__)
      BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1),  // the x32 calls
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
#endif
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_connect, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, decided),
      // Flags of what is sent: argument 3, of sendmsg 2.
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_sendto, 2, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_sendmmsg, 1, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_sendmsg, 2, 6),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, low_word(3)),
      BPF_JUMP(BPF_JMP | BPF_JA, 1, 0, 0),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, low_word(2)),
      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, MSG_FASTOPEN, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EACCES),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 2, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socketpair, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, low_word(0)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_NETLINK, 10, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_UNIX, 2, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET, 5, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET6, 4, 9),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, low_word(1)),  // of unix sockets: SOCK_RAW is a datagram's too
      BPF_STMT(BPF_ALU | BPF_AND | BPF_K, socket_type_bits),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SOCK_STREAM, 4, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SOCK_SEQPACKET, 3, 5),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, low_word(1)),
      BPF_STMT(BPF_ALU | BPF_AND | BPF_K, socket_type_bits),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SOCK_STREAM, 1, 2),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_RET | BPF_K, decided),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EACCES),
  };
  sock_fprog filter{static_cast<unsigned short>(std::size(program)), const_cast<sock_filter*>(program)};
  return ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, calls ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0UL, &filter);
}

// Of a server that runs as root an engine keeps the right to read its files, whoever owns them, where the sandbox lets
// it; all else (kernel memory in /proc/kcore, other processes, mounts, devices) goes. After no_new_privs, so that
// exec gives nothing back (capabilities(7)).
bool drop_powers() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3]{};
  if (::syscall(SYS_capget, &header, data) != 0) return false;
  constexpr unsigned kept = 1U << CAP_DAC_OVERRIDE;
  __user_cap_data_struct less[_LINUX_CAPABILITY_U32S_3]{};
  less[0].effective = data[0].effective & kept;
  less[0].permitted = data[0].permitted & kept;
  return ::syscall(SYS_capset, &header, less) == 0;
}

// Hands `fd` to the parent (unix(7), SCM_RIGHTS) and closes it.
bool hand_over(int socket, int fd) {
  char byte = 0;
  iovec data{&byte, 1};
  alignas(cmsghdr) char room[CMSG_SPACE(sizeof fd)] = {};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = room;
  message.msg_controllen = sizeof room;
  cmsghdr* head = CMSG_FIRSTHDR(&message);
  head->cmsg_level = SOL_SOCKET;
  head->cmsg_type = SCM_RIGHTS;
  head->cmsg_len = CMSG_LEN(sizeof fd);
  ::memcpy(CMSG_DATA(head), &fd, sizeof fd);
  const bool sent = ::sendmsg(socket, &message, MSG_NOSIGNAL) == 1;
  ::close(fd);
  return sent;
}

}  // namespace

ConfineStep confine(const Confinement& how, int keep_fd) {
  ::setpgid(0, 0);
  // The parent may have died before the line above; then nobody would ever send the signal.
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || ::getppid() != how.parent) return ConfineStep::parent_gone;

  // Limit 1, not 0: a core_pattern that is a pipe ignores the limit unless it is exactly 1 (core(5), fs/coredump.c).
  rlimit no_core{1, 1};
  if (::setrlimit(RLIMIT_CORE, &no_core) != 0) return ConfineStep::no_core;
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return ConfineStep::no_new_privileges;
  if (!drop_powers()) return ConfineStep::no_powers;
  if (how.sandbox_fd >= 0 && !enter_sandbox(how.sandbox_fd)) return ConfineStep::no_files;
  // Asked of the kernel last: a kernel without seccomp (EINVAL) still gets all the rest.
  if (!how.network) {
    const bool calls = how.calls_fd >= 0;
    const long denied = deny_network(calls);
    if (denied < 0 && errno != EINVAL) return ConfineStep::no_network;
    if (calls && denied >= 0 && !hand_over(how.calls_fd, static_cast<int>(denied))) return ConfineStep::no_network;
  }
  if (::chdir(how.folder) != 0) return ConfineStep::folder;

  struct sigaction as_new{};
  as_new.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) ::sigaction(number, &as_new, nullptr);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::umask(0077);

  auto close_all = [](unsigned first, unsigned last) {
    return first > last || ::syscall(SYS_close_range, first, last, 0) == 0;
  };
  auto keep = static_cast<unsigned>(keep_fd);
  if (!close_all(3, keep - 1) || !close_all(keep + 1, ~0U)) return ConfineStep::descriptors;
  return ConfineStep::none;
}

}  // namespace faelled::node
