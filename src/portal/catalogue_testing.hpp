// A keeping of the catalogue that a test can look into. Only tests include this file.
#pragma once

#include <gtest/gtest.h>

#include <map>

#include "portal/alias_keeping.hpp"
#include "portal/answer_testing.hpp"
#include "portal/catalogue_keeping.hpp"

namespace faelled::portal {

// Models that come and go, without a mesh or files behind them: a definition is its id, name, engine and device, its
// aliases, whom it is for, and what `about` says of its file.
class FakeKeeping final : public CatalogueKeeping {
 public:
  explicit FakeKeeping(std::optional<gateway::Catalogue>& catalogue) : catalogue_(catalogue) {}

  std::expected<gateway::CatalogueModel, WrongDefinition> read(std::string_view definition) const override {
    gateway::CatalogueModel model;
    const std::string json(definition);
    model.settings.id = text_at(json, "id");
    if (model.settings.id.empty())
      return std::unexpected(WrongDefinition{"definition.id", "definition.id is missing; for example id: small"});
    model.settings.name = text_at(json, "name");
    const std::string engine = text_at(json, "engine");
    if (engine == "openai") model.settings.kind = engines::EngineKind::openai;
    if (engine == "vllm") model.settings.kind = engines::EngineKind::vllm;
    model.settings.gpu = text_at(json, "device") == "gpu";
    if (const std::string alias = text_at(json, "alias"); !alias.empty()) model.aliases.push_back({alias});
    for (int i = 0;; ++i) {
      const std::string member = text_at(json, "members." + std::to_string(i));
      if (member.empty()) break;
      model.members.push_back(member);
    }
    return model;
  }
  std::function<Expected<ModelFit>()> look(const gateway::CatalogueModel&) const override {
    return [fit = about] { return fit; };
  }
  void put(gateway::CatalogueModel model, const ModelFit&) override {
    last[model.settings.id] = model.version;
    left.erase(model.settings.id);
    EXPECT_TRUE(catalogue_->put(std::move(model)));
  }
  void remove(const std::string& id, bool its_file) override {
    ++last[id];
    if (left.erase(id) > 0) return;
    files_removed += its_file ? 1 : 0;
    catalogue_->remove(id);
  }
  std::uint64_t last_version(const std::string& id) const override {
    const auto found = last.find(id);
    return found == last.end() ? 0 : found->second;
  }

  std::optional<Download> download(const std::string& id) const override {
    const auto found = downloads.find(id);
    return found == downloads.end() ? std::nullopt : std::optional(found->second);
  }
  Expected<void> fetch(const std::string& id) override {
    downloads[id].state = Download::State::waiting;
    return {};
  }

  const std::map<std::string, LeftOut, std::less<>>& left_out() const override { return left; }

  std::map<std::string, LeftOut, std::less<>> left;
  ModelFit about{.weights = 300'000'000, .kv_cache = 40'000'000, .working = 60'000'000, .memory = 1'000'000'000};
  std::map<std::string, std::uint64_t> last;
  std::map<std::string, Download> downloads;
  int files_removed = 0;

 private:
  std::optional<gateway::Catalogue>& catalogue_;
};

// Aliases whose models are ready when a test says so.
class FakeAliases final : public AliasKeeping {
 public:
  explicit FakeAliases(std::optional<gateway::Catalogue>& catalogue) : catalogue_(catalogue) {}

  Expected<void> may_move(const gateway::MovingAlias& alias) const override {
    if (!why_not.empty()) return fail(Errc::invalid, why_not);
    return catalogue_->may_point(alias);
  }
  void move(gateway::MovingAlias alias) override {
    last[alias.name] = alias.version;
    left.erase(alias.name);
    EXPECT_TRUE(catalogue_->point(std::move(alias)));
  }
  void arrive(const std::string& name) {
    gateway::MovingAlias alias = catalogue_->moving().find(name)->second;
    alias.previous = std::exchange(alias.model, std::exchange(alias.moving_to, {}));
    EXPECT_TRUE(catalogue_->point(std::move(alias)));
  }
  void remove(const std::string& name) override {
    ++last[name];
    left.erase(name);
    catalogue_->unpoint(name);
  }
  std::uint64_t last_version(const std::string& name) const override {
    const auto found = last.find(name);
    return found == last.end() ? 0 : found->second;
  }

  const std::map<std::string, AliasLeftOut, std::less<>>& left_out() const override { return left; }

  std::string why_not;
  std::map<std::string, AliasLeftOut, std::less<>> left;
  std::map<std::string, std::uint64_t> last;

 private:
  std::optional<gateway::Catalogue>& catalogue_;
};

}  // namespace faelled::portal
