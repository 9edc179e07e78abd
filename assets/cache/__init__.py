"""The cache: values that dashboards read from KV, made from the roll-ups and written where they changed."""
