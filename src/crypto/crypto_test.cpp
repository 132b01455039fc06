#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "crypto/base64url.hpp"
#include "crypto/digest.hpp"
#include "crypto/git_blob.hpp"
#include "crypto/hmac.hpp"
#include "crypto/master_key.hpp"
#include "crypto/seal.hpp"

namespace faelled::crypto {
namespace {

struct Folder {
  std::filesystem::path path;
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "faelled-crypto-XXXXXX").string();
    path = ::mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path); }
};

TEST(Digest, IsSha256) {
  // FIPS 180-4's examples.
  EXPECT_EQ(hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex(sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hex(sha256("abc")), hex(sha256("abc"))) << "one call leaves nothing for the next";
}

TEST(Digest, InPiecesIsThatOfTheWhole) {
  RunningSha256 running;
  for (const char* piece : {"a", "", "bc"}) running.add(std::as_bytes(std::span(std::string_view(piece))));
  EXPECT_EQ(running.finish(), sha256("abc"));
  EXPECT_EQ(running.finish(), sha256("")) << "it begins anew";
}

TEST(Digest, ComparesWholeContents) {
  EXPECT_TRUE(equal_constant_time(sha256("a"), sha256("a")));
  EXPECT_FALSE(equal_constant_time(sha256("a"), sha256("b")));
  EXPECT_FALSE(equal_constant_time(sha256("a"), std::span<const std::byte>(sha256("a")).first(31)));
}

TEST(GitBlob, IsWhatGitCallsAContent) {
  const auto id = [](std::string_view text, std::size_t first) {
    RunningGitBlob git(text.size());
    git.add(std::as_bytes(std::span(text.substr(0, first))));
    git.add(std::as_bytes(std::span(text.substr(first))));
    return hex(git.finish());
  };
  // Of the book "Pro Git", chapter 10.2, and of an empty file.
  EXPECT_EQ(id("test content\n", 4), "d670460b4b4aece5915caf5c68d12f560a9fe3e4");
  EXPECT_EQ(id("", 0), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
  EXPECT_EQ(hex(git_blob_id_from_hex("D670460b4b4aece5915caf5c68d12f560a9fe3e4").value()), id("test content\n", 0));
  for (const char* no :
       {"", "d6", "d670460b4b4aece5915caf5c68d12f560a9fe3eg", "-670460b4b4aece5915caf5c68d12f560a9fe3e4"})
    EXPECT_FALSE(git_blob_id_from_hex(no)) << no;
}

TEST(Seal, OpensWhatItSealed) {
  SystemRandom random;
  const SealKey key = make_seal_key(random);
  for (const std::string& text : {std::string(), std::string("Hej Fælled"), std::string(100'000, 'x')}) {
    const auto sealed = seal(key, text, "con_1", random);
    ASSERT_TRUE(sealed);
    EXPECT_EQ(unseal(key, *sealed, "con_1").value(), text);
  }
}

TEST(Seal, NeverSealsTheSameTwice) {
  SystemRandom random;
  const SealKey key = make_seal_key(random);
  EXPECT_NE(seal(key, "hej", "", random).value(), seal(key, "hej", "", random).value());
}

TEST(Seal, DoesNotOpenWithAnotherKeyInAnotherPlaceOrAfterAnyChange) {
  SystemRandom random;
  const SealKey key = make_seal_key(random);
  const Bytes sealed = *seal(key, "hej", "con_1", random);
  EXPECT_EQ(unseal(make_seal_key(random), sealed, "con_1").error().code, Errc::invalid);
  EXPECT_EQ(unseal(key, sealed, "con_2").error().code, Errc::invalid);
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    Bytes changed = sealed;
    changed[i] ^= std::byte{1};
    EXPECT_FALSE(unseal(key, changed, "con_1")) << "byte " << i;
    EXPECT_FALSE(unseal(key, std::span(sealed).first(i), "con_1")) << "cut at " << i;
  }
}

TEST(Hex, ReadsWhatItWrote) {
  const Digest digest = sha256("abc");
  EXPECT_EQ(from_hex(hex(digest)), digest);
  EXPECT_EQ(from_hex("BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD"), digest);
  EXPECT_EQ(from_hex(hex(digest).substr(1)), std::nullopt);
  EXPECT_EQ(from_hex(std::string(64, 'g')), std::nullopt);
}

TEST(Hmac, IsThatOfRfc4231) {
  EXPECT_EQ(hex(hmac_sha256(std::string(20, '\x0b'), "Hi There")),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(hex(hmac_sha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(hex(hmac_sha256(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  EXPECT_EQ(hex(hmac_sha256("", "")), "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST(Base64url, WritesAndReadsTheSame) {
  EXPECT_EQ(base64url("\xFB\xEF\xFF"), "--__");
  for (const std::string_view bytes : {"", "f", "fo", "foo", "foob", "fooba", "foobar"})
    EXPECT_EQ(from_base64url(base64url(bytes)), bytes);
}

TEST(Base64url, TakesEachSequenceOfBytesInOneFormOnly) {
  EXPECT_EQ(from_base64url("Zg"), "f");
  for (const char* text : {"Zg==", "Zh", "Z", "Zm9vY", "Zm 9v", "Zm9v\n", "+/+/", "Zm9é"})
    EXPECT_EQ(from_base64url(text), std::nullopt) << text;
}

TEST(MasterKey, IsMadeOnceOwnerOnlyAndReadBack) {
  const Folder folder;
  SystemRandom random;
  const auto file = folder.path / "master.key";
  EXPECT_EQ(read_master_key(file).error().code, Errc::not_found);
  const auto made = create_master_key(file, random);
  ASSERT_TRUE(made);
  EXPECT_EQ(std::filesystem::status(file).permissions(), std::filesystem::perms(0600));
  EXPECT_EQ(read_master_key(file).value(), *made);
  EXPECT_EQ(create_master_key(file, random).error().code, Errc::exists);
}

TEST(MasterKey, IsRefusedWhenOthersMayReadItOrItIsCut) {
  const Folder folder;
  SystemRandom random;
  const auto file = folder.path / "master.key";
  ASSERT_TRUE(create_master_key(file, random));
  std::filesystem::permissions(file, std::filesystem::perms(0644));
  EXPECT_EQ(read_master_key(file).error().code, Errc::forbidden);
  std::filesystem::permissions(file, std::filesystem::perms(0600));
  std::filesystem::resize_file(file, 40);
  EXPECT_EQ(read_master_key(file).error().code, Errc::invalid);
}

}  // namespace
}  // namespace faelled::crypto
