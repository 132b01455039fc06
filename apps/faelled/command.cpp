#include "command.hpp"

#include <fmt/format.h>

#include <iostream>
#include <utility>

#include "json/document.hpp"
#include "table.hpp"

namespace faelled::app {

void add_either(Command& command, const char* names, std::optional<bool>& said, const char* help) {
  command->add_flag_function(names, [&said](std::int64_t times) { said = times > 0; }, help);
}

std::string percent_encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || std::string_view("-._~").contains(c)) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

void write_list(json::Writer& out, std::string_view name, std::string_view text) {
  out.key(name).array();
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(','), text.size());
    if (end > 0) out.text(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  out.close_array();
}

Command::Command(CLI::App& parent, const std::string& name, const std::string& help, std::string& config, int& status,
                 Work work)
    : app_(parent.add_subcommand(name, help)), options_(std::make_shared<Options>()) {
  app_->add_option("--config", config,
                   "The running server's configuration file (also FAELLED_CONFIG); its data folder holds the socket")
      ->capture_default_str();
  app_->add_flag("--json", options_->json, "Print the server's answer as JSON");
  app_->callback([options = options_, &config, &status, work = std::move(work)] {
    auto control = Control::of(config);
    status = control ? work(*control, *options) : complain(control.error());
  });
}

int show(const Control& control, const Options& options, const std::string& target, std::string_view list,
         const std::vector<std::string>& columns, std::string_view next) {
  if (!next.empty())
    return all_rows(control, options, {target, std::string(list), std::string(next), columns, columns});
  auto body = control.call("GET", target);
  if (!body) return complain(body.error());
  std::cout << (options.json ? *body + "\n" : table_of(*body, list, columns));
  return 0;
}

int tell(const Options& options, const Expected<std::string>& answer, const std::vector<std::string>& plain) {
  if (!answer) return complain(answer.error());
  if (options.json) {
    std::cout << *answer << "\n";
    return 0;
  }
  json::Document document;
  auto root = document.parse(*answer);
  for (const std::string& name : plain) {
    const auto value = root ? root->find(name) : std::nullopt;
    std::string text = "-";
    if (value && !value->is_null()) text = value->text().value_or(std::string(value->raw()));
    std::cout << name << ": " << text << "\n";
  }
  return 0;
}

int make(const Control& control, const Options& options, const std::string& target, const std::string& body,
         const std::vector<std::string>& plain) {
  return tell(options, control.call("POST", target, body), plain);
}

int all_rows(const Control& control, const Options& options, const Pages& pages) {
  const std::string list = pages.list;
  json::Document document;
  std::string next;
  bool first_row = true;
  for (bool first = true; first || !next.empty(); first = false) {
    auto body = control.call(
        "GET", pages.target + (next.empty() ? "" : fmt::format("&{}={}", pages.next, percent_encoded(next))));
    if (!body) return complain(body.error());
    const auto root = document.parse(*body);
    const auto rows = root ? root->find(list) : std::nullopt;
    if (!rows)
      return complain({Errc::io, "the server's answer has no rows", "is it of the same version as this program?"});
    if (options.csv || options.excel) {
      std::cout << csv_of(*body, list, pages.csv, first,
                          options.excel ? portal::CsvForm::excel : portal::CsvForm::plain);
    } else if (options.json) {
      if (first) std::cout << fmt::format("{{\"{}\":[", list);
      for (const json::Value row : rows->items())
        std::cout << (std::exchange(first_row, false) ? "\n" : ",\n") << row.raw();
    } else {
      std::cout << table_of(*body, list, pages.table, first);
    }
    const auto more = root->find("next");
    next = more ? more->text().value_or("") : "";
  }
  if (options.json) std::cout << "\n]}\n";
  return 0;
}

}  // namespace faelled::app
