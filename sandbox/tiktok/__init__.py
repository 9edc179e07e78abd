"""TikTok as the sandbox speaks it: Marketing API v1.3, entities, reports at once and as tasks."""
