-- The ledger of uploaded images: which are to be processed, what became of each, where listing goes on.
create schema media;

create table media.images (
    app        text not null,
    object_key text collate "C" not null,
    etag       text not null,
    state      text not null check (state in ('wanted', 'made', 'quarantined', 'gone')),
    reason     text check (reason is not null or state <> 'quarantined'),
    kept       boolean not null default false,
    variants   jsonb not null default '{}',
    bytes_in   bigint,
    bytes_out  bigint,
    width      integer,
    height     integer,
    changed_at timestamptz not null,
    primary key (app, object_key)
);
create index images_to_do on media.images (app, object_key) where state in ('wanted', 'gone');
create index images_refused on media.images (app, reason) where state = 'quarantined';
comment on column media.images.object_key is 'Of the upload; personal, for it holds the ids of a user and a session';
comment on column media.images.etag is 'Of the upload as it was listed, or as it was left once it was cleaned';
comment on column media.images.reason is 'Why it was refused; of a wanted one, why its name alone is to be refused';
comment on column media.images.kept is 'Whether its bytes lie in quarantine';
comment on column media.images.variants is 'The etag of each variant by its name';

-- Keys sort by user, not by time: each look lists a stretch, goes on where the last one ended, and begins anew at the end.
create table media.listings (
    app       text primary key,
    after_key text collate "C" not null,
    listed_at timestamptz not null
);
