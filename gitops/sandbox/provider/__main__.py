"""Runs the provider; Terraform starts it through the launcher of ``gitops.sandbox.provider.mirror``."""

import sys

from gitops.sandbox.provider.serve import main

sys.exit(main())
