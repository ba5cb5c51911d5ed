# poolplan owns this file: it follows from cluster.yaml.
provider "ovh" {}

locals {
  service_name = "0123456789abcdef0123456789abcdef"
  kube_id      = "11111111-2222-3333-4444-555555555555"
}
