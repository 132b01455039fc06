#include "backup/archive.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

#include "base/limits.hpp"
#include "crypto/digest.hpp"
#include "crypto/passphrase.hpp"
#include "json/document.hpp"
#include "json/fields.hpp"
#include "json/writer.hpp"

namespace faelled::backup {
namespace {

constexpr std::string_view magic = "faelled-backup ";
constexpr int format = 1;
constexpr char file_begins = 'F', file_goes_on = 'D', all_ends = 'E';
constexpr std::size_t sealed_overhead_max = 64;

std::string reason() { return std::generic_category().message(errno); }

Error write_error(const std::filesystem::path& file) {
  return {Errc::io, file.string() + " cannot be written: " + reason(), "check the rights and the free space there"};
}

Error there_already(const std::filesystem::path& file) {
  return {Errc::exists, file.string() + " is there already", "choose another name, or remove it first"};
}

struct Head {
  std::string line;  // the heading as it stands in the file
  Heading heading;
  crypto::Bytes salt;
};

crypto::Bytes bytes_of_hex(std::string_view text) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  crypto::Bytes out;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2)
    out.push_back(static_cast<std::byte>(digit(text[i]) << 4 | digit(text[i + 1])));
  return out;
}

bool is_hex(std::string_view text) { return text.find_first_not_of("0123456789abcdef") == text.npos; }

Expected<Head> parse_head(std::string line) {
  json::Document document;
  auto root = document.parse(line);
  if (!root) return std::unexpected(root.error());
  auto fields = json::Fields::of(*root);
  if (!fields) return std::unexpected(fields.error());
  auto version = fields->text("version");
  auto made_at = fields->integer("made_at_us", 0, std::int64_t{1} << 60);
  auto keys = fields->boolean("keys");
  auto salt = fields->text("salt");
  if (!version || !made_at || !keys || !salt || !fields->finish() || !is_hex(*salt) ||
      salt->size() != 2 * crypto::passphrase_salt_bytes)
    return fail(Errc::invalid, "its heading is no heading");
  Head head;
  head.heading = {*version, from_unix_micros(*made_at), *keys};
  head.salt = bytes_of_hex(*salt);
  head.line = std::move(line);
  return head;
}

Expected<Head> read_head(std::ifstream& in, const std::filesystem::path& file) {
  const Error none{Errc::invalid, file.string() + " is no backup of faelled",
                   "name a file that 'faelled backup' wrote"};
  std::array<char, limits::backup_heading_bytes_max> room{};
  if (!in.getline(room.data(), room.size())) return std::unexpected(none);
  const std::string_view first(room.data());
  if (!first.starts_with(magic)) return std::unexpected(none);
  if (first.substr(magic.size()) != std::to_string(format))
    return fail(Errc::incompatible, file.string() + " was written by a newer version of faelled",
                "restore it with that version");
  if (!in.getline(room.data(), room.size())) return std::unexpected(none);
  auto head = parse_head(room.data());
  if (!head) return fail(Errc::invalid, file.string() + " is damaged: " + head.error().message, "take an older backup");
  return head;
}

// Without a passphrase the chunks are sealed with a key that everybody can work out: a check against damage.
Expected<crypto::SealKey> key_for(const Head& head, std::string_view passphrase) {
  if (head.heading.keys) return crypto::key_of_passphrase(passphrase, head.salt);
  return crypto::sha256(std::string_view("faelled backup without keys"));
}

std::string bound_to(const Head& head) { return "backup/" + crypto::hex(crypto::sha256(head.line)) + "/"; }

Expected<std::ifstream> open_to_read(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in)
    return fail(errno == ENOENT ? Errc::not_found : Errc::io, file.string() + " cannot be read: " + reason(),
                "check the name and the rights");
  return in;
}

}  // namespace

bool is_secret(std::string_view name) { return name == "master.key" || name == "faelled.yaml"; }

bool is_entry_name(std::string_view name) {
  if (name == "faelled.db" || is_secret(name)) return true;
  constexpr std::string_view folder = "journal/";
  if (!name.starts_with(folder) || name.size() > 64) return false;
  name.remove_prefix(folder.size());
  const std::string_view stem = name.substr(0, name.find('.'));
  const std::string_view rest = name.substr(stem.size());
  return !stem.empty() && is_hex(stem) && (rest.empty() || rest == ".journal");
}

Expected<ArchiveWriter> ArchiveWriter::create(const std::filesystem::path& file, const Heading& heading,
                                              std::string_view passphrase, Random& random) {
  crypto::Bytes salt(crypto::passphrase_salt_bytes);
  random.fill(salt);
  std::string line;
  json::Writer(line)
      .object()
      .member("version", heading.version)
      .member("made_at_us", unix_micros(heading.made_at))
      .member("keys", heading.keys)
      .member("salt", crypto::hex(salt))
      .close_object();
  auto head = parse_head(line);
  if (!head) return std::unexpected(head.error());
  auto key = key_for(*head, passphrase);
  if (!key) return std::unexpected(key.error());
  std::error_code code;
  if (std::filesystem::exists(std::filesystem::symlink_status(file, code))) return std::unexpected(there_already(file));
  ArchiveWriter out(file, *key, bound_to(*head), random);
  if (auto opened = out.open_part(); !opened) return std::unexpected(opened.error());
  out.out_ << magic << format << '\n' << head->line << '\n';
  if (!out.out_) return std::unexpected(write_error(out.part_));
  return out;
}

// One that is left over is taken only where it is ours, and nobody is at it.
Expected<void> ArchiveWriter::open_part() {
  struct stat info{};
  lock_ = ::open(part_.c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  Error error = write_error(part_);
  if (lock_ >= 0 && ::flock(lock_, LOCK_EX | LOCK_NB) != 0)
    error = {Errc::conflict, part_.string() + " is in use: another run is under way", "wait for it to end"};
  else if (lock_ >= 0 &&
           (::fstat(lock_, &info) != 0 || !S_ISREG(info.st_mode) || info.st_uid != ::geteuid() || info.st_nlink != 1))
    error = {Errc::exists, part_.string() + " is there, and is none of ours", "remove it, or choose another name"};
  else if (lock_ >= 0 && ::fchmod(lock_, 0600) == 0) {
    out_.open(part_, std::ios::binary | std::ios::trunc);
    if (out_) return {};
    error = write_error(part_);
  }
  part_.clear();  // it is not ours to remove
  return std::unexpected(std::move(error));
}

ArchiveWriter::ArchiveWriter(ArchiveWriter&& other) noexcept
    : file_(std::move(other.file_)),
      part_(std::exchange(other.part_, {})),
      lock_(std::exchange(other.lock_, -1)),
      out_(std::move(other.out_)),
      key_(other.key_),
      bound_(std::move(other.bound_)),
      random_(other.random_),
      number_(other.number_),
      taken_bytes_(other.taken_bytes_) {}

ArchiveWriter::~ArchiveWriter() {
  if (!part_.empty()) ::unlink(part_.c_str());
  if (lock_ >= 0) ::close(lock_);
}

Expected<void> ArchiveWriter::chunk(char kind, std::string_view content) {
  std::string plain(1, kind);
  plain += content;
  auto sealed = crypto::seal(key_, plain, bound_ + std::to_string(number_++), random_);
  if (!sealed) return std::unexpected(sealed.error());
  std::array<char, 4> size{};
  for (std::size_t i = 0; i < size.size(); ++i) size[i] = static_cast<char>(sealed->size() >> 8 * i);
  out_.write(size.data(), size.size());
  out_.write(reinterpret_cast<const char*>(sealed->data()), static_cast<std::streamsize>(sealed->size()));
  if (!out_) return std::unexpected(write_error(part_));
  return {};
}

Expected<void> ArchiveWriter::add(std::string_view name, const std::filesystem::path& from,
                                  const std::function<bool(std::uint64_t)>& goes_on) {
  auto in = open_to_read(from);
  if (!in) return std::unexpected(in.error());
  if (auto begun = chunk(file_begins, name); !begun) return begun;
  std::string room(limits::backup_chunk_bytes, '\0');
  while (in->read(room.data(), static_cast<std::streamsize>(room.size())) || in->gcount() > 0) {
    const auto got = static_cast<std::size_t>(in->gcount());
    if (auto written = chunk(file_goes_on, std::string_view(room).substr(0, got)); !written) return written;
    taken_bytes_ += got;
    if (goes_on && !goes_on(taken_bytes_)) return fail(Errc::cancelled, file_.string() + " was not written: stopped");
  }
  if (in->bad()) return fail(Errc::io, from.string() + " cannot be read to its end", "check its disk");
  return {};
}

Expected<std::uint64_t> ArchiveWriter::finish() {
  if (auto ended = chunk(all_ends, {}); !ended) return std::unexpected(ended.error());
  out_.close();
  std::error_code code;
  const auto bytes = std::filesystem::file_size(part_, code);
  if (!out_ || ::fsync(lock_) != 0 || code) return std::unexpected(write_error(part_));
  // Not every file system can rename without replacing (NFS); a link never replaces.
  bool named = ::renameat2(AT_FDCWD, part_.c_str(), AT_FDCWD, file_.c_str(), RENAME_NOREPLACE) == 0;
  if (!named && errno != EEXIST) named = ::link(part_.c_str(), file_.c_str()) == 0 && ::unlink(part_.c_str()) == 0;
  if (!named) return std::unexpected(errno == EEXIST ? there_already(file_) : write_error(file_));
  part_.clear();
  const std::filesystem::path folder = file_.has_parent_path() ? file_.parent_path() : ".";
  if (const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); fd >= 0) {
    ::fsync(fd);  // not every file system can; the file itself is safe
    ::close(fd);
  }
  return bytes;
}

Expected<Heading> ArchiveReader::heading_of(const std::filesystem::path& file) {
  auto in = open_to_read(file);
  if (!in) return std::unexpected(in.error());
  auto head = read_head(*in, file);
  if (!head) return std::unexpected(head.error());
  return head->heading;
}

Expected<ArchiveReader> ArchiveReader::open(const std::filesystem::path& file, std::string_view passphrase) {
  auto in = open_to_read(file);
  if (!in) return std::unexpected(in.error());
  auto head = read_head(*in, file);
  if (!head) return std::unexpected(head.error());
  if (head->heading.keys && passphrase.empty())
    return fail(Errc::unauthorized, file.string() + " opens with its passphrase alone",
                "name the file that holds it with --passphrase-file");
  if (!head->heading.keys && !passphrase.empty())
    return fail(Errc::invalid, file.string() + " is not sealed with a passphrase: anybody can have written it",
                "if you made it --without-keys and know where it has been, leave --passphrase-file out");
  auto key = key_for(*head, passphrase);
  if (!key) return std::unexpected(key.error());
  ArchiveReader out;
  out.file_ = file;
  out.in_ = std::move(*in);
  out.heading_ = head->heading;
  out.key_ = *key;
  out.bound_ = bound_to(*head);
  return out;
}

Error ArchiveReader::damaged() const {
  if (number_ == 0 && heading_.keys)
    return {Errc::invalid, file_.string() + " does not open: another passphrase, or it is damaged",
            "check the passphrase file; if it is right, take another copy or an older backup"};
  return {Errc::invalid, file_.string() + " is damaged or cut off in chunk " + std::to_string(number_),
          "take another copy, or an older backup"};
}

Expected<ArchiveReader::Chunk> ArchiveReader::next() {
  std::array<unsigned char, 4> size{};
  if (!in_.read(reinterpret_cast<char*>(size.data()), size.size())) return std::unexpected(damaged());
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < size.size(); ++i) bytes |= std::size_t{size[i]} << 8 * i;
  if (bytes > limits::backup_chunk_bytes + sealed_overhead_max) return std::unexpected(damaged());
  crypto::Bytes sealed(bytes);
  if (!in_.read(reinterpret_cast<char*>(sealed.data()), static_cast<std::streamsize>(bytes)))
    return std::unexpected(damaged());
  auto plain = crypto::unseal(key_, sealed, bound_ + std::to_string(number_));
  if (!plain || plain->empty()) return std::unexpected(damaged());
  ++number_;
  return Chunk{plain->front(), plain->substr(1)};
}

Expected<void> ArchiveReader::unpack(const std::filesystem::path& folder, Secrets secrets) {
  std::ofstream out;
  std::filesystem::path path;
  bool passed_over = false;
  const auto close = [&]() -> Expected<void> {
    if (path.empty()) return {};
    out.close();
    if (!out) return std::unexpected(write_error(path));
    std::error_code code;
    std::filesystem::permissions(path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write, code);
    if (code) return std::unexpected(write_error(path));
    return {};
  };
  while (true) {
    auto chunk = next();
    if (!chunk) return std::unexpected(chunk.error());
    if (chunk->kind == file_goes_on && passed_over) continue;
    if (chunk->kind == file_goes_on && !path.empty()) {
      out.write(chunk->content.data(), static_cast<std::streamsize>(chunk->content.size()));
      if (!out) return std::unexpected(write_error(path));
      continue;
    }
    if (auto closed = close(); !closed) return closed;
    if (chunk->kind == all_ends) break;
    passed_over = is_secret(chunk->content) && secrets == Secrets::read_only;
    if (chunk->kind != file_begins || !is_entry_name(chunk->content) || (is_secret(chunk->content) && !heading_.keys))
      return fail(Errc::invalid, file_.string() + " holds what no backup of ours holds", "do not use this file");
    path.clear();
    if (passed_over) continue;
    path = folder / chunk->content;
    std::error_code code;
    if (std::filesystem::exists(path, code)) return std::unexpected(damaged());
    std::filesystem::create_directories(path.parent_path(), code);
    out = std::ofstream(path, std::ios::binary | std::ios::trunc);
    if (!out) return std::unexpected(write_error(path));
  }
  if (in_.peek() != std::ifstream::traits_type::eof()) return std::unexpected(damaged());
  return {};
}

}  // namespace faelled::backup
