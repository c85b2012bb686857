"""Tests of a store's URL: what it says, and that no mistake in one repeats a password."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.sketches.place import Place, PlaceError, place_of


@pytest.mark.parametrize(
    ("url", "expected", "shown"),
    [
        ("redis://store", Place(None, "store", 6379), "redis://store:6379/0"),
        ("redis://10.0.0.7:7000/3", Place(None, "10.0.0.7", 7000, database=3), "redis://10.0.0.7:7000/3"),
        ("rediss://a%3Ac@store/", Place("a:c", "store", 6379, tls=True), "rediss://store:6379/0"),
        ("redis://b@[fd00::7]:1", Place("b", "fd00::7", 1), "redis://[fd00::7]:1/0"),
        (
            "unix:///run/redis/redis.sock",
            Place(None, path="/run/redis/redis.sock"),
            "unix:///run/redis/redis.sock",
        ),
        ("unix://b@/run/redis.sock", Place("b", path="/run/redis.sock"), "unix:///run/redis.sock"),
    ],
)
def test_places(url: str, expected: Place, shown: str) -> None:
    """Each part is where it belongs; what is shown of it has no user."""
    assert expected == place_of(url)
    assert shown == str(place_of(url))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "store:6379",
        "http://:hunter2@store",
        "redis://",
        "redis://:hunter2@",
        "redis://:hunter2@store",
        "unix://:hunter2@/run/redis.sock",
        "redis://:hunter2@store:99999",
        "redis://:hunter2@store:port",
        "redis://:hunter2@store/zero",
        "redis://:hunter2@store/99999",
        "redis://:hunter2@store/1?ssl_cert_reqs=none",
        "redis://:hunter#2@store",
        "redis://:hunter2@[fd00::7",
        "redis://:hunter2@" + "a" * 300,
        "unix://:hunter2@store/run/redis.sock",
        "unix://",
        "unix:///",
    ],
)
def test_what_is_no_place(url: str) -> None:
    """It is refused, and the password is not repeated."""
    with pytest.raises(PlaceError) as told:
        place_of(url)

    assert "hunter" not in str(told.value)


@given(st.text(max_size=60).map(lambda text: f"redis://{text}") | st.text(max_size=60))
def test_noise(text: str) -> None:
    """Whatever is given is a place or refused."""
    try:
        place = place_of(text)
    except PlaceError:
        return
    assert place.host or place.path
