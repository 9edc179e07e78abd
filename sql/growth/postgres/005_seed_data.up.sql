-- A sample for development: six leads, onboardings that were completed, abandoned and are in progress, 2,500 events of
-- the three days before a moment, experiments with who is in them, WhatsApp accounts of two customers. One row of a
-- table is what the table's comment says.
--
-- A database is for development where its connection says so: app.environment = development. The embedded server's do.
-- Elsewhere this migration makes the function and leaves the tables alone, and the function refuses. Ids and times
-- follow from the moment, which is that of the first migration, so that a way down and up again brings the same rows.
create function pipelines.fill_sample(as_of timestamptz) returns void
language plpgsql set search_path = '' as $$
begin
    if current_setting('app.environment', true) is distinct from 'development' then
        raise insufficient_privilege using
            message = 'sample data is for development only',
            hint = 'connect with options=-c app.environment=development where it is wanted';
    end if;

    insert into marketing.leads (
        id, email, phone, company_name, name, country, source, status, capture_count, last_captured_at,
        capture_window_at, capture_window_count, utm, metadata, consent, created_at, updated_at
    )
    select
        ('00000000-0000-4000-8000-' || lpad(number::text, 12, '0'))::uuid, email, phone, company_name, name, country,
        source, status::marketing.lead_status, captures, as_of - hours * interval '1 hour',
        as_of - hours * interval '1 hour', 1, utm::jsonb, metadata::jsonb, consent,
        as_of - days * interval '1 day', as_of - hours * interval '1 hour'
    from (
        values
        (1, 'maria.silva@padaria-silva.example', '(11) 91234-5678', 'Padaria Silva Ltda.', 'Maria Silva', 'BR',
            'website-form', 'converted', 2, 21, 30, '{"utm_source": "google", "utm_campaign": "br-bakeries"}',
            '{"employees": 12}', true),
        (2, 'James.Carter+demo@carter-plumbing.example', '+1 202 555 0143', 'Carter Plumbing Inc', 'James Carter', 'US',
            'google-ads', 'converted', 1, 14, 52, '{"utm_source": "google", "utm_campaign": "us-trades"}',
            '{"employees": 4}', true),
        (3, 'aisha@khan-textiles.example', '020 7946 0958', 'Khan Textiles PLC', 'Aisha Khan', 'GB',
            'referral', 'qualified', 1, 9, 70, '{}', '{"referred_by": "partner"}', true),
        (4, 'lukas.weber@weber-reisen.example', '030 23125 042', 'Weber Reisen GmbH', 'Lukas Weber', 'DE',
            'facebook-ads', 'contacted', 3, 6, 20, '{"utm_source": "facebook", "utm_campaign": "de-travel"}', '{}',
            true),
        (5, 'sofia.gomez@taller-gomez.example', '55 1234', null, 'Sofía Gómez', 'MX',
            'website-form', 'lost', 1, 26, 600, '{}', '{"reason": "price"}', false),
        (6, 'yuki@tanaka.example', null, '田中商店', '田中 由紀', 'JP', 'demo-request', 'new', 1, 1, 24, '{}', '{}', false)
    ) as person (
        number, email, phone, company_name, name, country, source, status, captures, days, hours, utm, metadata, consent
    );

    insert into marketing.lead_interactions (id, lead_id, kind, channel, notes, occurred_at, created_at)
    select
        ('00000000-0000-4000-8001-' || lpad(row_number() over ()::text, 12, '0'))::uuid,
        ('00000000-0000-4000-8000-' || lpad(lead::text, 12, '0'))::uuid,
        kind::marketing.interaction_kind, channel, notes,
        as_of - hours * interval '1 hour', as_of - hours * interval '1 hour'
    from (
        values
        (1, 'form', 'web', 'Asked for a price', 500), (1, 'call', 'phone', 'Wants to answer orders at night', 470),
        (1, 'meeting', 'video', 'Demo', 400), (2, 'form', 'web', null, 330),
        (2, 'email', 'email', 'Sent the guide', 300),
        (3, 'message', 'whatsapp', 'Asked for references', 120), (4, 'email', 'email', 'Sent a first offer', 60),
        (5, 'note', 'crm', 'Took another product', 590)
    ) as contact (lead, kind, channel, notes, hours);

    -- One row an onboarding: which steps it has behind it, hours after its start.
    insert into onboarding.sessions (
        id, session_token, user_id, lead_id, status, current_step, signup_completed_at, business_info_completed_at,
        whatsapp_setup_completed_at, bot_setup_completed_at, testing_completed_at, launch_completed_at,
        started_at, last_activity_at, abandoned_at, metadata, created_at, updated_at
    )
    select
        ('00000000-0000-4000-8002-' || lpad(number::text, 12, '0'))::uuid, 'sess_sample_token_' || number,
        case when signed_in then ('00000000-0000-4000-8003-' || lpad(number::text, 12, '0'))::uuid end,
        ('00000000-0000-4000-8000-' || lpad(lead::text, 12, '0'))::uuid, status::onboarding.session_status,
        'signup', at[1], at[2], at[3], at[4], at[5], at[6], started,
        started + idle * interval '1 minute',
        case when status = 'abandoned' then started + (idle + 120) * interval '1 minute' end,
        '{"plan": "starter"}', started, started + idle * interval '1 minute'
    from (
        values
        (1, 1, true, 'completed', 150, 6, 95), (2, 2, true, 'completed', 100, 6, 240),
        (3, 3, true, 'in_progress', 1, 3, 50), (4, 4, false, 'in_progress', 1, 1, 12),
        (5, 5, false, 'abandoned', 90, 2, 35), (6, 6, false, 'abandoned', 40, 0, 3)
    ) as journey (number, lead, signed_in, status, hours, steps, idle)
    cross join lateral (select as_of - hours * interval '1 hour') as begun (started)
    cross join lateral (
        select array_agg(
            case when step <= steps then started + (idle * step / greatest(steps, 1)) * interval '1 minute' end
            order by step
        ) from generate_series(1, 6) as step
    ) as moments (at);

    insert into onboarding.step_activities (id, session_id, step, kind, duration_seconds, error, occurred_at)
    select
        md5('activity:' || as_of || session.id || place.step || place.kind)::uuid, session.id, place.step, place.kind,
        place.seconds, place.error, place.at
    from onboarding.sessions as session
    cross join lateral (
        select
            step, coalesce(lag(done) over (order by step), session.started_at) as entered, done
        from unnest(
            enum_range(null::onboarding.step),
            array[
                session.signup_completed_at, session.business_info_completed_at, session.whatsapp_setup_completed_at,
                session.bot_setup_completed_at, session.testing_completed_at, session.launch_completed_at
            ]
        ) as passed (step, done)
    ) as passed
    cross join lateral (
        values
        (passed.step, 'entered'::onboarding.activity_kind, null::integer, null::text, passed.entered),
        (
            passed.step, 'completed', extract(epoch from passed.done - passed.entered)::integer, null, passed.done
        ),
        (
            case when passed.step = 'whatsapp_setup' then passed.step end, 'error', null,
            'The number is used in another account', passed.entered + interval '30 seconds'
        )
    ) as place (step, kind, seconds, error, at)
    where session.session_token like 'sess\_sample\_token\_%' and place.step is not null and place.at is not null
        and place.at <= session.last_activity_at
        and (passed.done is not null or passed.step = session.current_step)
    order by place.at, place.step, place.kind;

    insert into experiments.experiments (
        id, key, name, status, variants, traffic_share, audience, primary_metric, guardrail_metrics, minimum_exposure,
        planned_total, started_at, created_at, updated_at
    )
    select
        ('00000000-0000-4000-8004-' || lpad(number::text, 12, '0'))::uuid, key, name,
        status::experiments.experiment_status, variants::jsonb, share, audience::jsonb, 'signup',
        array['-client_error'], 20, 5000, case when status <> 'draft' then as_of - interval '4 days' end,
        as_of - interval '6 days', as_of - interval '4 days'
    from (
        values
        (1, 'hero-headline', 'A headline that names the saving', 'running',
            '[{"key": "control", "weight": 1, "is_control": true}, {"key": "saving", "weight": 1}]', 1, '{}'),
        (2, 'demo-button', 'Colour of the demo button', 'running',
            '[{"key": "green", "weight": 2, "is_control": true}, {"key": "blue", "weight": 1}, '
            '{"key": "orange", "weight": 1}]', 0.8, '{"countries": ["US", "GB", "DE"]}'),
        (3, 'yearly-price', 'The yearly price first', 'draft',
            '[{"key": "monthly", "weight": 1, "is_control": true}, {"key": "yearly", "weight": 1}]', 0.5, '{}')
    ) as test (number, key, name, status, variants, share, audience);

    -- One row a visit of the site; what looks like chance is a hash of its number. It begins in the three days before.
    create temporary table sample_visits on commit drop as
    select
        number, 'sample-visit-' || number as session_id,
        case
            when pipelines.bucket('sample-user', number::text) < 2500 then md5('sample user ' || number / 2)::uuid
        end as user_id,
        case when number <= 6 then ('00000000-0000-4000-8000-' || lpad(number::text, 12, '0'))::uuid end as lead_id,
        (array['US', 'US', 'US', 'BR', 'BR', 'DE', 'GB', 'MX', 'JP', null])[
            1 + pipelines.bucket('sample-country', number::text) / 1000
        ] as country,
        (array[
            'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Safari/604.1',
            'Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36',
            'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36',
            'Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0'
        ])[1 + pipelines.bucket('sample-agent', number::text) / 2500] as user_agent,
        (array['https://www.google.com/', 'https://www.facebook.com/', null, null, 'https://news.example/whatsapp'])[
            1 + pipelines.bucket('sample-referrer', number::text) / 2000
        ] as referrer,
        as_of - interval '72 hours' + pipelines.bucket('sample-start', number::text) * interval '25 seconds' as started
    from generate_series(1, 500) as number;

    insert into experiments.assignments (
        id, experiment_id, user_id, session_id, variant, country, bucket, assigned_at, first_exposed_at
    )
    select distinct on (test.id, unit.name)
        md5('assignment:' || test.key || unit.name)::uuid, test.id, visit.user_id, visit.session_id,
        pipelines.variant_of(test.variants, hashed.bucket), visit.country, hashed.bucket, visit.started,
        visit.started + interval '2 seconds'
    from pg_temp.sample_visits as visit
    cross join experiments.experiments as test
    cross join lateral (select coalesce(visit.user_id::text, visit.session_id)) as unit (name)
    cross join lateral (select pipelines.bucket(test.key, unit.name) as bucket) as hashed
    where test.status = 'running' and test.key in ('hero-headline', 'demo-button')
        and pipelines.bucket(test.key || ':traffic', unit.name) < test.traffic_share * 10000
        and (test.audience = '{}' or test.audience -> 'countries' ? visit.country)
    order by test.id, unit.name, visit.started;

    insert into analytics.events (
        id, type, name, user_id, session_id, lead_id, properties, country, user_agent, referrer, created_at, ingested_at
    )
    select
        md5('sample event ' || visit.number || ':' || place)::uuid, kind.type::analytics.event_type, kind.name,
        visit.user_id, visit.session_id, visit.lead_id,
        jsonb_build_object('page', kind.page || '?ref=' || place) || coalesce(kind.more, '{}'), visit.country,
        visit.user_agent, case when place = 1 then visit.referrer end,
        visit.started + place * place * interval '11 seconds', visit.started + place * place * interval '11 seconds'
    from pg_temp.sample_visits as visit
    left join experiments.assignments as seen
        on seen.experiment_id = '00000000-0000-4000-8004-000000000001'
        and (seen.user_id = visit.user_id or (visit.user_id is null and seen.session_id = visit.session_id))
    -- Five events a visit, the same number each, so that there are 2,500.
    cross join generate_series(1, 5) as place
    cross join lateral (select pipelines.bucket('sample-event', visit.number || ':' || place) as chance) as drawn
    cross join lateral (
        select
            case
                when place = 1 then array['page_view', 'landing', '/']
                when place = 2 then array['system', 'experiment_exposure', '/']
                when place = 5 and chance < case when seen.variant = 'saving' then 2400 else 1500 end
                    then array['conversion', 'signup', '/signup']
                when chance < 4000 then array['page_view', 'pricing', '/pricing']
                when chance < 6000 then array['user_action', 'demo_request', '/demo']
                when chance < 8000 then array['page_view', 'features', '/features']
                when chance < 9000 then array['form', 'lead_form', '/contact']
                when chance < 9400 then array['error', 'client_error', '/demo']
                else array['user_action', 'video_play', '/features']
            end as words
    ) as chosen
    cross join lateral (
        select
            words[1], words[2], words[3],
            case when place = 2 and seen.variant is not null
                then jsonb_build_object('experiment', 'hero-headline', 'variant', seen.variant) end
    ) as kind (type, name, page, more);

    insert into pipelines.pending_events (event_id, occurred_at)
    select id, created_at from analytics.events where session_id like 'sample-visit-%'
    on conflict (event_id) do nothing;

    insert into whatsapp.accounts (
        id, user_id, lead_id, waba_id, phone_number_id, display_phone, business_name, status, quality_rating,
        access_token_ciphertext, token_expires_at, last_synced_at, created_at, updated_at
    )
    select
        ('00000000-0000-4000-8005-' || lpad(number::text, 12, '0'))::uuid,
        ('00000000-0000-4000-8003-' || lpad(number::text, 12, '0'))::uuid,
        ('00000000-0000-4000-8000-' || lpad(number::text, 12, '0'))::uuid, waba, phone, display, business,
        status::whatsapp.account_status, quality::whatsapp.quality_rating, '\x00', as_of + expires * interval '1 day',
        as_of - interval '3 hours', as_of - interval '4 days', as_of - interval '3 hours'
    from (
        values
        (1, '100000000000001', '200000000000001', '+55 11 91234-5678', 'Padaria Silva', 'connected', 'green', 45),
        (2, '100000000000002', '200000000000002', '+1 202 555 0143', 'Carter Plumbing', 'connected', 'yellow', -2)
    ) as account (number, waba, phone, display, business, status, quality, expires);

    insert into whatsapp.templates (
        id, account_id, name, language, category, status, rejection_reason, components, submitted_at, reviewed_at,
        created_at, updated_at
    )
    select
        ('00000000-0000-4000-8006-' || lpad(number::text, 12, '0'))::uuid,
        ('00000000-0000-4000-8005-' || lpad(account::text, 12, '0'))::uuid, name, language,
        category::whatsapp.template_category, status::whatsapp.template_status, reason,
        jsonb_build_array(jsonb_build_object('type', 'BODY', 'text', body)),
        case when status <> 'draft' then as_of - interval '3 days' end,
        case when status in ('approved', 'rejected') then as_of - interval '2 days' end,
        as_of - interval '4 days', as_of - interval '2 days'
    from (
        values
        (1, 1, 'order_ready', 'pt_BR', 'utility', 'approved', null, 'Seu pedido {{1}} está pronto.'),
        (2, 1, 'weekend_offer', 'pt_BR', 'marketing', 'rejected', 'INVALID_FORMAT', 'Oferta!!! {{1}}'),
        (3, 2, 'appointment_reminder', 'en_US', 'utility', 'approved', null, 'We come on {{1}} at {{2}}.'),
        (4, 2, 'login_code', 'en_US', 'authentication', 'pending', null, '{{1}} is your code.'),
        (5, 2, 'spring_check', 'en_US', 'marketing', 'draft', null, 'Time for a check of your pipes.')
    ) as template (number, account, name, language, category, status, reason, body);
end
$$;
revoke execute on function pipelines.fill_sample from public;

do $$
begin
    if current_setting('app.environment', true) = 'development' then
        perform pipelines.fill_sample(date_trunc('minute', coalesce(
            (select min(applied_at) from pipelines.migrations), now()
        )));
    end if;
end
$$;
