"""The middle floor: what exists, made of what, and how that is decided. A capability is a folder."""
