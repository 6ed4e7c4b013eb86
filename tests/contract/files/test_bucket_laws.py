"""Laws of names in buckets and of the cache, over whatever Hypothesis thinks of."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from tiltyard.ingest.object_keys import is_batch
from tiltyard.stores.files import FileCache
from tiltyard.stores.files.local import TEMPORARY
from tiltyard.stores.s3 import Bucket, parse_bucket

NAMES = st.text("abc-.0", min_size=3, max_size=8)
PARTS = st.text(st.characters(exclude_characters="/?", exclude_categories=["Cs"]), min_size=1, max_size=6)
PREFIXES = st.lists(PARTS, max_size=3).map("/".join)
KEYS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
PLACES = st.builds(Bucket, NAMES, PREFIXES)


@given(PLACES, KEYS)
def test_a_key_comes_back_from_its_whole_key_and_from_no_other_bucket(place: Bucket, key: str) -> None:
    assert place.key_of(place.name, place.whole_key(key)) == key
    assert place.key_of(f"{place.name}x", place.whole_key(key)) is None


@given(PLACES)
def test_a_place_comes_back_from_its_url(place: Bucket) -> None:
    assert parse_bucket(str(place)) == place


@given(PLACES, PLACES, KEYS)
def test_places_that_do_not_overlap_have_no_key_in_common(one: Bucket, other: Bucket, key: str) -> None:
    assert one.overlaps(other) == other.overlaps(one)
    assert one.overlaps(one.below("part"))
    if not one.overlaps(other):
        assert other.key_of(one.name, one.whole_key(key)) is None


@given(st.lists(PARTS, min_size=1, max_size=4), st.sampled_from(["*", "*.csv", "days/*"]))
def test_what_is_hidden_or_unfinished_is_no_batch_under_any_pattern(parts: list[str], pattern: str) -> None:
    key = "/".join(parts)
    for spoilt in (f".{key}", f"{key}/.x.csv", f"{key}.part", f"{key}.tmp", f"{key}/"):
        assert not is_batch(spoilt, pattern)


@given(st.lists(st.tuples(st.sampled_from(["keep", "use"]), st.sampled_from("abcd")), max_size=25))
def test_the_cache_has_the_right_bytes_or_none_and_no_more_than_it_may(acts: list[tuple[str, str]]) -> None:
    """The content goes by the name alone, as that of stored files does."""
    with TemporaryDirectory() as folder:
        cache = FileCache(Path(folder), most_bytes=100).of("part")
        for act, name in acts:
            content = name.encode() * {"a": 5, "b": 40, "c": 60, "d": 101}[name]
            if act == "keep":
                written = cache.temporary()
                written.write_bytes(content)
                cache.keep(written, name)
                written.unlink()
            elif link := cache.link_to(name):
                assert link.read_bytes() == content
                link.unlink()
            files = [path for path in Path(folder).rglob("*") if path.is_file()]
            assert sum(path.stat().st_size for path in files) <= 100
            assert not any(path.name.startswith(TEMPORARY) for path in files)
