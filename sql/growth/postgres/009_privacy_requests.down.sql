-- Forgets what became of requests; the pipelines' own list of erasures stays.
drop table pipelines.export_requests;
drop table pipelines.erasure_requests;
