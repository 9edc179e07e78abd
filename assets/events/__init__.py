"""Web events: what one is, how a landed batch is checked, and how it is stored in the lake exactly once."""
