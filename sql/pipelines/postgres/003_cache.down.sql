drop schema cache cascade;
