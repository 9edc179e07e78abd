"""Meta as the sandbox speaks it: Graph API, campaigns, ad sets, and daily insights, at once or as a job."""
