-- Touches that came, went, or have another campaign than before, in this transaction.
create temporary table changed_touches (day date, org_tag text, visitor bytea, at timestamptz) on commit drop
