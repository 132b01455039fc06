// What nobody asks for and must happen all the same: counted refusals become rows of the audit, and conversations that
// their member no longer keeps are erased.
#pragma once

#include "gateway/context.hpp"
#include "members/directory.hpp"
#include "members/retention.hpp"
#include "mesh/mesh.hpp"
#include "net/task.hpp"

namespace faelled::app {

// Every limits::housekeeping_every, sooner where something is left, until the server is on its way out.
net::Task<void> keep_house(gateway::Context& context, members::Directory& directory, members::Retention& retention);

// Tells the mesh when a quarter of an hour of the local day begins.
net::Task<void> tell_the_time(const gateway::Context& context, mesh::Mesh& mesh);

}  // namespace faelled::app
