#include "contents.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>

namespace faelled::app {
namespace {

std::string read(std::istream& in, std::size_t bytes_max) {
  std::string text;
  char buffer[64 * 1024];
  while (text.size() <= bytes_max && (in.read(buffer, sizeof buffer), in.gcount() > 0))
    text.append(buffer, static_cast<std::size_t>(in.gcount()));
  return text;
}

}  // namespace

Expected<std::string> contents_of(const std::string& file, std::size_t bytes_max) {
  if (file == "-") return read(std::cin, bytes_max);
  std::error_code code;
  if (std::filesystem::is_directory(file, code)) return fail(Errc::invalid, file + " is a folder", "name a file in it");
  std::ifstream in(file, std::ios::binary);
  if (!in)
    return fail(Errc::io, file + " cannot be read: " + std::strerror(errno), "check the name and who may read it");
  return read(in, bytes_max);
}

}  // namespace faelled::app
