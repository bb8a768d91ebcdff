"""The pocket cluster: as much of the Kubernetes API as kubectl needs for a playbook's commands,
over local processes. For drills only: no scheduling, no network of its own, nothing is kept."""
