-- Records that an object of the access log was counted, with its numbers. Adds one row.
insert into cache.access_objects (namespace, object, lines, refused, reads, hits, ingested_at)
values (%(namespace)s, %(object)s, %(lines)s, %(refused)s, %(reads)s, %(hits)s, %(now)s)
