import pytest

from deocclude.errors import described, one_line


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a\n  b\tc ", "a b c"), (ValueError("x\ny"), "x y"), ("", ""), ("n" * 400, "n" * 300)],
)
def test_a_message_is_one_line_of_some_length(text, expected):
    assert one_line(text) == expected


def test_an_error_is_named_with_its_place():
    assert described(KeyError("id")) == "KeyError: 'id'"
    assert described(ValueError("two\nlines"), "photo.jpg") == "photo.jpg: ValueError: two lines"
