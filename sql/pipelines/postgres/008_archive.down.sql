drop schema restored cascade;
drop schema archive cascade;
