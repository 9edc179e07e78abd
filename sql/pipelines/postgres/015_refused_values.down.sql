-- Forgets what refused lines held, where replays landed them, and which bytes are in quarantine.
alter table cache.access_refusals
    drop column replayed_as, drop column kept, drop column value, drop column field;
alter table ingest.quarantine drop column replayed_as, drop column kept, drop column value;
