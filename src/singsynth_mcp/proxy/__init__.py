"""The merged endpoint: upstreams, their tools in one list, sing."""
