drop schema rollups cascade;
