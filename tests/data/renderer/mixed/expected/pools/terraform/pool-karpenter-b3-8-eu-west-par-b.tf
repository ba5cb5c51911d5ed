# poolplan owns this file. A size may be changed here by hand; all else follows from the policy.
resource "ovh_cloud_project_kube_nodepool" "karpenter-b3-8-eu-west-par-b" {
  service_name       = local.service_name
  kube_id            = local.kube_id
  name               = "karpenter-b3-8-eu-west-par-b"
  flavor_name        = "b3-8"
  availability_zones = ["eu-west-par-b"]
  monthly_billed     = false
  anti_affinity      = false

  desired_nodes = 5
  min_nodes     = 0
  max_nodes     = 50
  autoscale     = false

  template {
    metadata {
      annotations = {
        team = "shop"
      }
      finalizers = ["example.com/hold"]
      labels = {
        new  = ""
        tier = "back"
      }
    }

    spec {
      taints = [
        {
          effect = "NoSchedule"
          key    = "gpu"
          value  = "true"
        },
      ]
      unschedulable = true
    }
  }
}
