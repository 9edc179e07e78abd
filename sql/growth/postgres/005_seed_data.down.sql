delete from whatsapp.accounts where id::text like '00000000-0000-4000-8005-%';
delete from pipelines.pending_events
where event_id in (select id from analytics.events where session_id like 'sample-visit-%');
delete from analytics.events where session_id like 'sample-visit-%';
delete from experiments.experiments where id::text like '00000000-0000-4000-8004-%';
delete from onboarding.sessions where id::text like '00000000-0000-4000-8002-%';
delete from marketing.leads where id::text like '00000000-0000-4000-8000-%';
drop function pipelines.fill_sample;
