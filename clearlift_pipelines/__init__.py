"""The top floor: when things run, and how people drive them."""
