drop table pruned_sessions;
