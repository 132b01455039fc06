// How memories, the models in them and what happened there look as JSON and CSV. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "gateway/catalogue.hpp"
#include "json/writer.hpp"
#include "portal/csv.hpp"
#include "portal/render.hpp"
#include "rpc/views.hpp"

namespace faelled::portal {

std::string_view serves_of(const engines::ModelSettings& settings);
std::string_view name_of(rpc::ResidencyCause cause);
std::string_view name_of(rpc::ResidencyEvent::What what);
std::optional<rpc::ResidencyAct> residency_act(std::string_view name);

std::string_view name_of(rpc::DeviceKind kind);
// `name`: what its driver calls it; empty: nothing is known.
void write_device(json::Writer& out, const rpc::DeviceResidency& device, std::string_view name);
// `listed`: nullptr for a model that has left the catalogue and still goes.
void write_residency(json::Writer& out, const rpc::ModelResidency& model, const gateway::CatalogueModel* listed);
void write_event(json::Writer& out, const rpc::ResidencyEvent& event);

extern const std::string_view csv_residency_head;
std::string csv_line(const rpc::ResidencyEvent& event, CsvForm form);

}  // namespace faelled::portal
