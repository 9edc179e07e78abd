-- One row: when the first migration of our Postgres was applied (migrated_at), null where none was.
select min(applied_at) as migrated_at from pipelines.migrations
