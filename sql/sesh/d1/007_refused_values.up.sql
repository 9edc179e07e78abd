-- A refused line says what its field held, where that is no personal datum; the folder that a replay landed it in; and
-- whether its bytes are in quarantine. Of objects that could not be read at all, the bytes were not: retention leaves
-- them where they landed.
alter table point_quarantine add column value text not null default '';

alter table point_quarantine add column kept integer not null default 1;

alter table point_quarantine add column replayedAs text not null default '';

update point_quarantine set kept = 0
where line = 0;
