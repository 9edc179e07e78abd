delete from cache.access_objects where namespace = %(namespace)s and object collate "C" < %(since)s
