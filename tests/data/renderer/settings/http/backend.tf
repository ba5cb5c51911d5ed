# poolplan owns this file: it follows from cluster.yaml.
terraform {
  backend "http" {
    address     = "https://state.example/demo"
    lock_method = "POST"
    username    = "poolplan"
  }
}
