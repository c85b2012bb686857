"""The fingerprint: of what is described, and of nothing else."""

from dataclasses import replace

from agent.notice.notice import Notice, canonical, description_of, fingerprint_of


def test_every_field_counts(notice: Notice) -> None:
    """Each field of the notice changes the fingerprint when it changes."""
    before = fingerprint_of(description_of(notice))
    others = {
        "district": "Another",
        "contact": "nobody",
        "collected": (),
        "categories": (),
        "services": ("mail",),
        "unknown_names_open": not notice.unknown_names_open,
        "opened": notice.opened[1:],
        "kept": notice.kept[1:],
        "devices_store": "basement",
        "max_authorisation_days": 31,
        "buildings": notice.buildings[1:],
        "taps": notice.taps[1:],
        "networks": notice.networks[1:],
        "elsewhere": ("staff",),
    }
    assert set(description_of(notice)) == set(others)
    for name, value in others.items():
        changed = replace(notice, **{name: value})  # type: ignore[arg-type]  # each field gets a value of its own type
        assert before != fingerprint_of(description_of(changed)), name


def test_stable_over_formatting() -> None:
    """The order of keys does not count; 64 hex digits of SHA-256 over the canonical bytes do."""
    assert b'{"a":[1,"\xc3\xa9"],"b":null}' == canonical({"b": None, "a": [1, "é"]})
    assert fingerprint_of({"a": 1, "b": 2}) == fingerprint_of({"b": 2, "a": 1})
    assert "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a" == fingerprint_of({})


def test_description_is_json(notice: Notice) -> None:
    """What is kept holds lists, not tuples, so that it equals what is read back."""
    description = description_of(notice)

    assert ["core", "west"] == [tap["id"] for tap in description["taps"]]  # type: ignore[attr-defined]  # it is a list
    assert isinstance(description["taps"], list)
