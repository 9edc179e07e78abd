-- Holds the touches that came, went or got another campaign in this transaction, until its end.
create temporary table changed_touches (day date, org_tag text, visitor bytea, at timestamptz) on commit drop
