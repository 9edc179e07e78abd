drop schema ads cascade;
