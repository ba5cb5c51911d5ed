# Pools as the real OVH provider meets them: sizes, bounds and the zone change from step to step through variables.

terraform {
  required_providers {
    ovh = {
      source = "ovh/ovh"
    }
  }
}

variable "endpoint" {
  type = string
}

variable "size" {
  type    = number
  default = 1
}

variable "most" {
  type    = number
  default = 10
}

variable "zones" {
  type    = list(string)
  default = null
}

provider "ovh" {
  endpoint           = var.endpoint
  application_key    = "sandbox"
  application_secret = "sandbox"
  consumer_key       = "sandbox"
}

locals {
  service = "0123456789abcdef0123456789abcdef"
  cluster = "11111111-2222-3333-4444-555555555555"
}

resource "ovh_cloud_project_kube_nodepool" "plain" {
  service_name       = local.service
  kube_id            = local.cluster
  name               = "plain"
  flavor_name        = "b3-8"
  desired_nodes      = var.size
  max_nodes          = var.most
  availability_zones = var.zones
}

resource "ovh_cloud_project_kube_nodepool" "dressed" {
  service_name       = local.service
  kube_id            = local.cluster
  name               = "dressed"
  flavor_name        = "b2-7"
  desired_nodes      = 2
  min_nodes          = 0
  max_nodes          = 5
  autoscale          = false
  anti_affinity      = true
  monthly_billed     = true
  availability_zones = var.zones
  template {
    metadata {
      annotations = { "poolplan.dev/policy" = "general" }
      finalizers  = []
      labels      = { "tier" = "front" }
    }
    spec {
      unschedulable = false
      taints        = [{ effect = "NoSchedule", key = "tier", value = "" }]
    }
  }
}

resource "ovh_cloud_project_kube_nodepool" "empty" {
  service_name       = local.service
  kube_id            = local.cluster
  name               = "empty"
  flavor_name        = "c3-8"
  desired_nodes      = 0
  min_nodes          = 0
  max_nodes          = 100
  availability_zones = var.zones
}

resource "ovh_cloud_project_kube_nodepool" "valueless_taint" {
  service_name       = local.service
  kube_id            = local.cluster
  name               = "valueless-taint"
  flavor_name        = "b3-8"
  availability_zones = var.zones
  template {
    metadata {
      annotations = {}
      finalizers  = []
      labels      = {}
    }
    spec {
      unschedulable = false
      taints        = [{ effect = "NoSchedule", key = "tier" }]
    }
  }
}

resource "ovh_cloud_project_kube_nodepool" "blank_template" {
  service_name       = local.service
  kube_id            = local.cluster
  name               = "blank-template"
  flavor_name        = "b3-8"
  availability_zones = var.zones
  template {
    metadata {
      annotations = {}
      finalizers  = []
      labels      = {}
    }
    spec {
      unschedulable = false
      taints        = []
    }
  }
}
