# poolplan owns this file. A size may be changed here by hand; all else follows from the policy.
resource "ovh_cloud_project_kube_nodepool" "_1e3" {
  service_name   = local.service_name
  kube_id        = local.kube_id
  name           = "1e3"
  flavor_name    = "b3-8"
  monthly_billed = false
  anti_affinity  = false

  desired_nodes = 1
  min_nodes     = 0
  max_nodes     = 100
  autoscale     = false

  template {
    metadata {
      annotations = {
        ""                                   = "empty key"
        controls                             = "\u0000\u0007\u001b[2J\u007f"
        empty                                = ""
        json                                 = "{\"a\": [1, 2]}"
        lines                                = "first\nsecond\r\n\tthird\n# comment\n---\n"
        quotes                               = "\"'`\\ \\n \\u0041"
        spaces                               = "  "
        template                             = "$${file(\"/etc/passwd\")} %%{ if true }%%{ endif } $$${kept} %%%{kept}"
        tricks                               = "\u202eevil\u202c \u200b \ufeff 😀 é 漢字"
        "\u043a\u043b\u044e\u0447 \"$${x}\"" = "value"
      }
      finalizers = ["example.com/a: b", "*alias", "!tag"]
      labels = {
        a      = "1_000"
        b      = "12:30:45"
        c      = "true"
        d      = "-"
        "for"  = "in"
        "null" = "~"
        on     = "yes"
        "x/y"  = "0777"
      }
    }

    spec {
      taints = [
        {
          effect = "NoSchedule"
          key    = "k\"$${x}"
          value  = ""
        },
        {
          effect = "NoExecute"
          key    = "no"
          value  = "no"
        },
      ]
      unschedulable = false
    }
  }
}
