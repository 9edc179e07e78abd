drop schema consent cascade;
drop schema audit cascade;
