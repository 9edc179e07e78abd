delete from cache.reads where namespace = %(namespace)s and day < %(since)s
