"""Ids as codes: whole numbers from 0, the same for the same text, which are told apart at twice the speed of text."""

from dataclasses import dataclass

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc


@dataclass(frozen=True)
class Coded:
    """A column of ids: the code of each (Int32), and the text of each code."""

    codes: pl.Series
    texts: pl.Series

    @classmethod
    def of(cls, ids: pl.Series) -> "Coded":
        """Codes for ids without nulls, in the order in which they first occur.

        By pyarrow, which takes half of the time that polars does to make categories of a million ids.
        """
        encoded = pc.dictionary_encode(ids.to_arrow(compat_level=pl.CompatLevel.oldest()))
        assert isinstance(encoded, pa.DictionaryArray)
        return cls(pl.Series(ids.name, encoded.indices), pl.Series(encoded.dictionary, dtype=pl.String))
