-- Which tables hold what time of a family: sessions_2026_11 is a partition of the family sessions, and so are the months
-- and years beside it. A family's rows are those of its partitions that are not folded, each within its window: a row of
-- a partition outside of it is a copy that is still being made. The view of a family's name says the same.
create table partitions (
    family text not null,
    name text primary key not null,
    startsAt text not null check (startsAt glob '????-??-??T??:??:??.???Z'),
    endsAt text not null check (endsAt glob '????-??-??T??:??:??.???Z'),
    grain text not null check (grain in ('month', 'year')),
    state text not null check (state in ('live', 'folding', 'folded')),
    -- As they were counted and summed when the month was folded into its year; of a year, those of its months together.
    rowCount integer,
    checksum text,
    -- The key, as a JSON array, up to which a folding month is copied.
    copiedTo text,
    createdAt text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    updatedAt text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    check (startsAt <= endsAt)
);

create index partitions_by_time on partitions (family, startsAt);

-- Counted up with every change of a family's partitions, and asked for again in the transaction that makes the next one:
-- nobody writes a view from partitions that are others by then.
create table partition_families (
    family text primary key not null,
    version integer not null
);
