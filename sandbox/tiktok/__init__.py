"""TikTok as the sandbox speaks it: Marketing API v1.3, entities and daily reports in numbered pages."""
