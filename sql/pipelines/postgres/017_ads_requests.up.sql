-- What a platform could answer at once, and how many requests a sync took.
alter table ads.sync_state add column longest_days integer, add column longest_days_at timestamptz;
comment on column ads.sync_state.longest_days is 'The longest range of days that the platform answered; null: not known';
alter table ads.sync_runs add column requests bigint not null default 0;
