"""No term of the course is used before the sentence that defines it."""

import pytest

import glossary


def test_every_term_is_defined_before_it_is_used() -> None:
    assert glossary.too_early() == []


def test_first_uses_are_found_as_they_are_written(monkeypatch) -> None:
    cells = [(("01", "a"), "Skip connections help. So does a near-twin."), (("01", "b"), "A loss.")]
    monkeypatch.setattr(glossary, "prose", lambda: iter(cells))
    assert glossary.uses("skip connection") == glossary.uses("near twin") == [("01", "a")]
    assert glossary.uses("loss") == [("01", "b")] and glossary.uses("connect") == []


@pytest.mark.parametrize(
    ("home", "complaint"),
    [
        ("a", []),
        ("b", ["twin: used in 01 a, defined in 01 b"]),
        ("c", ["twin: 01 c does not hold it"]),
    ],
)
def test_terms_used_too_early_are_named(monkeypatch, home: str, complaint: list[str]) -> None:
    cells = [(("01", "a"), "A twin."), (("01", "b"), "The twin."), (("01", "c"), "")]
    monkeypatch.setattr(glossary, "prose", lambda: iter(cells))
    monkeypatch.setattr(glossary, "defined", lambda: {"twin": ("01", home)})
    assert glossary.too_early() == complaint
