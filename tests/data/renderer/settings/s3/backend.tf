# poolplan owns this file: it follows from cluster.yaml.
terraform {
  backend "s3" {
    bucket = "states"
    endpoints = {
      s3 = "https://s3.gra.io.cloud.ovh.net"
    }
    key                         = "demo.tfstate"
    max_retries                 = 3
    region                      = "gra"
    skip_credentials_validation = true
    skip_region_validation      = true
  }
}
