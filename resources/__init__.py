"""The ground floor: one room a store, and all that it can do, in general terms. It knows no asset and no app."""
