"""Google Ads as the sandbox speaks it: the REST API in versions 23 to 26, and the queries that the connector sends."""
