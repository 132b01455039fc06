#include "command.hpp"

#include <fmt/format.h>

#include <iostream>
#include <utility>

#include "answer.hpp"
#include "json/document.hpp"
#include "table.hpp"

namespace faelled::app {

void connect(CLI::App& command, Invocation& invocation, Printing& printing, std::function<int(const Control&)> work,
             const char* json_help) {
  add_config(command, invocation,
             "The running server's configuration file (also FAELLED_CONFIG); its data folder holds the socket");
  command.add_flag("--json", printing.json, json_help);
  command.callback([&invocation, work = std::move(work)] {
    const auto control = Control::of(invocation.config);
    invocation.status = control ? work(*control) : complain(control.error());
  });
}

void add_csv(CLI::App& command, Printing& printing, const char* help) {
  command.add_flag("--csv", printing.csv, help)->excludes("--json");
  command.add_flag("--excel", printing.excel, "CSV as a Danish Excel opens it: UTF-8 with a mark, semicolons")
      ->excludes("--json");
}

void add_either(CLI::App& command, const char* names, std::optional<bool>& said, const char* help) {
  command.add_flag_function(names, [&said](std::int64_t times) { said = times > 0; }, help);
}

void refuse_empty(CLI::App& command) {
  const CLI::Validator given(
      [](const std::string& text) {
        return text.empty() ? std::string("is empty; give it a value, or leave it out") : std::string();
      },
      "");
  for (CLI::Option* option : command.get_options()) option->check(given);
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

std::string query_of(std::initializer_list<std::pair<std::string_view, std::string_view>> parts) {
  std::string out;
  for (const auto& [name, value] : parts)
    if (!value.empty()) out += fmt::format("&{}={}", name, percent_encoded(value));
  return out;
}

void write_models(json::Writer& out, std::string_view text) {
  if (text.empty()) return;
  out.key("models");
  if (text == "all") {
    out.null();
    return;
  }
  out.array();
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(','), text.size());
    if (end > 0) out.text(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  out.close_array();
}

int show(const Control& control, const Printing& printing, const std::string& target, std::string_view list,
         const std::vector<std::string>& columns, std::string_view next) {
  if (!next.empty())
    return all_rows(control, printing, {target, std::string(list), std::string(next), columns, columns});
  auto body = control.call("GET", target);
  if (!body) return complain(body.error());
  std::cout << (printing.json ? *body + "\n" : table_of(*body, list, columns));
  return 0;
}

int tell(const Printing& printing, const Expected<std::string>& answer, const std::vector<std::string>& plain) {
  if (!answer) return complain(answer.error());
  if (printing.json) {
    std::cout << *answer << "\n";
    return 0;
  }
  json::Document document;
  const auto root = document.parse(*answer);
  for (const std::string& name : plain) std::cout << name << ": " << (root ? text_of(*root, name, "-") : "-") << "\n";
  return 0;
}

int make(const Control& control, const Printing& printing, const std::string& target, const std::string& body,
         const std::vector<std::string>& plain) {
  return tell(printing, control.call("POST", target, body), plain);
}

int remove(const Control& control, const Printing& printing, const std::string& target, const std::string& done) {
  const auto gone = control.call("DELETE", target);
  if (!gone) return complain(gone.error());
  if (!printing.json) std::cout << done << "\n";
  return 0;
}

int all_rows(const Control& control, const Printing& printing, const Pages& pages) {
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
    if (!rows) return complain(strange_answer("has no rows"));
    if (printing.csv || printing.excel) {
      std::cout << csv_of(*body, list, pages.csv, first,
                          printing.excel ? portal::CsvForm::excel : portal::CsvForm::plain);
    } else if (printing.json) {
      if (first) std::cout << fmt::format("{{\"{}\":[", list);
      for (const json::Value row : rows->items())
        std::cout << (std::exchange(first_row, false) ? "\n" : ",\n") << row.raw();
    } else {
      std::cout << table_of(*body, list, pages.table, first);
    }
    next = text_of(*root, "next");
  }
  if (printing.json) std::cout << "\n]}\n";
  return 0;
}

}  // namespace faelled::app
