"""DWCP v3: moves the memory of running virtual machines between hosts. The service that the example
playbook guards. Each role is a process; it never imports playcall."""
