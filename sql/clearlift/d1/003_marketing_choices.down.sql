drop table marketing_choices;
