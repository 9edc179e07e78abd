"""Web events: what one is, how a landed batch is checked, and how it gets into the lake exactly once."""
