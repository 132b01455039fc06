#include "observe/log.hpp"

#include <fmt/chrono.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <chrono>

#include "json/writer.hpp"

namespace faelled::observe {
namespace {

constexpr std::string_view names[] = {"debug", "info", "warn", "error"};
constexpr spdlog::level::level_enum levels[] = {spdlog::level::debug, spdlog::level::info, spdlog::level::warn,
                                                spdlog::level::err};

}  // namespace

struct Log::Impl {
  explicit Impl(spdlog::sink_ptr sink) : logger("faelled", std::move(sink)) {
    logger.set_pattern("%v");
    logger.flush_on(spdlog::level::debug);
  }
  spdlog::logger logger;
};

Log::Log(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Log::~Log() = default;

Expected<std::unique_ptr<Log>> Log::open(const std::string& file, Level least) {
  try {
    spdlog::sink_ptr sink;
    if (file.empty()) {
      sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    } else {
      sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(file);
    }
    auto impl = std::make_unique<Impl>(std::move(sink));
    impl->logger.set_level(levels[static_cast<std::size_t>(least)]);
    return std::unique_ptr<Log>(new Log(std::move(impl)));
  } catch (const spdlog::spdlog_ex& e) {
    return fail(Errc::io, fmt::format("cannot write the log file {}: {}", file, e.what()),
                "choose another log.file, or give this user the right to write there");
  }
}

void Log::write(Level level, std::string_view message, std::initializer_list<Field> fields) {
  const auto at = levels[static_cast<std::size_t>(level)];
  if (!impl_->logger.should_log(at)) return;
  const auto now = std::chrono::system_clock::now();
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count() % 1'000'000;
  std::string line;
  json::Writer out(line);
  out.object()
      .member("time", fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:06}Z", fmt::gmtime(std::chrono::system_clock::to_time_t(now)),
                                  micros))
      .member("level", names[static_cast<std::size_t>(level)])
      .member("message", message);
  for (const Field& field : fields) std::visit([&](const auto& value) { out.member(field.name, value); }, field.value);
  out.close_object();
  impl_->logger.log(at, spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace faelled::observe
