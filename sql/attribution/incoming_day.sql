-- Holds a day's touches, conversions and sign-ins from the lake until the end of the transaction. They are of one app.
create temporary table incoming_touches (like attribution.touches including defaults) on commit drop;
create temporary table incoming_conversions (like attribution.conversions) on commit drop;
create temporary table incoming_sign_ins (like attribution.sign_ins) on commit drop;
alter table incoming_touches drop app;
alter table incoming_conversions drop app, drop credit_day, drop refunded;
alter table incoming_sign_ins drop app;
