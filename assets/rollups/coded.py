"""Ids as codes: whole numbers from 0, equal for equal texts. Codes compare at twice the speed of texts. Pure.

What does not belong here: what ids mean.
"""

from dataclasses import dataclass

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc


@dataclass(frozen=True)
class Coded:
    """A column of ids: the code of each id (Int32), and the text of each code."""

    codes: pl.Series
    texts: pl.Series

    @classmethod
    def of(cls, ids: pl.Series) -> "Coded":
        """Codes for ids without nulls, in the order in which the ids first occur.

        pyarrow makes them, because it takes half of the time that polars takes for the categories of a million ids.
        """
        encoded = pc.dictionary_encode(ids.to_arrow(compat_level=pl.CompatLevel.oldest()))
        assert isinstance(encoded, pa.DictionaryArray)
        return cls(pl.Series(ids.name, encoded.indices), pl.Series(encoded.dictionary, dtype=pl.String))
