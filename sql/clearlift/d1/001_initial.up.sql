-- ClearLift's own tables in D1. Times are ISO 8601 UTC strings, JSON is TEXT, booleans are 0 and 1.
create table users (
    id text primary key not null,
    email text not null,
    email_encrypted text,
    email_hash text,
    issuer text not null,
    access_sub text not null,
    identity_nonce text,
    created_at text default (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
    last_login_at text,
    name text,
    avatar_url text,
    updated_at datetime,
    unique (issuer, access_sub)
);

create index users_by_email_hash on users (email_hash) where email_hash is not null;

create table sessions (
    token text primary key not null,
    user_id text not null references users (id) on delete cascade,
    created_at datetime default (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
    expires_at datetime not null,
    ip_address text,
    ip_address_encrypted text,
    user_agent text
);

create index sessions_by_user on sessions (user_id);

create index sessions_by_expiry on sessions (expires_at);

create table organizations (
    id text primary key not null,
    name text not null,
    slug text unique not null,
    created_at datetime default (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
    updated_at datetime default (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
    settings text default '{}' check (settings is null or json_valid(settings)),
    subscription_tier text default 'free' check (subscription_tier in ('free', 'pro', 'enterprise'))
);

create table organization_members (
    organization_id text not null references organizations (id) on delete cascade,
    user_id text not null references users (id) on delete cascade,
    role text not null check (role in ('viewer', 'admin', 'owner')),
    joined_at datetime default (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
    invited_by text references users (id) on delete set null,
    primary key (organization_id, user_id)
);

create index organization_members_by_user on organization_members (user_id);

-- The platforms are left open: a new one is no migration.
create table platform_connections (
    id text primary key not null,
    organization_id text not null references organizations (id) on delete cascade,
    platform text not null,
    account_id text not null,
    account_name text,
    connected_by text not null references users (id),
    connected_at datetime default (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
    last_synced_at datetime,
    sync_status text default 'pending' check (sync_status in ('pending', 'syncing', 'success', 'error')),
    sync_error text,
    is_active integer default 1 check (is_active in (0, 1)),
    settings text default '{}' check (settings is null or json_valid(settings)),
    settings_encrypted text,
    unique (organization_id, platform, account_id)
);

create index platform_connections_active on platform_connections (platform, last_synced_at) where is_active = 1;

create table org_tag_mappings (
    id text primary key not null,
    organization_id text not null references organizations (id) on delete cascade,
    short_tag text unique not null,
    is_active boolean default true check (is_active in (0, 1)),
    created_at datetime default (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
    updated_at datetime default (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
);

create index org_tag_mappings_by_organization on org_tag_mappings (organization_id);

create table invitations (
    id text primary key not null,
    organization_id text not null references organizations (id) on delete cascade,
    email text not null,
    email_encrypted text,
    email_hash text,
    token text unique not null,
    expires_at datetime not null,
    created_at datetime default (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
    invited_by text not null references users (id)
);

create index invitations_by_organization on invitations (organization_id);

create index invitations_by_email_hash on invitations (email_hash) where email_hash is not null;

create index invitations_by_expiry on invitations (expires_at);
