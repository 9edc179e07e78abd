-- Sessions whose rows were pruned and whose media still lie in R2: written in the transaction that deletes the row, taken
-- away once the media are gone.
create table pruned_sessions (
    userId text not null references users (id) on delete cascade,
    sessionId text not null,
    primary key (userId, sessionId)
) without rowid;
