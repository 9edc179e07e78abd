"""What a command shows meanwhile: bars on a terminal, lines elsewhere."""

import pytest

from clearlift_pipelines.cli.terminal import terminal


@pytest.mark.usefixtures("bare_environment")
def test_where_the_output_is_no_terminal_each_full_bar_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with terminal() as opened:
        for done, total in ((0, 2), (2, 2), (2, 2), (3, 3), (2, 2)):
            opened.bar("files read")(done, total)
        opened.bar("files written")(2, 2)
    said = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert said == [["files", "read", "2/2"], ["files", "read", "3/3"], ["files", "written", "2/2"]]
