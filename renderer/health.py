"""When an in-cluster NodePool is well, in the languages of the delegates: Lua for Argo CD, CEL for Flux.

The object has no word for it: MKS tells counts (reference of its custom resource, status availableNodes, currentNodes,
upToDateNodes). A pool is well when it has as many nodes as it should, all of them available and made from today's
template. No type of condition is documented, so none is looked at, and nothing is ever called failed.
"""

from __future__ import annotations

from typing import Final

LUA: Final = """\
local health = {status = "Progressing", message = "OVHcloud has not looked at this pool yet"}
if obj.status == nil or obj.status.currentNodes == nil then
  return health
end
local generation = obj.metadata.generation
if obj.status.observedGeneration ~= nil and generation ~= nil and obj.status.observedGeneration < generation then
  health.message = "OVHcloud has not seen the last change yet"
  return health
end
local desired = obj.spec.desiredNodes or 0
local current = obj.status.currentNodes
local available = obj.status.availableNodes or 0
local updated = obj.status.upToDateNodes or 0
health.message = available .. " of " .. desired .. " nodes are available"
if current == desired and available >= desired and updated >= desired then
  health.status = "Healthy"
end
return health
"""

#: Flux itself waits while status.observedGeneration is behind. A pool without status is one that was just made.
CEL_IN_PROGRESS: Final = (
    "status.currentNodes != spec.desiredNodes || status.availableNodes < spec.desiredNodes || "
    "status.upToDateNodes < spec.desiredNodes"
)
CEL_CURRENT: Final = "status.currentNodes == spec.desiredNodes"
