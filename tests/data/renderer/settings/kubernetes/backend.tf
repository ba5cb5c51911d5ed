# poolplan owns this file: it follows from cluster.yaml.
terraform {
  backend "kubernetes" {
    in_cluster_config = true
    namespace         = "poolplan"
    secret_suffix     = "demo"
  }
}
