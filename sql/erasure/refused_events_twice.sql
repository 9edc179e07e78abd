-- Deletes the refused lines that are left under the key and checksum that an app's batch had (key, sha256): it was taken
-- twice, because its erasure was killed.
delete from ingest.quarantine
where app = %(app)s and object_key = %(key)s and sha256 = %(sha256)s
