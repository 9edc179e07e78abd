-- Holds the texts that name campaigns and ads and are new, and the touches that carry them, until the end of the
-- transaction. They are of one app.
create temporary table incoming_labels (like attribution.labels) on commit drop;
create temporary table incoming_ad_labels (like attribution.ad_labels) on commit drop;
alter table incoming_labels drop app;
alter table incoming_ad_labels drop app;
create temporary table rematched (day date, org_tag text, visitor bytea, session bytea, at timestamptz) on commit drop
