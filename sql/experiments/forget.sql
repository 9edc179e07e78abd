-- Takes away the looks of a day, with their results. Parameters: app, day.
delete from experiments.looks where app = %(app)s and day = %(day)s
