-- Deletes the reads of an app (namespace) on days before `since`, because they rank nothing any more.
delete from cache.reads where namespace = %(namespace)s and day < %(since)s
