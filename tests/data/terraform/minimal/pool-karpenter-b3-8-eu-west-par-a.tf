resource "ovh_cloud_project_kube_nodepool" "karpenter-b3-8-eu-west-par-a" {
  service_name       = "0123456789abcdef0123456789abcdef"
  kube_id            = "11111111-2222-3333-4444-555555555555"
  name               = "karpenter-b3-8-eu-west-par-a"
  flavor_name        = "b3-8"
  availability_zones = ["eu-west-par-a"]
  desired_nodes      = 2
  min_nodes          = 0
  max_nodes          = 100
  autoscale          = false
  anti_affinity      = false
  monthly_billed     = false

  template {
    metadata {
      annotations = {}
      finalizers  = []
      labels = {
        "karpenter.sh/nodepool" = "default"
      }
    }
    spec {
      unschedulable = false
      taints = [
        { effect = "NoSchedule", key = "dedicated", value = "" },
      ]
    }
  }
}
