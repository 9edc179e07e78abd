drop trigger z_audit on marketing.leads;
drop trigger z_audit on marketing.lead_interactions;
drop trigger z_audit on onboarding.sessions;
drop trigger z_audit on experiments.experiments;
drop trigger z_audit on whatsapp.accounts;
drop trigger z_audit on whatsapp.templates;
drop function pipelines.audit;
drop table pipelines.audit_log;
