-- Records that a revision is about to be written (app, table, quarter, bucket, revision, at, snapshot, code_version).
-- One row, or none where it was verified or sealed already.
insert into archive.revisions (app, table_name, quarter, bucket, revision, state, started_at, snapshot, code_version)
values (%(app)s, %(table)s, %(quarter)s, %(bucket)s, %(revision)s, 'writing', %(at)s, %(snapshot)s, %(code_version)s)
on conflict (app, table_name, quarter, bucket, revision) do update set
    started_at = excluded.started_at,
    snapshot = excluded.snapshot,
    code_version = excluded.code_version
where archive.revisions.state = 'writing'
returning revision
