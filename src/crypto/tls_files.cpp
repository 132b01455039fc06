#include "crypto/tls_files.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <expected>

#include "base/limits.hpp"
#include "base/whole_file.hpp"

namespace faelled::crypto {
namespace {

std::expected<std::string, TlsFault> text_of(TlsPart part, const std::filesystem::path& file) {
  if (file.empty()) return std::string();
  std::error_code error;
  if (std::filesystem::is_directory(file, error))
    return std::unexpected(TlsFault{part, file.string() + " is a folder", "name the PEM file in it"});
  auto text = read_whole(file, limits::tls_file_bytes_max);
  if (!text && errno == EFBIG)
    return std::unexpected(TlsFault{part, file.string() + " is larger than 1 MiB", "it must be a PEM file"});
  if (!text)
    return std::unexpected(TlsFault{part, file.string() + " cannot be read: " + std::strerror(errno),
                                    errno == ENOENT ? "paths are taken from the folder of the configuration"
                                                    : "let the user that runs faelled read it"});
  return std::move(*text);
}

TlsContext::Made with_file(TlsContext::Made made, const std::filesystem::path& certificate,
                           const std::filesystem::path& key, const std::filesystem::path& ca) {
  if (made) return made;
  TlsFault fault = made.error();
  const auto& file = fault.part == TlsPart::key ? key : fault.part == TlsPart::ca ? ca : certificate;
  fault.message =
      (file.empty() ? std::string("the system's list of authorities") : file.string()) + " " + fault.message;
  return std::unexpected(std::move(fault));
}

void stamp(std::string& out, const std::filesystem::path& file) {
  struct stat info{};
  if (file.empty() || ::stat(file.c_str(), &info) != 0) {
    out += file.empty() ? "-;" : "missing;";
    return;
  }
  for (const auto number : {static_cast<std::uint64_t>(info.st_dev), static_cast<std::uint64_t>(info.st_ino),
                            static_cast<std::uint64_t>(info.st_size), static_cast<std::uint64_t>(info.st_mtim.tv_sec),
                            static_cast<std::uint64_t>(info.st_mtim.tv_nsec)})
    out += std::to_string(number) + ",";
  out += ";";
}

template <class... Files>
std::string stamp_of_all(const Files&... files) {
  std::string out;
  (stamp(out, files), ...);
  return out;
}

}  // namespace

TlsContext::Made read_server(const TlsServerFiles& files) {
  TlsServerSettings settings;
  settings.client_certificates = files.client_certificates;
  for (const auto& [part, file, into] : {std::tuple(TlsPart::certificate, &files.certificate, &settings.certificate),
                                         std::tuple(TlsPart::key, &files.key, &settings.key),
                                         std::tuple(TlsPart::ca, &files.client_ca, &settings.client_ca)}) {
    auto text = text_of(part, *file);
    if (!text) return std::unexpected(text.error());
    *into = std::move(*text);
  }
  return with_file(TlsContext::server(settings), files.certificate, files.key, files.client_ca);
}

TlsContext::Made read_client(const TlsClientFiles& files) {
  TlsClientSettings settings;
  for (const auto& [part, file, into] : {std::tuple(TlsPart::ca, &files.ca, &settings.ca),
                                         std::tuple(TlsPart::certificate, &files.certificate, &settings.certificate),
                                         std::tuple(TlsPart::key, &files.key, &settings.key)}) {
    auto text = text_of(part, *file);
    if (!text) return std::unexpected(text.error());
    // Without its text a part that is named would count as one that is not.
    if (!file->empty() && text->empty())
      return std::unexpected(TlsFault{part, *file + " is empty", "it must be a PEM file"});
    *into = std::move(*text);
  }
  return with_file(TlsContext::client(settings), files.certificate, files.key, files.ca);
}

std::string stamp_of(const TlsServerFiles& files) {
  return stamp_of_all(files.certificate, files.key, files.client_ca);
}
std::string stamp_of(const TlsClientFiles& files) {
  return stamp_of_all(std::filesystem::path(files.ca), std::filesystem::path(files.certificate),
                      std::filesystem::path(files.key));
}

bool others_may_read(const std::filesystem::path& file) {
  struct stat info{};
  return ::stat(file.c_str(), &info) == 0 && (info.st_mode & S_IROTH) != 0;
}

Expected<std::shared_ptr<const TlsContext>> TlsClientContexts::of(const TlsClientFiles& files) {
  Kept& kept = kept_[files];
  const std::string stamp = stamp_of(files);
  if (kept.context != nullptr && kept.stamp == stamp) return kept.context;
  auto made = read_client(files);
  if (!made && kept.context != nullptr) return kept.context;  // the former one, until the files are right
  if (!made) return fail(Errc::io, made.error().message, made.error().hint);
  kept = {stamp, std::move(*made)};
  return kept.context;
}

}  // namespace faelled::crypto
