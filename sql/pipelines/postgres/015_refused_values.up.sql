-- A refused line says what its field held, where that is no personal datum; the folder that a replay landed it in; and
-- whether its bytes are in quarantine. Of batches that could not be read at all, the bytes were not: retention leaves
-- their objects in the landing zone.
alter table ingest.quarantine
    add column value text not null default '',
    add column kept boolean not null default true,
    add column replayed_as text not null default '';
update ingest.quarantine set kept = false where line = 0;

alter table cache.access_refusals
    add column field text not null default '',
    add column value text not null default '',
    add column kept boolean not null default true,
    add column replayed_as text not null default '';
update cache.access_refusals set kept = false where line = 0;
