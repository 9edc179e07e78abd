-- Forgets who may ask a service when; each process paces itself again.
drop schema pacing cascade;
