alter table pipelines.rate_limits set logged;
