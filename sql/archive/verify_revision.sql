-- Records what a revision (app, table, quarter, bucket, revision) holds, once its parts were read back: rows,
-- rows_added, packed_bytes, line_bytes, parts, checksum, manifest_sha256, slices.
update archive.revisions
set state = 'verified',
    rows = %(rows)s,
    rows_added = %(rows_added)s,
    packed_bytes = %(packed_bytes)s,
    line_bytes = %(line_bytes)s,
    parts = %(parts)s,
    checksum = %(checksum)s,
    manifest_sha256 = %(manifest_sha256)s,
    slices = %(slices)s
where app = %(app)s and table_name = %(table)s and quarter = %(quarter)s and bucket = %(bucket)s
    and revision = %(revision)s and state = 'writing'
