#include "watching.hpp"

#include <unistd.h>

#include <iostream>
#include <optional>
#include <thread>

#include "complain.hpp"

namespace faelled::app {
namespace {

constexpr auto look_every = std::chrono::seconds(1);
constexpr const char* home_and_clear = "\x1b[H\x1b[J";  // ECMA-48: the cursor's place, then all behind it

}  // namespace

int watch(const Watching& watching, bool terminal, std::ostream& out, const std::function<bool()>& again) {
  std::optional<std::string> before;
  do {
    const auto answer = watching.look();
    if (!answer) return complain(answer.error());
    std::string standing = watching.standing_of(*answer);
    if (terminal) {
      out << home_and_clear << watching.show(*answer);
    } else if (before != standing) {
      out << (before ? "\n" : "") << watching.show(*answer);
    }
    before = std::move(standing);
    if (!out.flush()) return 1;  // whoever read it has gone
  } while (again());
  return 0;
}

int watch(const Watching& watching) {
  return watch(watching, ::isatty(STDOUT_FILENO) == 1, std::cout, [] {
    std::this_thread::sleep_for(look_every);
    return true;
  });
}

}  // namespace faelled::app
