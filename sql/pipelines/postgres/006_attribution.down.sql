drop schema attribution cascade;
