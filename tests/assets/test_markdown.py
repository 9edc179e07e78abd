"""Texts of people inside Markdown."""

from hypothesis import given
from hypothesis import strategies as st

from assets.markdown import in_markdown


@given(text=st.text(max_size=50))
def test_a_text_of_people_opens_no_cell_tag_or_line(text: str) -> None:
    shown = in_markdown(text)
    assert "\n" not in shown
    assert "\r" not in shown
    bare = shown.replace("\\\\", "")
    assert all(bare[place - 1] == "\\" for place, mark in enumerate(bare) if mark in "<|`*[&")
