drop table pipelines.settings, pipelines.rate_limits, pipelines.stale_windows, pipelines.pending_events;
drop schema whatsapp cascade;
drop schema experiments cascade;
drop schema analytics cascade;
drop schema onboarding cascade;
drop schema marketing cascade;
drop function pipelines.are_variants(jsonb);
drop function pipelines.is_small_object(jsonb, integer);
drop function pipelines.is_plain(text, integer);
