-- Deletes the reads of the namespace of days before `since`.
delete from cache.reads where namespace = %(namespace)s and day < %(since)s
