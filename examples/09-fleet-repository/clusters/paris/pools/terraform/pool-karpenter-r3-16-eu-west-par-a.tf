# poolplan owns this file. A size may be changed here by hand; all else follows from the policy.
resource "ovh_cloud_project_kube_nodepool" "karpenter-r3-16-eu-west-par-a" {
  service_name       = local.service_name
  kube_id            = local.kube_id
  name               = "karpenter-r3-16-eu-west-par-a"
  flavor_name        = "r3-16"
  availability_zones = ["eu-west-par-a"]
  monthly_billed     = false
  anti_affinity      = false

  desired_nodes = 1
  min_nodes     = 0
  max_nodes     = 100
  autoscale     = false
}
