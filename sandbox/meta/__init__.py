"""Meta as the sandbox speaks it: Graph API v26.0, campaigns, ad sets and insights, at once or as a job."""
