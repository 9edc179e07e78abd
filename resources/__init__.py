"""The ground floor: one room a store, and all that it can do, in general terms. Resources know no asset and no app."""
