// Log: one JSON object per line, for people who operate and machines that collect. Fields are named here by the caller;
// no prompt, answer, key or header value is ever one of them (tests/e2e looks for canaries). Owned by main(), passed
// in; any thread may write.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "base/error.hpp"

namespace faelled::observe {

enum class Level : std::uint8_t { debug, info, warn, error };

struct Field {
  std::string_view name;
  std::variant<std::string_view, std::int64_t, bool> value;
  Field(std::string_view n, std::string_view v) : name(n), value(v) {}
  Field(std::string_view n, const std::string& v) : name(n), value(std::string_view(v)) {}
  Field(std::string_view n, const char* v) : name(n), value(std::string_view(v)) {}
  Field(std::string_view n, bool v) : name(n), value(v) {}
  template <std::integral I>
    requires(!std::same_as<I, bool>)
  Field(std::string_view n, I v) : name(n), value(static_cast<std::int64_t>(v)) {}
};

class Log {
 public:
  // `file` empty: standard error. Errors: io, with the path.
  static Expected<std::unique_ptr<Log>> open(const std::string& file, Level least);
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  void write(Level level, std::string_view message, std::initializer_list<Field> fields = {});
  void debug(std::string_view message, std::initializer_list<Field> fields = {}) {
    write(Level::debug, message, fields);
  }
  void info(std::string_view message, std::initializer_list<Field> fields = {}) { write(Level::info, message, fields); }
  void warn(std::string_view message, std::initializer_list<Field> fields = {}) { write(Level::warn, message, fields); }
  void error(std::string_view message, std::initializer_list<Field> fields = {}) {
    write(Level::error, message, fields);
  }

 private:
  struct Impl;
  explicit Log(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace faelled::observe
