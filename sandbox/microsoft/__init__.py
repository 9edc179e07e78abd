"""Microsoft Advertising as the sandbox speaks it: REST v13, entities by query, reports by submit and poll."""
