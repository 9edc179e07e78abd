"""The pipelines themselves: what belongs to no app, as the owner of jobs and assets over the stores that apps share.

It is none of `APPS`: no room brings anything for it because of its data.
"""

from assets.apps.app import App

PIPELINES = App(name="pipelines", title="ClearLift Pipelines", owner="team:pipelines-data", tables={})
