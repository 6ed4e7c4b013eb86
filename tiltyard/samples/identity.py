"""The identity of a sample: an id from its own content, the same for any file, time and format of arrival."""

from hashlib import blake2b

import polars as pl

from tiltyard.schemas.canonical import canonical_json, sha256_of
from tiltyard.schemas.project import Kind, Project, inside
from tiltyard.schemas.records import Payload

ID_BYTES = 16


def sample_ids(frame: pl.DataFrame, project: Project) -> pl.Series:
    """Each row's sample id: 32 hex digits, BLAKE2b of the canonical text of its identity columns.

    ``frame`` has the project's identity columns in pool types. The order of columns or rows, the file's format and
    the chunking play no part. Equal content gives equal ids: -0.0 is 0.0, a time counts in UTC.

    >>> from tiltyard.schemas.project.project_file import parse_project
    >>> project = parse_project(
    ...     {"name": "p", "classes": ["a", "b"], "columns": {"features": {"x": {"kind": "number"}}}}, "p.yaml"
    ... )
    >>> ids = sample_ids(pl.DataFrame({"x": [0.0, -0.0, None]}), project)
    >>> ids.to_list()[0] == ids.to_list()[1] != ids.to_list()[2], ids.str.len_bytes().to_list()
    (True, [32, 32, 32])
    """
    columns = project.columns
    cells = [canonical_cell(inside(name), columns.kind_of(name)) for name in columns.identity_names]
    texts = frame.select(text=pl.concat_str(cells)).to_series()
    hashed = [blake2b(text.encode(), digest_size=ID_BYTES).hexdigest() for text in texts]
    return pl.Series("sample_id", hashed, dtype=pl.String)


def canonical_cell(name: str, kind: Kind) -> pl.Expr:
    """One cell as text that no other cell shares and that cannot run into its neighbour; it ends itself.

    Numbers are written as the 64 bits of their float, so that no spelling of a decimal plays a part.

    >>> frame = pl.DataFrame({"t": ["a;b", None], "n": [1, 2]})
    >>> frame.select(pl.concat_str(canonical_cell("t", "text"), canonical_cell("n", "integer"))).to_series().to_list()
    ['t3:a;b;i1;', '-;i2;']
    """
    cell = pl.col(name)
    # Adding 0.0 would do for -0.0, but polars simplifies that addition away.
    bits = pl.when(cell == 0).then(pl.lit(0.0)).otherwise(cell).reinterpret(dtype=pl.Int64)
    text = {
        "number": pl.concat_str(pl.lit("f"), bits.cast(pl.String)),
        "integer": pl.concat_str(pl.lit("i"), cell.cast(pl.String)),
        "boolean": pl.when(cell).then(pl.lit("b1")).when(cell.not_()).then(pl.lit("b0")),
        "timestamp": pl.concat_str(pl.lit("u"), cell.dt.epoch("us").cast(pl.String)),
    }.get(kind, pl.concat_str(pl.lit("t"), cell.str.len_bytes().cast(pl.String), pl.lit(":"), cell))
    return pl.concat_str(text.fill_null("-"), pl.lit(";"))


def sample_keys(ids: pl.Series) -> pl.Series:
    """The first 8 bytes of each sample id as a signed 64-bit integer, for fast look-ups of duplicates.

    >>> sample_keys(pl.Series(["0000000000000001" + "0" * 16, "f" * 32])).to_list()
    [1, -1]
    """
    heads = ids.str.head(16).str.to_integer(base=16, dtype=pl.UInt64)
    return heads.reinterpret(signed=True).rename("sample_key")


def payload_hash(payload: Payload) -> str:
    """The SHA-256 of a sample's own values as canonical JSON, 64 hex digits.

    >>> payload_hash({"a": 1, "b": None}) == payload_hash({"b": None, "a": 1})
    True
    """
    return sha256_of(canonical_json(payload))
