// Any bytes: Document proves them JSON or refuses; what it accepts reads, prints and proves again the same.
#include <cstdlib>
#include <string>

#include "json/document.hpp"
#include "json/writer.hpp"

namespace {

using namespace faelled::json;

void print(Writer& writer, Value value) {
  switch (value.kind()) {
    case Kind::object:
      writer.object();
      for (const auto [name, inner] : value.members()) print(writer.key(*name.text()), inner);
      writer.close_object();
      return;
    case Kind::array:
      writer.array();
      for (const Value item : value.items()) print(writer, item);
      writer.close_array();
      return;
    case Kind::text:
      writer.text(*value.text());
      return;
    case Kind::number:
      value.integer();
      value.number();
      writer.raw(value.raw());
      return;
    default:
      writer.raw(value.raw());
  }
}

std::string printed(Value value) {
  std::string out;
  Writer writer(out);
  print(writer, value);
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t bytes) {
  static Document document;
  const std::string text(reinterpret_cast<const char*>(data), bytes);  // exactly its size, so that ASan sees overreads
  const auto root = document.parse(text);
  if (!root) return 0;
  const std::string once = printed(*root), raw(root->raw());
  const auto again = document.parse(once);
  if (!again || printed(*again) != once) std::abort();
  if (!document.parse(raw)) std::abort();
  return 0;
}
