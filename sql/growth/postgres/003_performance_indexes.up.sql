-- One index a hot question, which its comment asks. A test asks each of them and looks whether the plan takes the
-- index.

-- Funnel of the last 30 days by source and status, from the index alone.
create index leads_by_created on marketing.leads (created_at) include (source, status);
-- How many leads have a status, and the newest of them.
create index leads_by_status on marketing.leads (status, created_at desc);
-- What a source brought lately.
create index leads_by_source on marketing.leads (source, created_at);
-- What a source brought first, whatever came after.
create index leads_by_first_source on marketing.leads (first_source, created_at);
-- Leads of a country.
create index leads_by_country on marketing.leads (country, created_at) where country is not null;
-- Other leads of the same company.
create index leads_by_company on marketing.leads (company_key) where company_key is not null;
-- Leads of the same domain.
create index leads_by_domain on marketing.leads (split_part(email_key, '@', 2));
-- Whose number is calling?
create index leads_by_phone on marketing.leads (phone_e164) where phone_e164 is not null;
-- Numbers that no job has looked at.
create index leads_with_raw_phone on marketing.leads (id) where phone is not null and phone_read_at is null;
-- Who came back lately?
create index leads_by_captured on marketing.leads (last_captured_at);
-- Who may be written to?
create index leads_with_consent on marketing.leads (created_at) where consent;
-- Names that begin with what somebody types.
create index leads_by_name on marketing.leads (lower(name) text_pattern_ops) where name is not null;
-- Leads of a campaign.
create index leads_by_utm on marketing.leads using gin (utm jsonb_path_ops);
-- Leads by what an integration noted.
create index leads_by_metadata on marketing.leads using gin (metadata jsonb_path_ops);

-- The history of a lead, newest first.
create index lead_interactions_by_lead on marketing.lead_interactions (lead_id, occurred_at desc);
-- Calls of this week.
create index lead_interactions_by_kind on marketing.lead_interactions (kind, occurred_at);
-- What came by a channel.
create index lead_interactions_by_channel on marketing.lead_interactions (channel, occurred_at);
-- Interactions by what an integration noted.
create index lead_interactions_by_metadata on marketing.lead_interactions using gin (metadata jsonb_path_ops);

-- The onboarding of a user, newest first.
create index sessions_by_user on onboarding.sessions (user_id, started_at desc) where user_id is not null;
-- The onboarding of a lead.
create index sessions_by_lead on onboarding.sessions (lead_id) where lead_id is not null;
-- Who has not moved for two hours?
create index sessions_inactive on onboarding.sessions (last_activity_at) where status = 'in_progress';
-- Drop-off of the last 7 days, from the index alone.
create index sessions_by_start on onboarding.sessions (started_at) include (current_step, status, progress_percentage);
-- Who is in a step now?
create index sessions_by_step on onboarding.sessions (current_step, last_activity_at) where status = 'in_progress';
-- Who was done lately?
create index sessions_by_completed on onboarding.sessions (completed_at) where status = 'completed';
-- Who gave up, the oldest first: for the clean-up, and for whoever writes to them.
create index sessions_by_abandoned on onboarding.sessions (abandoned_at) where abandoned_at is not null;
-- Sessions by what the application noted.
create index sessions_by_metadata on onboarding.sessions using gin (metadata jsonb_path_ops);

-- What happened in a session, in its order.
create index step_activities_by_session on onboarding.step_activities (session_id, occurred_at);
-- How long a step takes, from the index alone.
create index step_activities_by_step on onboarding.step_activities (step, kind, occurred_at) include (duration_seconds);
-- Errors of today.
create index step_activities_errors on onboarding.step_activities (occurred_at) where kind = 'error';
-- What is old.
create index step_activities_by_time on onboarding.step_activities (occurred_at);

-- The events of an hour.
create index events_by_time on analytics.events (created_at);
-- An event by its name, lately.
create index events_by_name on analytics.events (name, created_at);
-- Events of a type, lately.
create index events_by_type on analytics.events (type, created_at);
-- What happened in a session, in its order.
create index events_by_session on analytics.events (session_id, created_at) where session_id is not null;
-- What a user did, and what is to be deleted of them.
create index events_by_user on analytics.events (user_id, created_at) where user_id is not null;
-- What a lead did before they left their address.
create index events_by_lead on analytics.events (lead_id, created_at) where lead_id is not null;
-- Events of a country.
create index events_by_country on analytics.events (country, created_at) where country is not null;
-- Views of a page.
create index events_by_page on analytics.events (page, created_at) where type = 'page_view';
-- Errors of today.
create index events_errors on analytics.events (created_at) where type = 'error';
-- Conversions of a kind.
create index events_conversions on analytics.events (name, created_at) where type = 'conversion';
-- Who saw an experiment.
create index events_of_experiment on analytics.events ((properties ->> 'experiment'), created_at)
where properties ->> 'experiment' is not null;
-- Events by any property.
create index events_by_properties on analytics.events using gin (properties jsonb_path_ops);
-- What came in since, whenever it happened. Rows arrive in this order, so that a block range is enough.
create index events_by_ingested on analytics.events using brin (ingested_at) with (pages_per_range = 16);

-- One event over time.
create index event_aggregations_by_name on analytics.event_aggregations (name, period, window_start);
-- One type over time.
create index event_aggregations_by_type on analytics.event_aggregations (type, period, window_start);
-- One country over time.
create index event_aggregations_by_country on analytics.event_aggregations (country, period, window_start)
where country <> '';

-- All figures of a day.
create index metrics_by_day on analytics.metrics (day, metric);
-- All figures of a dimension.
create index metrics_by_dimension on analytics.metrics (dimension, day) where dimension <> '';

-- Which experiments run, and since when?
create index experiments_by_status on experiments.experiments (status, started_at);

-- The variants of a user.
create index assignments_by_user on experiments.assignments (user_id) where user_id is not null;
-- The variants of a session.
create index assignments_by_session on experiments.assignments (session_id) where session_id is not null;
-- How many have a variant, by day.
create index assignments_by_variant on experiments.assignments (experiment_id, variant, assigned_at);
-- Who was exposed since.
create index assignments_exposed on experiments.assignments (experiment_id, first_exposed_at)
where first_exposed_at is not null;
-- Where the users of an experiment are.
create index assignments_by_country on experiments.assignments (experiment_id, country) where country is not null;

-- The accounts of a user.
create index accounts_by_user on whatsapp.accounts (user_id) where user_id is not null;
-- The account of a lead.
create index accounts_by_lead on whatsapp.accounts (lead_id) where lead_id is not null;
-- The numbers of a business account.
create index accounts_by_waba on whatsapp.accounts (waba_id);
-- Whose token expires next?
create index accounts_by_expiry on whatsapp.accounts (token_expires_at) where status = 'connected';
-- Which account was synced longest ago?
create index accounts_by_sync on whatsapp.accounts (last_synced_at) where status = 'connected';

-- Templates that wait for their review.
create index templates_by_status on whatsapp.templates (status, submitted_at);
-- Rejected templates of an account.
create index templates_rejected on whatsapp.templates (account_id, reviewed_at) where status = 'rejected';
-- Templates that an account may send for a purpose.
create index templates_by_category on whatsapp.templates (account_id, category, status);

-- The pending events of an hour.
create index pending_events_by_time on pipelines.pending_events (occurred_at);
