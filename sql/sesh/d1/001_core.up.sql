-- Sesh's own tables in D1. Times are UTC texts as JavaScript's toISOString writes them, so that they sort as they pass;
-- JSON is TEXT, booleans are 0 and 1. What is variable lies in JSON, what is queried has a column.
create table users (
    id text primary key not null,
    email text unique not null,
    displayName text,
    avatarImageId text,
    timeZone text not null default 'UTC',
    subscriptionTier text not null default 'free',
    profile text not null default '{}' check (json_valid(profile)),
    createdAt text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    updatedAt text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);

create table user_preferences (
    userId text primary key not null references users (id) on delete cascade,
    preferences text not null default '{}' check (json_valid(preferences)),
    dashboardLayout text check (dashboardLayout is null or json_valid(dashboardLayout)),
    createdAt text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    updatedAt text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);

create table strains (
    id text primary key not null,
    name text not null,
    type text not null check (type in ('indica', 'sativa', 'hybrid')),
    description text,
    thcPercent real check (thcPercent between 0 and 100),
    cbdPercent real check (cbdPercent between 0 and 100),
    effects text not null default '[]' check (json_valid(effects)),
    flavors text not null default '[]' check (json_valid(flavors)),
    attributes text not null default '{}' check (json_valid(attributes)),
    isActive integer not null default 1 check (isActive in (0, 1)),
    createdAt text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    updatedAt text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);

create index strains_by_name on strains (name, id);

create table products (
    id text primary key not null,
    strainId text references strains (id) on delete set null,
    name text not null,
    brand text,
    category text not null,
    description text,
    thcPercent real check (thcPercent between 0 and 100),
    cbdPercent real check (cbdPercent between 0 and 100),
    attributes text not null default '{}' check (json_valid(attributes)),
    isActive integer not null default 1 check (isActive in (0, 1)),
    createdAt text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    updatedAt text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);

create index products_by_name on products (name, id);

create index products_by_strain on products (strainId) where strainId is not null;

create table dispensaries (
    id text primary key not null,
    name text not null,
    address text,
    city text,
    region text,
    country text,
    latitude real check (latitude between -90 and 90),
    longitude real check (longitude between -180 and 180),
    openingHours text not null default '{}' check (json_valid(openingHours)),
    attributes text not null default '{}' check (json_valid(attributes)),
    isActive integer not null default 1 check (isActive in (0, 1)),
    createdAt text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    updatedAt text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);

create index dispensaries_by_name on dispensaries (name, id);

-- What a user has at home.
create table inventory (
    id text primary key not null,
    userId text not null references users (id) on delete cascade,
    strainId text references strains (id) on delete set null,
    productId text references products (id) on delete set null,
    dispensaryId text references dispensaries (id) on delete set null,
    quantity real not null check (quantity >= 0),
    unit text not null,
    priceCents integer check (priceCents >= 0),
    currency text,
    details text not null default '{}' check (json_valid(details)),
    purchasedAt text check (purchasedAt glob '????-??-??T??:??:??.???Z'),
    createdAt text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    updatedAt text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);

create index inventory_by_user on inventory (userId, id);

create index inventory_by_strain on inventory (strainId) where strainId is not null;

create index inventory_by_product on inventory (productId) where productId is not null;

create index inventory_by_dispensary on inventory (dispensaryId) where dispensaryId is not null;

-- sessionId has no reference: sessions lie in partitions, which are tables of their own.
create table medical_symptoms (
    id text primary key not null,
    userId text not null references users (id) on delete cascade,
    sessionId text,
    strainId text references strains (id) on delete set null,
    symptom text not null,
    severityBefore integer check (severityBefore between 0 and 10),
    severityAfter integer check (severityAfter between 0 and 10),
    details text not null default '{}' check (json_valid(details)),
    timestamp text not null check (timestamp glob '????-??-??T??:??:??.???Z'),
    createdAt text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    updatedAt text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);

create index medical_symptoms_by_user on medical_symptoms (userId, timestamp);

create index medical_symptoms_by_strain on medical_symptoms (strainId) where strainId is not null;

create table journal_entries (
    id text primary key not null,
    userId text not null references users (id) on delete cascade,
    sessionId text,
    strainId text references strains (id) on delete set null,
    title text,
    content text not null,
    mood text,
    tags text not null default '[]' check (json_valid(tags)),
    imageIds text not null default '[]' check (json_valid(imageIds)),
    timestamp text not null check (timestamp glob '????-??-??T??:??:??.???Z'),
    createdAt text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    updatedAt text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);

create index journal_entries_by_user on journal_entries (userId, timestamp);

create index journal_entries_by_strain on journal_entries (strainId) where strainId is not null;

-- What names are found by: their words, ASCII letters in lower case. A name is cut where it has spaces, hyphens,
-- slashes, commas or brackets: each is made a space, the name a JSON text, the spaces in it the borders of an array.

create table strain_terms (
    term text not null,
    strainId text not null references strains (id) on delete cascade,
    primary key (term, strainId)
) without rowid;

create index strain_terms_by_strain on strain_terms (strainId);

create view strain_words as
with names (id, name) as (
    select
        id,
        replace(replace(replace(replace(replace(name, '-', ' '), '/', ' '), ',', ' '), '(', ' '), ')', ' ')
    from strains
    where isActive = 1
)

select distinct
    lower(word.value) as term,
    names.id as strainId
from names, json_each('[' || replace(json_quote(names.name), ' ', '","') || ']') as word
where word.value <> '';

create trigger strain_terms_inserted after insert on strains begin
    insert into strain_terms (term, strainId)
    select term, strainId from strain_words where strainId = new.id;
end;

create trigger strain_terms_updated after update of id, name, isActive on strains begin
    delete from strain_terms where strainId in (old.id, new.id);
    insert into strain_terms (term, strainId)
    select term, strainId from strain_words where strainId = new.id;
end;

create table product_terms (
    term text not null,
    productId text not null references products (id) on delete cascade,
    primary key (term, productId)
) without rowid;

create index product_terms_by_product on product_terms (productId);

create view product_words as
with names (id, name) as (
    select
        id,
        replace(replace(replace(replace(replace(name, '-', ' '), '/', ' '), ',', ' '), '(', ' '), ')', ' ')
    from products
    where isActive = 1
)

select distinct
    lower(word.value) as term,
    names.id as productId
from names, json_each('[' || replace(json_quote(names.name), ' ', '","') || ']') as word
where word.value <> '';

create trigger product_terms_inserted after insert on products begin
    insert into product_terms (term, productId)
    select term, productId from product_words where productId = new.id;
end;

create trigger product_terms_updated after update of id, name, isActive on products begin
    delete from product_terms where productId in (old.id, new.id);
    insert into product_terms (term, productId)
    select term, productId from product_words where productId = new.id;
end;
