-- What people chose about marketing elsewhere than in an event: in their settings, by a letter, at the desk. A choice holds
-- from its moment on, until the next one of the same visitor or user.
create table marketing_choices (
    id text primary key not null,
    organization_id text not null references organizations (id) on delete cascade,
    subject_kind text not null check (subject_kind in ('visitor', 'user')),
    subject text not null check (subject <> ''),
    choice text not null check (choice in ('withdrawn', 'do_not_sell', 'granted')),
    chosen_at text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);

create index marketing_choices_by_organization on marketing_choices (organization_id);
create index marketing_choices_by_subject on marketing_choices (subject);
