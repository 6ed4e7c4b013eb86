"""What the columns alone cannot say about a booking."""

import pandera.polars as pa
import polars as pl


class Bookings(pa.DataFrameModel):
    """A frame of bookings."""

    @pa.dataframe_check
    @classmethod
    def somebody_comes(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """Whether each booking has at least one guest; 180 of the source's have none."""
        return data.lazyframe.select(pl.sum_horizontal("adults", "children", "babies") > 0)
