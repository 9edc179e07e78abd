"""Microsoft Advertising as the sandbox speaks it: REST v13, entities and reports by submit, poll and download."""
