-- Writes down one object of an app's access log (namespace) as counted, in the transaction that adds its reads.
insert into cache.access_objects (namespace, object, sha256, lines, refused, reads, hits, ingested_at)
values (%(namespace)s, %(object)s, %(sha256)s, %(lines)s, %(refused)s, %(reads)s, %(hits)s, %(now)s)
