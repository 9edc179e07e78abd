"""Microsoft Advertising as the sandbox speaks it: REST v13, entities by query, daily reports by submit and poll."""
