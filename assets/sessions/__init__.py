"""Sessions by the day that they started on: as the tracker reports them, and recomputed from pauses."""
