"""The OVH API: who calls, each call typed, what failures mean, pools in the API's JSON, and nodes removed by name."""
