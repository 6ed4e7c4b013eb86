"""Guidelines: the project's Markdown as HTML that can do nothing."""

from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

PICTURE: Final = "image"


def render_guidelines(text: str) -> Markup:
    """Markdown as HTML: tags in the text are shown as text, links tell nobody where they were followed.

    Pictures from elsewhere are named, not loaded: whoever serves them would see who labels and when.

    >>> render_guidelines("<b>x</b>")
    Markup('<p>&lt;b&gt;x&lt;/b&gt;</p>\\n')
    """
    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    tokens = parser.parse(text)
    for token in tokens:
        token.children = _mended(token.children) if token.children else token.children
    # The parser escapes text, refuses javascript: and data: links, and was told that there is no HTML.
    return Markup(parser.renderer.render(tokens, parser.options, {}))  # noqa: S704 - the parser's own escaped output


def _mended(children: list[Token]) -> list[Token]:
    """The parts of a line with harmless links and without pictures."""
    for child in children:
        if child.type == "link_open":
            child.attrSet("rel", "noopener noreferrer nofollow")
    return [_named(child) if child.type == PICTURE else child for child in children]


def _named(picture: Token) -> Token:
    """A picture's name in its place."""
    return Token("text", "", 0, content=f"[picture: {picture.content}]")
