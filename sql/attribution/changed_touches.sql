-- Holds the touches that came, went or got another campaign in this transaction, and the sign-ins that came or went, until
-- its end. person: null where it is a touch.
create temporary table changed_touches (day date, browser bytea, person bytea, at timestamptz) on commit drop
