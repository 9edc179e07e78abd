-- Looks at experiments: what was counted of each by the end of a UTC day, and what could be said of it. They are here, and
-- not in the app's database, because they share no transaction with its rows and stay when its events are gone.
create schema experiments;

create table experiments.looks (
    app           text not null,
    experiment    text not null,
    day           date not null,
    name          text not null,
    has_ended     boolean not null,
    exposed       bigint not null,
    planned_total bigint not null,
    ln_evidence   double precision not null,
    mismatched    boolean not null,
    days_left     integer,
    looked_at     timestamptz not null,
    primary key (app, experiment, day)
);
comment on table experiments.looks is 'One row an experiment and UTC day by whose end it was looked at';
comment on column experiments.looks.ln_evidence is 'Logarithm of the evidence that users are not split as planned';
comment on column experiments.looks.days_left is 'Until the planned total; null where it has ended or nobody came lately';

create table experiments.results (
    app               text not null,
    experiment        text not null,
    day               date not null,
    metric            text not null,
    variant           text not null,
    is_guardrail      boolean not null,
    fewer_is_better   boolean not null,
    is_control        boolean not null,
    exposed           bigint not null,
    total             double precision not null,
    squares           double precision not null,
    difference        double precision,
    difference_low    double precision,
    difference_high   double precision,
    lift              double precision,
    lift_low          double precision,
    lift_high         double precision,
    p                 double precision,
    detectable_lift   double precision,
    verdict           text not null check (
        verdict in ('control', 'running', 'better', 'worse', 'no difference', 'mismatch', 'unknown')
    ),
    why               text not null,
    primary key (app, experiment, day, metric, variant),
    foreign key (app, experiment, day) references experiments.looks on delete cascade
);
comment on table experiments.results is 'One row a metric and variant of a look: its sums, its effect beside the control, the verdict';
comment on column experiments.results.lift is 'The difference of the means as a share of the control''s';

revoke all on schema experiments from public;
grant usage on schema experiments to service_role;
grant all on all tables in schema experiments to service_role;
alter default privileges in schema experiments grant all on tables to service_role;
alter default privileges in schema experiments grant all on sequences to service_role;
alter default privileges in schema experiments grant execute on functions to service_role;
