"""bash completes demailctl: its commands, options and their values, held against the program's own help."""

import re
import subprocess
from pathlib import Path

import pytest

from harness.process import program, run

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "contrib" / "completion" / "demailctl"

# As readline calls it: the words, divided at "=" too, and the index of the one that the cursor is at the end of.
SCRIPT = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
[[ $(complete -p demailctl) == "complete -F _demailctl demailctl" ]] || exit 9
compopt() { :; }
_demailctl "${COMP_WORDS[0]}" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
((${#COMPREPLY[@]})) && printf '%s\\n' "${COMPREPLY[@]}"
exit 0
"""


def completed(*words, folder="/"):
    """What is offered for the last of the words."""
    done = subprocess.run(["bash", "--norc", "-c", SCRIPT, "bash", FILE, program("demailctl"), *map(str, words)],
                          capture_output=True, text=True, check=True, cwd=folder)
    assert done.stderr == ""
    return done.stdout.splitlines()


def helped(*command):
    return run(program("demailctl"), *command, "--help").stdout


def commands():
    listed = re.search(r"^Commands:\n((?:  .*\n)+)", helped(), re.MULTILINE).group(1)
    return re.findall(r"^  (\S+)", listed, re.MULTILINE)


def options(*command):
    """Long ones with whether they take a value, short ones without."""
    return re.findall(r"^  (-\w)?(?:, )?(--[\w-]+)(=)?", helped(*command), re.MULTILINE)


def test_commands():
    assert len(commands()) >= 11
    assert sorted(completed("")) == sorted(commands())
    assert completed("mess") == ["messages"]
    assert completed("-c", "/etc/demail/demail.conf", "expl") == ["explain"]
    assert completed("--config", "=", "/etc/demail/demail.conf", "--json", "expl") == ["explain"]


def test_options_of_the_program_and_of_every_command():
    for command in [[], *([name] for name in commands())]:
        wanted = {word for short, name, _ in options(*command) for word in (short, name) if word}
        assert "--help" in wanted
        assert set(completed(*command, "-")) == wanted, command
    assert completed("messages", "--st") == ["--state"]


def test_the_value_of_an_option_is_never_taken_for_a_command_or_option():
    """Every option that takes a value is known to do so."""
    for command in [[], *([name] for name in commands())]:
        for _, name, value in options(*command):
            assert completed(*command, name, "--hel") == ([] if value else ["--help"]), (command, name)


@pytest.mark.parametrize("equals", [[], ["="]])
def test_values(equals):
    source = (ROOT / "ctl" / "entry_view.c").read_text()
    states = re.findall(r'"(\w+)"', re.search(r"states\[\] = \{(.*?)\}", source, re.DOTALL).group(1))
    assert sorted(completed("messages", "--state", *equals, "")) == sorted(states)
    assert completed("messages", "--state", *equals, "und") == ["undeliverable"]
    assert sorted(completed("messages", "--direction", *equals, "")) == ["received", "sent"]
    assert completed("report", "--by", *equals, "tenant,mo") == ["tenant,month"]
    assert completed("report", "--from", *equals, "2026") == []
    assert len(completed("report", "--by", *equals, "tenant,")) == 5
    assert completed("export", "--format", *equals, "") == ["mbox", "eml"]
    assert completed("export", "--folder", *equals, "inbox,s") == ["inbox,sent"]


def test_equals_sign_at_the_cursor():
    assert sorted(completed("messages", "--direction", "=")) == ["received", "sent"]


def test_tenants_are_those_of_the_configuration(tmp_path):
    conf = tmp_path / "other.conf"
    conf.write_text("[gateway]\nlanguage = de\n[tenant gemeinde]\nprovider = a\n[provider a]\n [tenant stadtwerke]\n"
                    "#[tenant none]\n[tenant $(touch order)]\n")
    for given in (["-c", conf], ["--config", conf], ["--config", "=", conf]):
        assert completed(*given, "messages", "--tenant", "", folder=tmp_path) == ["gemeinde", "stadtwerke"]
        assert completed(*given, "report", "--tenant", "st") == ["stadtwerke"]
    assert not (tmp_path / "order").exists()
    assert completed("-c", tmp_path / "missing.conf", "messages", "--tenant", "") == []


def test_files(tmp_path):
    (tmp_path / "message one.eml").touch()
    (tmp_path / "senders").touch()
    assert sorted(completed("verify", "", folder=tmp_path)) == ["message one.eml", "senders"]
    assert completed("verify", "--ca", "s", folder=tmp_path) == ["senders"]
    assert completed("postmap", "--two-way", "s", folder=tmp_path) == ["senders"]
    assert completed("-c", "s", folder=tmp_path) == ["senders"]
    assert completed("show", "", folder=tmp_path) == []
    (tmp_path / "archive").mkdir()
    assert completed("archive", "") == ["verify"]
    assert completed("archive", "verify", "", folder=tmp_path) == ["archive"]
    assert completed("export", "--out", "", folder=tmp_path) == ["archive"]
    assert completed("metrics", "--output", "s", folder=tmp_path) == ["senders"]
