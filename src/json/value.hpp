// Value: a place in a JSON text that Document has proven valid. Two words wide, copies freely, never throws.
//
// It reads the SOURCE bytes, so raw() of a value is exactly what was validated and can be spliced into another text
// unchanged. Valid until its Document parses again or the text goes away, whichever is first.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace faelled::json {

enum class Kind : std::uint8_t { null, boolean, number, text, array, object };

const char* kind_name(Kind kind);  // "a string", "an object"…, for messages

struct Tokens;  // where the structural characters of the text are; owned by Document
class Value;
struct Member;

class Value {
 public:
  Value() = default;  // reads as null
  Value(const Tokens* tokens, std::uint32_t token) : tokens_(tokens), token_(token) {}

  Kind kind() const;
  bool is_null() const { return kind() == Kind::null; }

  // The bytes of this value in the source, without white space around.
  std::string_view raw() const;

  // Empty where the value is of another kind.
  std::optional<bool> boolean() const;
  std::optional<std::int64_t> integer() const;  // also 3.0 and 1e3; empty where it has a fraction or does not fit
  std::optional<double> number() const;
  std::optional<std::string> text() const;  // unescaped

  bool text_is(std::string_view wanted) const;  // a string that equals `wanted` when unescaped
  bool is_empty() const;                        // "" or [] or {}

  // A string without escapes lies in the source as it is; this is the common case and costs nothing.
  // With escapes it is unescaped into `scratch`. Not a string: empty.
  std::string_view text_view(std::string& scratch) const;

  // Objects. Names are unique in every object of a Document, so there is no first or last one.
  std::optional<Value> find(std::string_view name) const;

  // Range over an array's values or an object's members; empty for other kinds.
  //   for (Value item : value.items())      for (Member member : value.members())
  class Items;
  class Members;
  Items items() const;
  Members members() const;
  std::size_t count() const;  // of an array's values or an object's members

 private:
  friend class Items;
  friend class Members;
  const Tokens* tokens_ = nullptr;
  std::uint32_t token_ = 0;
};

struct Member {
  Value name;  // a text
  Value value;
  bool named(std::string_view wanted) const { return name.text_is(wanted); }
};

class Value::Items {
 public:
  class Iterator {
   public:
    Iterator(const Tokens* tokens, std::uint32_t token) : tokens_(tokens), token_(token) {}
    Value operator*() const { return {tokens_, token_}; }
    Iterator& operator++();
    bool operator==(const Iterator& other) const { return token_ == other.token_; }

   private:
    const Tokens* tokens_;
    std::uint32_t token_;
  };
  Items(const Tokens* tokens, std::uint32_t first, std::uint32_t last) : tokens_(tokens), first_(first), last_(last) {}
  Iterator begin() const { return {tokens_, first_}; }
  Iterator end() const { return {tokens_, last_}; }

 private:
  const Tokens* tokens_;
  std::uint32_t first_, last_;
};

class Value::Members {
 public:
  class Iterator {
   public:
    Iterator(const Tokens* tokens, std::uint32_t token) : tokens_(tokens), token_(token) {}
    Member operator*() const { return {{tokens_, token_}, {tokens_, token_ + 2}}; }
    Iterator& operator++();
    bool operator==(const Iterator& other) const { return token_ == other.token_; }

   private:
    const Tokens* tokens_;
    std::uint32_t token_;
  };
  Members(const Tokens* tokens, std::uint32_t first, std::uint32_t last)
      : tokens_(tokens), first_(first), last_(last) {}
  Iterator begin() const { return {tokens_, first_}; }
  Iterator end() const { return {tokens_, last_}; }

 private:
  const Tokens* tokens_;
  std::uint32_t first_, last_;
};

}  // namespace faelled::json
