-- Seals a verified revision (app, table, quarter, bucket, revision) with this manifest (manifest_sha256, at).
update archive.revisions
set state = 'sealed',
    sealed_at = %(at)s
where app = %(app)s and table_name = %(table)s and quarter = %(quarter)s and bucket = %(bucket)s
    and revision = %(revision)s and state = 'verified' and manifest_sha256 = %(manifest_sha256)s
