"""What Tab offers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.ui.command_table import COMMANDS
from p2pchat.ui.completion import candidates

NICKS = ("bob", "bea#09ab", "carol")
ADDRESSES = ("127.0.0.1:55555", "192.168.1.5:55555")


def texts(before_cursor: str) -> list[str]:
    return [found.text for found in candidates(before_cursor, NICKS, ADDRESSES)]


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("/pe", ["/peers"]),
        ("/PE", ["/peers"]),
        ("  /pe", ["/peers"]),
        ("/me", ["/me "]),
        ("/who", ["/who", "/whois "]),
        ("/inv", ["/invite "]),
        ("/invite ", ["qr"]),
        ("/map ", ["--dot", "--mermaid"]),
        ("/map --m", ["--mermaid"]),
        ("/map --dot --m", []),
        ("/trace ", []),
        ("/ping b", ["bea#09ab", "bob"]),
        ("//pe", []),
        ("@b", ["@bea#09ab ", "@bob "]),
        ("@", ["@bea#09ab ", "@bob ", "@carol "]),
        ("@@b", []),
        ("/msg b", ["bea#09ab", "bob"]),
        ("/m ca", ["carol"]),
        ("/msg bob @ca", ["@carol"]),
        ("/reply b", []),
        ("/whois b", ["bea#09ab", "bob"]),
        ("/verify ca", ["carol"]),
        ("/verify carol ", ["no", "yes"]),
        ("/verify carol y", ["yes"]),
        ("/block b", ["bea#09ab", "bob"]),
        ("/unblock b", ["bea#09ab", "bob"]),
        ("ask @ca", ["@carol"]),
        ("ask ca", []),
        ("", []),
        ("hello", []),
        ("connect 1", list(ADDRESSES)),
        ("connect 19", ["192.168.1.5:55555"]),
        ("/connect 127", ["127.0.0.1:55555"]),
        ("/con 127", ["127.0.0.1:55555"]),
        ("connect", []),
        ("connect the 1", []),
        ("/disconnect b", ["bea#09ab", "bob"]),
        ("/disconnect 19", ["192.168.1.5:55555"]),
        ("/nick b", []),
        ("/help pe", ["peers"]),
        ("/help inv", ["invite"]),
        ("/help blo", ["block"]),
        ("/me @bo", ["@bob"]),
        ("/me hugs @bo", ["@bob"]),
        ("/unknown b", []),
        ("first\n/pe", []),
    ],
)
def test_tab_offers_what_fits_there_and_nothing_else(typed: str, offered: list[str]) -> None:
    assert texts(typed) == offered


def test_a_slash_offers_just_the_commands_that_work() -> None:
    working = {f"/{word}" for spec in COMMANDS if spec.built for word in spec.words}

    assert {text.rstrip() for text in texts("/")} == working


def test_a_candidate_replaces_what_was_typed_of_it() -> None:
    (found,) = candidates("/connect 192", NICKS, ADDRESSES)

    assert found.start == -len("192")


def test_a_command_says_what_it_does() -> None:
    (found,) = candidates("/pee", NICKS, ADDRESSES)

    assert "neighbours" in found.meta


@pytest.mark.threat(16)
@given(st.text(max_size=40), st.lists(st.text(max_size=24), max_size=4))
def test_candidates_go_on_from_what_was_typed_and_are_clean(typed: str, nicks: list[str]) -> None:
    for found in candidates(typed, nicks, ADDRESSES):
        replaced = typed[len(typed) + found.start :]

        assert found.text.casefold().startswith(replaced.casefold())
        assert found.text.isprintable() or not found.text.isascii()
        assert "\n" not in found.text
