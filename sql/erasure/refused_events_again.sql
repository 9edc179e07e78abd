-- Gives the refused lines of an app's batch (key, sha256) the key and checksum that it gets (new_key, new_sha256), except
-- those that have them already.
update ingest.quarantine
set object_key = %(new_key)s, sha256 = %(new_sha256)s
where app = %(app)s and object_key = %(key)s and sha256 = %(sha256)s
    and not exists (
        select from ingest.quarantine as other
        where other.app = %(app)s and other.sha256 = %(new_sha256)s and other.line = quarantine.line
            and other.ctid <> quarantine.ctid
    )
