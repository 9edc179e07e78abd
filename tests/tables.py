"""The lake table that most tests of events work on."""

from assets.apps.clearlift import APP
from assets.events.table import events_table

EVENTS = events_table(APP)
