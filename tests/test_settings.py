"""Settings from flags, environment, file and defaults."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.errors import BadSettings
from p2pchat.settings import Settings, merged


def test_without_anything_the_defaults_hold() -> None:
    assert merged({}, {}, None) == Settings()


def test_a_flag_wins_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('nick = "file"\nroom = "file"\nguests = "any"\n')
    environment = {"P2PCHAT_NICK": "variable", "P2PCHAT_ROOM": "variable"}

    settings = merged({"nick": "flag"}, environment, file)

    assert (settings.nick, settings.room, settings.guests) == ("flag", "variable", "any")


def test_every_setting_can_be_set_in_the_file_and_in_the_environment(tmp_path: Path) -> None:
    in_file = {
        "nick": '"ann"', "host": '"::1"', "port": "0", "room": '"tea"', "profile": '"work"',
        "ephemeral": "true", "manual": "true", "guests": '"off"', "backlog": "3",
        "connect": '["a:1", "b:2"]', "json": "true", "plain": "true", "stay": "true",
        "listen": "true", "color": '"blue"', "quiet": "true", "verbose": "true",
        "log_file": '"x.log"', "lan": "true", "no_map": "true", "invite_file": '"x.txt"',
        "secret_file": '"s.txt"', "passphrase_file": '"p.txt"',
    }  # fmt: skip
    file = tmp_path / "config.toml"
    file.write_text("".join(f"{name} = {value}\n" for name, value in in_file.items()))
    in_environment = {
        f"P2PCHAT_{name.upper()}": value.strip('[]"').replace('", "', " ")
        for name, value in in_file.items()
    }

    by_file, by_environment = merged({}, {}, file), merged({}, in_environment, None)

    assert by_file == by_environment
    for field in fields(Settings):
        if field.name in ("secret", "passphrase"):
            continue  # come from their files only
        assert getattr(by_file, field.name) != field.default, field.name


def test_a_file_that_is_not_there_is_an_error_only_when_it_was_named(tmp_path: Path) -> None:
    missing = tmp_path / "config.toml"

    assert merged({}, {}, missing) == Settings()
    with pytest.raises(BadSettings, match="no such file"):
        merged({}, {}, missing, is_named=True)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("nick = ", "config.toml: "),
        ("nicks = 'ann'", "no setting 'nicks'"),
        ("port = 65536", "port must be 0-65535"),
        ("port = -1", "port must be 0-65535"),
        ("port = true", "True does not fit 'port'"),
        ("port = '1'", "'1' does not fit 'port'"),
        ("manual = 1", "1 does not fit 'manual'"),
        ("guests = 'all'", "guests must be one of local, any, off"),
        ("color = 'red'", "color must be one of"),
        ("connect = 'a:1'", "'a:1' does not fit 'connect'"),
        ("connect = [1]", "does not fit 'connect'"),
        ("nick = ['ann']", "does not fit 'nick'"),
        ("[nick]\nx = 1", "does not fit 'nick'"),
    ],
)
def test_a_file_that_asks_for_what_there_is_not_is_refused(
    tmp_path: Path, content: str, message: str
) -> None:
    file = tmp_path / "config.toml"
    file.write_text(content)

    with pytest.raises(BadSettings, match=r"config\.toml") as caught:
        merged({}, {}, file)

    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("variable", "text", "message"),
    [
        ("P2PCHAT_PORT", "many", "expected a number"),
        ("P2PCHAT_PORT", "70000", "must be 0-65535"),
        ("P2PCHAT_PORT", "9" * 5_000, "expected a number"),
        ("P2PCHAT_MANUAL", "maybe", "expected true or false"),
        ("P2PCHAT_GUESTS", "all", "must be one of"),
    ],
)
def test_a_variable_that_does_not_fit_is_refused(variable: str, text: str, message: str) -> None:
    with pytest.raises(BadSettings, match=variable) as caught:
        merged({}, {variable: text}, None)

    assert message in str(caught.value)


def test_variables_of_others_are_none_of_our_business() -> None:
    assert merged({}, {"P2PCHAT_EFFORT": "long", "NICK": "ann"}, None) == Settings()


@pytest.mark.parametrize(("text", "truth"), [("1", True), ("Yes", True), ("0", False), ("", False)])
def test_a_variable_says_true_or_false_in_several_ways(text: str, truth: bool) -> None:
    assert merged({}, {"P2PCHAT_MANUAL": text}, None).manual is truth


@pytest.mark.parametrize(
    ("text", "message"),
    [("port = " + "9" * 5_000, "digits"), ("connect = " + "[" * 50_000, "nested too deeply")],
    ids=["long", "deep"],
)
def test_what_breaks_the_reader_of_a_file_is_refused(
    tmp_path: Path, text: str, message: str
) -> None:
    file = tmp_path / "config.toml"
    file.write_text(text)

    with pytest.raises(BadSettings, match=message):
        merged({}, {}, file)


def test_a_file_that_can_not_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="can't be read"):
        merged({}, {}, tmp_path)

    broken = tmp_path / "config.toml"
    broken.write_bytes(b'nick = "\xff"')
    with pytest.raises(BadSettings, match="can't be read"):
        merged({}, {}, broken)


@given(st.binary(max_size=200))
def test_whatever_is_in_the_file_gives_settings_or_one_known_error(content: bytes) -> None:
    with TemporaryDirectory() as folder:
        file = Path(folder, "config.toml")
        file.write_bytes(content)

        try:
            settings = merged({}, {}, file)
        except BadSettings:
            return

    assert isinstance(settings, Settings)
