# poolplan owns this file: it follows from cluster.yaml.
terraform {
  backend "s3" {
    bucket = "fleet-state"
    endpoints = {
      s3 = "https://s3.gra.io.cloud.ovh.net"
    }
    key                         = "clusters/paris/terraform.tfstate"
    region                      = "gra"
    skip_credentials_validation = true
    skip_region_validation      = true
    skip_requesting_account_id  = true
  }
}
