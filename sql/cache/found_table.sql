-- One row per key that a listing of KV showed: the family whose template the key fits ('' for none), and the digest in
-- its metadata (null where it has none of ours). Lives as long as the transaction.
create temporary table cache_found (
    key    text not null,
    family text not null,
    digest bytea
) on commit drop
