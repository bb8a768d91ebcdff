"""Which version moves a machine: a sticky share of the machines by their names. Pure."""


def share(name: str) -> int:
    """0 to 99, always the same for a name: FNV-1a, 32 bits."""
    value = 2166136261
    for byte in name.encode():
        value = (value ^ byte) * 16777619 & 0xFFFFFFFF
    return value % 100


def is_new(name: str, percent: int) -> bool:
    """Whether version 3 moves this machine when so many percent are rolled out."""
    return share(name) < percent
