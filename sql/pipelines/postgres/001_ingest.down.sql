drop schema ingest cascade;
