# poolplan owns this file: it follows from cluster.yaml.
provider "ovh" {
  endpoint = "http://127.0.0.1:8000/1.0"
}

locals {
  service_name = "0123456789abcdef0123456789abcdef"
  kube_id      = "1111-2222"
}
