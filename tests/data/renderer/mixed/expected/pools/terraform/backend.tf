# poolplan owns this file: it follows from cluster.yaml.
terraform {
  backend "local" {}
}
