"""A stand-in for OVHcloud's Terraform provider, so that real Terraform plans and applies against the sandbox offline.

It serves one resource, ``ovh_cloud_project_kube_nodepool``, with the schema, requests, waits and plans of the real
provider. It is started by Terraform through the launcher that ``mirror`` writes, and imports little, because Terraform
starts it several times per command.
"""

VERSION = "2.19.999"  # a patch release that OVHcloud never made, so that no cache or lock file takes it for a real one
SOURCE = "ovh/ovh"
NODE_POOL = "ovh_cloud_project_kube_nodepool"
