"""Google Ads as the sandbox speaks it: REST, versions v23 to v26, with a GAQL parser of its own."""
