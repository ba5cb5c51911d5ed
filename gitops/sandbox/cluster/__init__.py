"""A small Kubernetes cluster on loopback: what clients read and write, what its controllers and scheduler then do.

It stands in for an API server in trials and tests. There are no kubelets or containers: a pod that has a place runs.
The scheduler here is written apart from the planner, so that the one can judge the other.
"""
