"""Sessions: as the tracker reports them, and recomputed from pauses beside them, by the day that they started on."""
