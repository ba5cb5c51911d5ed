resource "ovh_cloud_project_kube_nodepool" "plain" {
  service_name       = "0123456789abcdef0123456789abcdef"
  kube_id            = "11111111-2222-3333-4444-555555555555"
  name               = "plain"
  flavor_name        = "b3-8"
  availability_zones = ["eu-west-par-b"]
  desired_nodes      = 1
  min_nodes          = 0
  max_nodes          = 100
  autoscale          = false
  anti_affinity      = false
  monthly_billed     = false
}
