-- Forgets what refused lines held, where replays landed them, and which bytes are in quarantine.
alter table point_quarantine drop column replayedAs;

alter table point_quarantine drop column kept;

alter table point_quarantine drop column value;
