-- Writes down that an object of an app's access log (namespace) was counted now: its sha256, its lines and those that
-- were refused, its reads and hits. It is one transaction with what adds the reads.
insert into cache.access_objects (namespace, object, sha256, lines, refused, reads, hits, ingested_at)
values (%(namespace)s, %(object)s, %(sha256)s, %(lines)s, %(refused)s, %(reads)s, %(hits)s, %(now)s)
