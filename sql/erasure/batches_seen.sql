-- Gives batches of an app that were written again (arrays keys, etags, checksums, sizes, side by side) the etag and the
-- size that they have now. Of several with one key and checksum, one gets it.
update ingest.batches
set etag = seen.etag, bytes = seen.bytes
from unnest(%(keys)s::text[], %(etags)s::text[], %(checksums)s::text[], %(sizes)s::bigint[])
    as seen (object_key, etag, sha256, bytes)
where batches.app = %(app)s and batches.object_key = seen.object_key and batches.sha256 = seen.sha256
    and batches.etag = (
        select min(one.etag)
        from ingest.batches as one
        where one.app = %(app)s and one.object_key = seen.object_key and one.sha256 = seen.sha256
    )
    and not exists (
        select from ingest.batches as other
        where other.app = %(app)s and other.object_key = seen.object_key and other.etag = seen.etag
    )
