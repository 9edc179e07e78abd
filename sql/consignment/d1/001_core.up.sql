-- Consignment's own tables in D1. Ids are integers, times are UTC texts as JavaScript's toISOString writes them, so that
-- they sort as they pass. user_id is the id by which the application knows who signs in.
create table consignors (
    id integer primary key autoincrement,
    user_id text not null unique,
    name text not null,
    email text not null,
    phone text,
    address text,
    preferred_contact text check (preferred_contact in ('email', 'phone')),
    created_at text not null check (created_at glob '????-??-??T??:??:??.???Z'),
    updated_at text not null check (updated_at glob '????-??-??T??:??:??.???Z')
);

-- A sale that somebody (user_id) organises: consignors hand their items in while drop-off is open, and take back what was
-- not sold while pick-up is. No organiser has two events of one name and start, so that a repeated request makes none.
create table events (
    id integer primary key autoincrement,
    user_id text not null,
    name text not null,
    description text,
    start_date text not null check (start_date glob '????-??-??T??:??:??.???Z'),
    end_date text not null check (end_date glob '????-??-??T??:??:??.???Z'),
    location text not null,
    max_consignors integer not null check (max_consignors > 0),
    drop_off_start text not null check (drop_off_start glob '????-??-??T??:??:??.???Z'),
    drop_off_end text not null check (drop_off_end glob '????-??-??T??:??:??.???Z'),
    pick_up_start text not null check (pick_up_start glob '????-??-??T??:??:??.???Z'),
    pick_up_end text not null check (pick_up_end glob '????-??-??T??:??:??.???Z'),
    status text not null default 'draft' check (status in ('draft', 'published', 'cancelled', 'completed')),
    created_at text not null check (created_at glob '????-??-??T??:??:??.???Z'),
    updated_at text not null check (updated_at glob '????-??-??T??:??:??.???Z'),
    unique (user_id, start_date, name)
);

create index events_by_status on events (status, start_date, id);

-- What a consignor (user_id) brings to an event. It goes with its consignor. An event that has items stays.
create table inventory_items (
    id integer primary key autoincrement,
    user_id text not null references consignors (user_id) on delete cascade on update cascade,
    event_id integer not null references events (id),
    name text not null,
    description text,
    category text not null,
    size text,
    price real not null,
    condition text not null check (condition in ('new', 'like_new', 'good', 'fair')),
    status text not null default 'pending' check (status in ('pending', 'approved', 'rejected', 'sold', 'returned')),
    barcode text,
    dropped_off_at text check (dropped_off_at glob '????-??-??T??:??:??.???Z'),
    created_at text not null check (created_at glob '????-??-??T??:??:??.???Z'),
    updated_at text not null check (updated_at glob '????-??-??T??:??:??.???Z')
);

create index items_by_consignor on inventory_items (user_id, id);

create index items_by_event on inventory_items (event_id, user_id);

create index items_by_category on inventory_items (category, id) where status = 'approved';

-- At the till an item is known by its barcode. A request that is repeated with one makes no second item.
create unique index items_by_barcode on inventory_items (event_id, barcode) where barcode is not null;
