-- Objects of session points that were ingested, and what became of their lines. A row is written together with the
-- points themselves.
create table point_objects (
    objectKey text not null,
    etag text not null,
    sha256 text not null,
    received integer not null,
    stored integer not null,
    doubled integer not null,
    quarantined integer not null,
    ingestedAt text not null,
    primary key (objectKey, etag),
    check (received = stored + doubled + quarantined)
) without rowid;

create index point_objects_by_sha256 on point_objects (sha256);

create index point_objects_by_time on point_objects (ingestedAt);

-- Lines that are no points. Their bytes lie in R2 under the checksum of their object.
create table point_quarantine (
    sha256 text not null,
    line integer not null,
    objectKey text not null,
    reason text not null,
    field text not null,
    quarantinedAt text not null,
    replayedAt text,
    primary key (sha256, line)
) without rowid;

create index point_quarantine_open on point_quarantine (reason) where replayedAt is null;

-- How far a job got that goes on where it stopped: `place` is its own.
create table job_places (
    job text primary key not null,
    place text not null,
    updatedAt text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);

-- Windows whose metrics are to be made again, because what they are made of changed.
create table stale_metrics (
    grain text not null check (grain in ('hourly', 'daily', 'weekly', 'monthly')),
    windowStart text not null,
    primary key (grain, windowStart)
) without rowid;

-- Hourly metrics lie in partitions of the family metrics; these are made of them. A metric of a window and a user; of
-- all users together where userId is empty. total, least and most are in millionths, so that sums are exact.
create table metrics_daily (
    windowStart text not null check (windowStart glob '????-??-??T00:00:00.000Z'),
    userId text not null,
    metric text not null,
    entries integer not null,
    total integer not null,
    least integer not null,
    most integer not null,
    primary key (windowStart, userId, metric)
) without rowid;

create index metrics_daily_by_user on metrics_daily (userId, metric, windowStart);

create table metrics_weekly (
    windowStart text not null check (windowStart glob '????-??-??T00:00:00.000Z'),
    userId text not null,
    metric text not null,
    entries integer not null,
    total integer not null,
    least integer not null,
    most integer not null,
    primary key (windowStart, userId, metric)
) without rowid;

create index metrics_weekly_by_user on metrics_weekly (userId, metric, windowStart);

create table metrics_monthly (
    windowStart text not null check (windowStart glob '????-??-01T00:00:00.000Z'),
    userId text not null,
    metric text not null,
    entries integer not null,
    total integer not null,
    least integer not null,
    most integer not null,
    primary key (windowStart, userId, metric)
) without rowid;

create index metrics_monthly_by_user on metrics_monthly (userId, metric, windowStart);
