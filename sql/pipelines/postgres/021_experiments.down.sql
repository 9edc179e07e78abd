-- Forgets what was said of experiments, and when.
drop schema experiments cascade;
