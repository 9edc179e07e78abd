-- Gives an app's batch (key, sha256) the key and checksum that it gets (new_key, new_sha256), unless it has them already.
update ingest.batches
set object_key = %(new_key)s, sha256 = %(new_sha256)s
where app = %(app)s and object_key = %(key)s and sha256 = %(sha256)s
    and not exists (
        select from ingest.batches as other
        where other.app = %(app)s and other.object_key = %(new_key)s and other.etag = batches.etag
            and other.ctid <> batches.ctid
    )
