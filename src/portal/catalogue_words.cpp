#include "portal/catalogue_words.hpp"

#include <fmt/format.h>

#include <utility>

#include "base/byte_text.hpp"

namespace faelled::portal {
namespace {

using openai::ApiError;
using openai::Cause;

std::string bytes_in_danish(std::uint64_t bytes, Rounded rounded) { return byte_text(bytes, rounded, ','); }

}  // namespace

std::string_view in_danish(const WrongDefinition& why) {
  static constexpr std::pair<std::string_view, std::string_view> sentences[] = {
      {"definition.file", "Filen kan ikke bruges som model. Findes den, og er den hel?"},
      {"definition.folder", "Mappen kan ikke bruges som model. Findes den, og er alle filer i den?"},
      {"definition.engine", "Serveren har ikke den motor. Den skal sættes op i konfigurationsfilen først."},
      {"definition.adapters_folder", "Mappen til adaptere kan ikke bruges. Findes den, og må motoren læse den?"},
      {"definition.adapters_max", "Antallet af adaptere på én gang kan ikke bruges."},
      {"definition.adapters_rank", "Den største rang for adaptere kan ikke bruges."},
      {"definition.adapters", "En adapter kan ikke bruges. Findes den, er den hel, og er den lavet til denne model?"},
      {"definition.source", "Filen kan ikke hentes fra kilden. Er adressen rigtig, og svarer serveren?"},
      {"definition.sha256", "Kontrolsummen (SHA-256) mangler eller passer ikke til kilden."},
      {"definition.url", "Adressen kan ikke bruges. Begynder den med https://, og slutter den med /v1?"},
      {"definition.api_key_file", "Filen med nøglen kan ikke læses. Findes den, og må serveren læse den?"},
      {"definition.chat_template_file", "Filen med chatskabelonen kan ikke læses."},
      {"definition.tool_parser", "Modellens måde at kalde værktøjer på kan ikke bruges."},
      {"definition.device", "Modellen kan ikke ligge i den hukommelse."},
      {"definition.threads", "Antallet af processortråde kan ikke bruges."},
      {"definition.aliases", "Et af de andre navne kan ikke bruges."},
      {"definition.stop", "Et af de tegn, svar slutter ved, kan ikke bruges."},
      {"definition.id", "Navnet i adressen (id) mangler eller kan ikke bruges."},
      {"definition.concurrency", "Antallet af pladser kan ikke bruges."},
      {"definition.context_tokens", "Længden af samtaler (tokens) kan ikke bruges."}};
  std::string_view found;
  for (const auto& [key, text] : sentences) {
    if (!why.key.starts_with(key)) continue;
    const std::string_view part = std::string_view(why.key).substr(key.size());
    if (part.empty() || part.starts_with('.') || part.starts_with('[')) found = text;  // adapters[2].file
  }
  return found;
}

ApiError wrong(const WrongDefinition& why) {
  return {Cause::invalid_value, why.message, why.key, {}, std::string(in_danish(why))};
}

std::string_view taken_in_danish(Errc why, bool own_id) {
  if (why == Errc::exhausted) return "Kataloget er fuldt. Fjern en model, som ingen bruger.";
  if (why == Errc::conflict)
    return "Et navn, der kan flyttes, betyder en adapter, som modellen så ikke har. Flyt navnet først.";
  return own_id ? "Navnet bruges allerede som et andet navn for en model." : "Et af de andre navne bruges allerede.";
}

ApiError no_room_on_disk(const FileOffer& offer) {
  return {
      Cause::conflict,
      "The disk has no room for it: " + offer.why_no_room + ".",
      "definition.source",
      {},
      fmt::format("Der er ikke plads på disken til filen, som fylder {}.", bytes_in_danish(offer.bytes, Rounded::up))};
}

ApiError no_room(const ModelFit& fit) {
  const std::string needs = bytes_in_danish(fit.weights + fit.kv_cache + fit.working, Rounded::up);
  const std::string memory = bytes_in_danish(fit.memory, Rounded::down);
  return {Cause::conflict,
          "It does not fit: " + fit.why_not + ".",
          "definition.context_tokens",
          {},
          fit.pinned > 0
              ? fmt::format("Den passer ikke: Den skal bruge {}, og fastholdte modeller levner {}.", needs, memory)
          : fit.memory > 0
              ? fmt::format("Den passer ikke: Den skal bruge {}, og der er {} til modeller.", needs, memory)
              : "Den passer ikke: Der er ingen hukommelse til den her."};
}

ApiError in_file(const std::string& id) {
  return {Cause::conflict,
          fmt::format("The model '{}' stands in the configuration file; change it there and start again.", id),
          {},
          {},
          "Modellen står i konfigurationsfilen. Ret den dér, og genstart."};
}

ApiError moved_on(const std::string& id, std::uint64_t version) {
  return {
      Cause::conflict,
      fmt::format("Somebody has changed '{}' meanwhile; it has version {} now. Look at it and try again.", id, version),
      "version",
      {},
      "En anden har ændret modellen imens. Se den, og prøv igen."};
}

}  // namespace faelled::portal
