"""What the columns alone cannot say about a scan."""

import pandera.polars as pa
import polars as pl


class Digits(pa.DataFrameModel):
    """A frame of scans, one column per pixel."""

    @pa.dataframe_check
    @classmethod
    def shows_some_ink(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """Whether each scan has ink on it: blank paper is the feeder's mistake, not a digit."""
        return data.lazyframe.select(pl.sum_horizontal(pl.col("^pixel_.*$")) > 0)
